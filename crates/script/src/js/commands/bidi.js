// WebDriver BiDi: its commands under the names that WebdriverIO gives them, and what the browser tells. The connection is
// made when the first command is sent.
(own) => {
  const { browser, call, host, CommandError } = own;
  const COMMANDS = {
    session: ['status', 'new', 'end', 'subscribe', 'unsubscribe'],
    browser: [
      'close',
      'createUserContext',
      'getClientWindows',
      'getUserContexts',
      'removeUserContext',
      'setClientWindowState',
      'setDownloadBehavior',
    ],
    browsingContext: [
      'activate',
      'captureScreenshot',
      'close',
      'create',
      'getTree',
      'handleUserPrompt',
      'locateNodes',
      'navigate',
      'print',
      'reload',
      'setBypassCSP',
      'setViewport',
      'startScreencast',
      'stopScreencast',
      'traverseHistory',
    ],
    emulation: [
      'setForcedColorsModeThemeOverride',
      'setGeolocationOverride',
      'setLocaleOverride',
      'setNetworkConditions',
      'setScreenSettingsOverride',
      'setScreenOrientationOverride',
      'setUserAgentOverride',
      'setScriptingEnabled',
      'setScrollbarTypeOverride',
      'setTimezoneOverride',
      'setTouchOverride',
    ],
    network: [
      'addDataCollector',
      'addIntercept',
      'continueRequest',
      'continueResponse',
      'continueWithAuth',
      'disownData',
      'failRequest',
      'getData',
      'provideResponse',
      'removeDataCollector',
      'removeIntercept',
      'setCacheBehavior',
      'setExtraHeaders',
    ],
    script: ['addPreloadScript', 'disown', 'callFunction', 'evaluate', 'getRealms', 'removePreloadScript'],
    storage: ['getCookies', 'setCookie', 'deleteCookies'],
    input: ['performActions', 'releaseActions', 'setFiles'],
    webExtension: ['install', 'uninstall'],
  };
  // What is told arrives beside the answers, so it is looked for after each of them, and while a script waits.
  const tell = (text) => {
    const { method, params } = JSON.parse(text);
    try {
      browser.emit(method, params);
    } catch (error) {
      own.uncaught(error);
    }
  };
  const listen = async () => {
    for (;;) tell(await host.bidiEvent());
  };
  const deliver = () => {
    for (let text = host.bidiEventNow(); text; text = host.bidiEventNow()) tell(text);
  };
  let last = 0;
  const number = () => {
    if (!own.deliverEvents) {
      own.deliverEvents = deliver;
      if (!own.blocking) listen();
    }
    last += 1;
    return last;
  };
  const exchange = async (id, frame) => {
    browser.emit('bidiCommand', frame);
    const payload = await call('bidi', { ...frame, id });
    browser.emit('bidiResult', payload);
    return payload;
  };
  const send = async (frame) => {
    // The process is not the script's to end.
    if (frame.method === 'browser.close') {
      await own.runBrowser('deleteSession');
      return { type: 'success', result: {} };
    }
    const payload = await exchange(number(), frame);
    if (payload.error === undefined) return payload;
    throw new CommandError(
      ['invalid argument', 'unknown command'].includes(payload.error) ? 'script' : 'element',
      `WebDriver Bidi command "${frame.method}" failed with error: ${payload.error} - ${payload.message}`,
    );
  };
  own.bidi = async (method, params) => (await send({ method, params })).result;
  own.defineBrowser('send', send);
  own.defineBrowser('sendAsync', async (frame) => {
    const id = number();
    // What comes back is told of as `bidiResult`.
    exchange(id, frame).catch(() => {});
    return id;
  });
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  for (const [domain, names] of Object.entries(COMMANDS))
    for (const name of names)
      own.defineBrowser(domain + capital(name.replace('CSP', 'Csp')), (params) =>
        own.bidi(`${domain}.${name}`, params),
      );
};
