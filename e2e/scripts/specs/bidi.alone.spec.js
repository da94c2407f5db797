// WebDriver BiDi, raw: each command once, and what the browser tells.
describe('BiDi', () => {
  let context;
  before(async () => {
    await browser.url('/form.html');
    context = await browser.getWindowHandle();
  });
  const evaluate = async (expression) =>
    (await browser.scriptEvaluate({ expression, target: { context }, awaitPromise: true })).result;

  it('is there', async () => {
    expect(browser.isBidi).toBe(true);
    expect(typeof (await browser.sessionStatus({})).ready).toBe('boolean');
  });
  it('knows the contexts', async () => {
    const { contexts } = await browser.browsingContextGetTree({});
    console.log(contexts.length, contexts[0].context === context, new URL(contexts[0].url).pathname);
    expect(await browser.getWindowHandles()).toEqual([context]);
  });
  it('opens pages', async () => {
    const url = new URL('/texts.html', await browser.getUrl()).href;
    const opened = await browser.browsingContextNavigate({ context, url, wait: 'complete' });
    expect(opened.url).toBe(url);
    expect(await browser.getUrl()).toBe(url);
    await browser.browsingContextTraverseHistory({ context, delta: -1 });
    await browser.waitUntil(async () => (await browser.getUrl()).endsWith('/form.html'));
    await browser.browsingContextReload({ context, wait: 'complete' });
    await expect($('#heading')).toExist();
  });
  it('evaluates', async () => {
    console.log(JSON.stringify(await evaluate('[1, "two", null, undefined, new Date(0)]')));
    const { result } = await browser.scriptCallFunction({
      functionDeclaration: '(one, two) => one + two',
      arguments: [
        { type: 'number', value: 2 },
        { type: 'number', value: 3 },
      ],
      target: { context },
      awaitPromise: false,
    });
    expect(result).toEqual({ type: 'number', value: 5 });
  });
  it('tells of what a page threw', async () => {
    const answer = await browser.scriptEvaluate({
      expression: 'null.nothing',
      target: { context },
      awaitPromise: false,
    });
    console.log(answer.type, answer.exceptionDetails.text);
  });
  it('finds nodes', async () => {
    const { nodes } = await browser.browsingContextLocateNodes({
      context,
      locator: { type: 'css', value: '#heading' },
    });
    console.log(nodes.length, nodes[0].type, nodes[0].value.localName);
  });
  it('takes pictures and prints', async () => {
    const { data } = await browser.browsingContextCaptureScreenshot({ context });
    expect(data.startsWith('iVBOR')).toBe(true);
    expect((await browser.browsingContextPrint({ context })).data.startsWith('JVBER')).toBe(true);
  });
  it('opens and closes contexts', async () => {
    const made = await browser.browsingContextCreate({ type: 'tab' });
    expect((await browser.getWindowHandles()).length).toBe(2);
    await browser.browsingContextActivate({ context: made.context });
    await browser.browsingContextClose({ context: made.context });
    await browser.browsingContextActivate({ context });
    expect((await browser.getWindowHandles()).length).toBe(1);
  });
  it('knows user contexts and windows', async () => {
    const { userContext } = await browser.browserCreateUserContext({});
    const { userContexts } = await browser.browserGetUserContexts({});
    console.log(userContexts.length, userContexts[0].userContext);
    await browser.browserRemoveUserContext({ userContext });
    const { clientWindows } = await browser.browserGetClientWindows({});
    expect(typeof clientWindows[0].state).toBe('string');
    const { clientWindow } = clientWindows[0];
    const answer = await browser
      .browserSetClientWindowState({ clientWindow, state: 'normal', width: 900, height: 700 })
      .catch((error) => error.message);
    console.log(typeof answer === 'string' ? answer.replaceAll(clientWindow, '…') : answer.state);
  });
  it('keeps cookies', async () => {
    const { hostname } = new URL(await browser.getUrl());
    await browser.storageSetCookie({
      cookie: { name: 'raw', value: { type: 'string', value: 'yes' }, domain: hostname },
    });
    const { cookies } = await browser.storageGetCookies({ filter: { name: 'raw' } });
    expect(cookies[0].value).toEqual({ type: 'string', value: 'yes' });
    await browser.storageDeleteCookies({ filter: { name: 'raw' } });
    expect((await browser.storageGetCookies({ filter: { name: 'raw' } })).cookies).toEqual([]);
  });
  it('acts', async () => {
    await $('#user').click();
    const key = (value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ];
    await browser.inputPerformActions({ context, actions: [{ type: 'key', id: 'keys', actions: key('!') }] });
    await browser.inputReleaseActions({ context });
    expect(await $('#user').getValue()).toContain('!');
  });
  it('runs scripts before a page', async () => {
    const { script } = await browser.scriptAddPreloadScript({ functionDeclaration: '() => { window.early = 7; }' });
    await browser.url('/form.html');
    expect(await evaluate('window.early')).toEqual({ type: 'number', value: 7 });
    await browser.scriptRemovePreloadScript({ script });
    await browser.url('/form.html');
    expect(await evaluate('window.early')).toEqual({ type: 'undefined' });
  });
  it('names realms and handles', async () => {
    const { realms } = await browser.scriptGetRealms({ context });
    expect(realms.filter((realm) => realm.type === 'window').length).toBeGreaterThan(0);
    const answer = await browser.scriptEvaluate({
      expression: 'document.body',
      target: { context },
      awaitPromise: false,
      resultOwnership: 'root',
    });
    await browser.scriptDisown({ handles: [answer.result.handle], target: { context } });
  });
  it('emulates', async () => {
    const contexts = [context];
    await browser.emulationSetTimezoneOverride({ timezone: 'Asia/Tokyo', contexts });
    expect((await evaluate('Intl.DateTimeFormat().resolvedOptions().timeZone')).value).toBe('Asia/Tokyo');
    await browser.emulationSetTimezoneOverride({ timezone: null, contexts });
    await browser.emulationSetLocaleOverride({ locale: 'de-DE', contexts });
    expect((await evaluate('(1.5).toLocaleString()')).value).toBe('1,5');
    await browser.emulationSetLocaleOverride({ locale: null, contexts });
    await browser.emulationSetUserAgentOverride({ userAgent: 'canary', contexts });
    await browser.url('/form.html');
    expect((await evaluate('navigator.userAgent')).value).toBe('canary');
    await browser.emulationSetUserAgentOverride({ userAgent: null, contexts });
    await browser.emulationSetGeolocationOverride({ coordinates: { latitude: 50, longitude: 14 }, contexts });
    await browser.emulationSetGeolocationOverride({ coordinates: null, contexts });
    await browser.emulationSetNetworkConditions({ networkConditions: { type: 'offline' }, contexts });
    await browser.emulationSetNetworkConditions({ networkConditions: null, contexts });
    await browser.emulationSetScreenOrientationOverride({
      screenOrientation: { natural: 'portrait', type: 'portrait-primary' },
      contexts,
    });
    await browser.emulationSetScreenOrientationOverride({ screenOrientation: null, contexts });
    await browser.browsingContextSetViewport({ context, viewport: { width: 640, height: 480 } });
    expect((await evaluate('innerWidth')).value).toBe(640);
    await browser.browsingContextSetViewport({ context, viewport: null });
  });
  it('says which emulation a browser lacks', async () => {
    const contexts = [context];
    const said = async (answer) =>
      console.log(
        await answer.then(
          () => 'done',
          (error) => error.message.split('\n')[0],
        ),
      );
    await said(browser.emulationSetForcedColorsModeThemeOverride({ theme: 'dark', contexts }));
    await said(browser.emulationSetForcedColorsModeThemeOverride({ theme: null, contexts }));
    await said(browser.emulationSetScriptingEnabled({ enabled: null, contexts }));
    await said(browser.emulationSetScrollbarTypeOverride({ scrollbarType: null, contexts }));
    await said(browser.emulationSetScreenSettingsOverride({ screenArea: null, contexts }));
    await said(browser.emulationSetTouchOverride({ maxTouchPoints: null, contexts }));
    await said(browser.browsingContextSetBypassCsp({ bypass: null, contexts }));
  });
  it('changes requests', async () => {
    const { intercept } = await browser.networkAddIntercept({
      phases: ['beforeRequestSent'],
      urlPatterns: [{ type: 'string', pattern: new URL('/api/items', await browser.getUrl()).href }],
    });
    await browser.url('/network.html');
    await browser.sessionSubscribe({ events: ['network.beforeRequestSent'] });
    const blocked = new Promise((resolve) => {
      const listen = (event) => {
        if (!event.isBlocked) return;
        browser.off('network.beforeRequestSent', listen);
        resolve(event.request.request);
      };
      browser.on('network.beforeRequestSent', listen);
    });
    await browser.execute(() => {
      window.ask('/api/items', {});
    });
    await browser.networkProvideResponse({
      request: await blocked,
      statusCode: 203,
      body: { type: 'string', value: 'raw' },
    });
    await expect($('#answer')).toHaveText('203 raw');
    await browser.networkRemoveIntercept({ intercept });
    await browser.sessionUnsubscribe({ events: ['network.beforeRequestSent'] });
  });
  it('refuses what is not waiting', async () => {
    const refused = async (answer) => {
      const message = await answer.then(
        () => 'nothing',
        (error) => error.message.split('\n')[0],
      );
      console.log(message);
    };
    await refused(browser.networkContinueRequest({ request: 'none' }));
    await refused(browser.networkContinueResponse({ request: 'none' }));
    await refused(browser.networkContinueWithAuth({ request: 'none', action: 'cancel' }));
    await refused(browser.networkFailRequest({ request: 'none' }));
    await refused(browser.networkDisownData({ request: 'none', collector: 'none', dataType: 'response' }));
    await refused(browser.networkGetData({ request: 'none', dataType: 'response' }));
    await refused(browser.browsingContextHandleUserPrompt({ context, accept: true }));
    await refused(browser.browsingContextStopScreencast({ screencast: 'none' }));
    await refused(browser.webExtensionUninstall({ extension: 'none' }));
    await refused(browser.browsingContextNavigate({ context: 'none', url: 'about:blank' }));
    await refused(browser.sessionSubscribe({ events: ['nothing.known'] }));
    await refused(browser.sessionNew({ capabilities: {} }));
    await refused(browser.webExtensionInstall({ extensionData: { type: 'base64', value: '' } }));
    await refused(browser.browsingContextStartScreencast({ context: 'none' }));
  });
  it('collects what was answered', async () => {
    const { collector } = await browser.networkAddDataCollector({
      dataTypes: ['response'],
      maxEncodedDataSize: 1_000_000,
    });
    await browser.networkRemoveDataCollector({ collector });
    await browser.networkSetCacheBehavior({ cacheBehavior: 'bypass' });
    await browser.networkSetCacheBehavior({ cacheBehavior: 'default' });
    await browser.networkSetExtraHeaders({
      headers: [{ name: 'x-canary', value: { type: 'string', value: '1' } }],
      contexts: [context],
    });
    await browser.networkSetExtraHeaders({ headers: [], contexts: [context] });
  });
  it('sends any frame', async () => {
    const { result } = await browser.send({ method: 'browsingContext.getTree', params: {} });
    expect(result.contexts.length).toBe(1);
    expect(typeof (await browser.sendAsync({ method: 'session.status', params: {} }))).toBe('number');
  });
  it('sets files', async () => {
    await browser.url('/form.html');
    const { nodes } = await browser.browsingContextLocateNodes({
      context,
      locator: { type: 'css', value: 'body' },
    });
    const message = await browser
      .inputSetFiles({ context, element: { sharedId: nodes[0].sharedId }, files: [] })
      .catch((error) => error.message.split('\n')[0]);
    console.log(message.replace(/Element \S+/, 'Element …'));
  });
  it('sets where downloads go', async () => {
    await browser.browserSetDownloadBehavior({ downloadBehavior: { type: 'denied' } });
    await browser.browserSetDownloadBehavior({ downloadBehavior: null });
  });
});

describe('events', () => {
  it('are told of', async () => {
    await browser.sessionSubscribe({ events: ['log.entryAdded'] });
    const said = [];
    const listen = (entry) => said.push(`${entry.level} ${entry.text}`);
    browser.on('log.entryAdded', listen);
    await browser.url('/form.html');
    await browser.execute(() => console.warn('from the page'));
    await browser.waitUntil(() => said.length > 0);
    console.log(said.join(', '));
    browser.off('log.entryAdded', listen);
    await browser.execute(() => console.warn('nobody hears'));
    expect(said.length).toBe(1);
  });
  it('are told once', async () => {
    await browser.sessionSubscribe({ events: ['browsingContext.load'] });
    const loads = [];
    browser.once('browsingContext.load', (event) => loads.push(new URL(event.url).pathname));
    await browser.url('/form.html');
    await browser.url('/texts.html');
    await browser.waitUntil(() => loads.length > 0);
    console.log(loads.join(', '));
  });
  it('come from a script before the page', async () => {
    const script = await browser.addInitScript((word, emit) => emit(`${word} of the page`), 'news');
    const heard = [];
    script.on('data', (value) => heard.push(value));
    await browser.url('/form.html');
    await browser.waitUntil(() => heard.length > 0);
    console.log(heard[0]);
    await script.remove();
  });
});

describe('listeners', () => {
  it('hear of commands and results', async () => {
    const heard = [];
    const onCommand = ({ command, method }) => heard.push(`${method} ${command}`);
    const onResult = ({ command, result }) => heard.push(`${command} ${result.value}`);
    browser.on('command', onCommand);
    browser.on('result', onResult);
    await browser.getTitle();
    await browser.setTimeouts(0);
    browser.off('command', onCommand);
    browser.off('result', onResult);
    console.log(heard.join(', '));
  });
});

describe('url', () => {
  it('answers the request', async () => {
    const request = await browser.url('/form.html');
    console.log(new URL(request.url).pathname, request.response.status, request.response.mimeType);
    console.log(typeof request.navigation, JSON.stringify(request.redirectChain), typeof request.timestamp);
  });
  it('answers nothing for no request', async () => {
    expect(await browser.url('about:blank')).toBe(undefined);
  });
  it('waits as it is told', async () => {
    await browser.url('/form.html', { wait: 'interactive' });
    await expect($('#heading')).toExist();
    await browser.url('/texts.html', { wait: 'none' });
    await browser.url('/network.html', { wait: 'networkIdle' });
    expect((await browser.getUrl()).endsWith('/network.html')).toBe(true);
  });
});
