// `browser`: its commands, on top of the raw protocol's.
(own) => {
  const { call, command, poll, block, CommandError, host } = own;
  const { ELEMENT_KEY, RESOLVE, QUERIES, protocol, query, execute, revive, script, reference, isElement, Element } =
    own.elements;
  const config = JSON.parse(host.configuration());
  own.options = config;
  own.config.stepTimeout = config.stepTimeout;
  const commands = new Map();
  const browser = {};
  own.browser = browser;

  const define = (name, action, { holds = true, issues = false } = {}) => {
    commands.set(name, { action, holds, issues });
    browser[name] = (...args) => command(() => action(...args), { holds, issues });
  };
  own.defineBrowser = define;
  const run = (name, ...args) => commands.get(name).action(...args);
  own.runBrowser = run;

  // Every raw command of the protocol under its own name.
  own.protocolTable = new Map(JSON.parse(host.protocol()).map((entry) => [entry.name, entry]));
  for (const name of own.protocolTable.keys())
    define(name, async (...args) => protocol(name, ...(await reference(args, name))));
  own.defineRaw(
    [...own.protocolTable.keys()].filter((name) => own.protocolTable.get(name).variables[0] === 'elementId'),
  );
  for (const name of QUERIES)
    if (name.endsWith('$')) browser[name] = (...args) => query(async () => browser, name, args);

  // Pages.
  const request = ({ id, ...navigation }) => ({ ...navigation, navigation: id });
  // Until all that the page asked for is answered.
  const networkIdle = async (path, timeout = 5000) => {
    let pending = [];
    await poll(
      async () => {
        const { children = [] } = (await call('navigation', {})) ?? {};
        pending = children.filter((child) => !child.response && !child.error);
        return pending.length === 0;
      },
      {
        timeout,
        message: (limit) =>
          `Navigation to '${path}' timed out after ${limit}ms with ${pending.length} (${pending.map((child) => child.url).join(', ')}) pending requests`,
      },
    );
  };
  define('url', async (path, options = {}) => {
    if (typeof path !== 'string')
      throw new CommandError('script', 'Parameter for "url" command needs to be type of string');
    const { headers, auth, onBeforeLoad, wait } = options;
    if (onBeforeLoad !== undefined && typeof onBeforeLoad !== 'function')
      throw new CommandError(
        'script',
        `Option "onBeforeLoad" must be a function, but received: ${typeof onBeforeLoad}`,
      );
    const once = onBeforeLoad ? await call('addInitScript', { source: `(${own.source(onBeforeLoad)})()` }) : null;
    const credentials = auth
      ? { authorization: `Basic ${globalThis.Buffer.from(`${auth.user}:${auth.pass}`).toString('base64')}` }
      : {};
    const extra = { ...headers, ...credentials };
    if (Object.keys(extra).length > 0) await call('extraHeaders', { headers: extra });
    try {
      const opened = await call('navigate', { url: path, base: config.baseUrl, wait });
      if (wait === 'networkIdle') await networkIdle(path, options.timeout);
      return opened ? request(wait === 'networkIdle' ? await call('navigation', {}) : opened) : undefined;
    } finally {
      if (Object.keys(extra).length > 0) await call('extraHeaders', { headers: {} });
      if (once) await call('removeInitScript', { id: once });
    }
  });
  define('navigateTo', async (url) => {
    await run('url', url);
  });
  define('reload', () => protocol('refresh'));
  define('pause', (milliseconds = 1000) => own.sleep(milliseconds));
  define('execute', async (code, ...args) => {
    if (typeof code !== 'string' && typeof code !== 'function')
      throw new CommandError('script', "number or type of arguments don't agree with execute protocol command");
    const body = own.results.marking(script(code));
    const value = await protocol('executeScript', body, await reference(args));
    return revive(own.results.decode(value));
  });
  define('executeAsync', async (code, ...args) => {
    if (typeof code !== 'string' && typeof code !== 'function')
      throw new CommandError('script', "number or type of arguments don't agree with execute protocol command");
    const body = own.results.markingCallback(script(code));
    const value = await protocol('executeAsyncScript', body, await reference(args));
    return revive(own.results.decode(value));
  });
  define('keys', (value) => own.actions.keys(value));
  browser.action = (type, given) => own.actions.start(type, given);
  define('actions', (actions) => own.actions.all(actions));
  define('scroll', async (x = 0, y = 0) => {
    if (x || y) await own.actions.wheel().scroll({ deltaX: x, deltaY: y, duration: 0 }).performNow();
  });
  define('setTimeout', async (timeouts) => {
    if (typeof timeouts !== 'object')
      throw new CommandError('script', 'Parameter for "setTimeout" command needs to be an object');
    const { implicit, script: ofScript, pageLoad = timeouts['page load'] } = timeouts;
    if (
      [implicit, ofScript, pageLoad].some(
        (value) => value !== undefined && !(Number.isSafeInteger(value) && value >= 0),
      )
    )
      throw new CommandError(
        'script',
        'Specified timeout values are not valid integer (see https://webdriver.io/docs/api/browser/setTimeout for documentation).',
      );
    return protocol('setTimeouts', implicit, pageLoad, ofScript);
  });

  own.waitUntil = async (self, condition, given = {}, ...rest) => {
    if (typeof condition !== 'function') throw new CommandError('script', 'Condition is not a function');
    const { timeout, interval, timeoutMsg } =
      given !== null && typeof given === 'object' ? given : { timeout: given, timeoutMsg: rest[0], interval: rest[1] };
    let cause = null;
    const check = async () => {
      cause = null;
      try {
        return await condition.call(self, self);
      } catch (error) {
        cause = error;
        return false;
      }
    };
    try {
      return await poll(check, {
        timeout,
        interval,
        message: (limit) =>
          typeof timeoutMsg === 'function'
            ? timeoutMsg()
            : (timeoutMsg ?? `waitUntil condition timed out after ${limit}ms`),
      });
    } catch (error) {
      if (!cause) throw error;
      throw Object.assign(
        new CommandError(
          cause.kind ?? 'timeout',
          `waitUntil condition failed with the following reason: ${cause?.message ?? cause}`,
        ),
        { cause },
      );
    }
  };
  define('waitUntil', (...args) => own.waitUntil(browser, ...args), { holds: false });
  define(
    'call',
    async (fn) => {
      try {
        return await fn();
      } catch (error) {
        throw error instanceof Error ? error : new Error(String(error));
      }
    },
    { holds: false },
  );
  // Asks a person for expressions until they type `.exit`; without a terminal there is nobody to ask.
  define(
    'debug',
    async () => {
      if (!config.interactive) {
        host.line('Canarytrace:debug: there is no terminal, going on');
        return;
      }
      host.line('debug: type JavaScript such as `await $("h1").getText()`; `.exit` goes on');
      host.holdDeadline();
      for (;;) {
        const { line } = await call('debug', {});
        if (line === null || line.trim() === '.exit') return;
        try {
          // An expression answers its value, anything else is a statement.
          const statement = /^(const|let|var|for|if|while|throw|return|\{)\b/.test(line.trim());
          const body = statement ? line : `return (${line}\n)`;
          const { eval: evaluate } = globalThis;
          host.line(own.inspect(await evaluate(`(async () => { ${body} })`)()));
        } catch (error) {
          host.line(`${error?.name ?? 'Error'}: ${error?.message ?? error}`);
        }
      }
    },
    { issues: true },
  );

  // Windows and frames.
  const sizes = (what, width, height) => {
    if (typeof width !== 'number' || typeof height !== 'number')
      throw new CommandError('script', `${what} expects width and height of type number`);
    if (width < 0 || height < 0)
      throw new CommandError('script', `${what} expects width and height to be a number in the 0 to 2^31 − 1 range`);
  };
  define('setWindowSize', async (width, height) => {
    sizes('setWindowSize', width, height);
    await protocol('setWindowRect', null, null, width, height);
  });
  define('setViewport', async ({ width, height, devicePixelRatio } = {}) => {
    sizes('setViewport', width, height);
    if (devicePixelRatio !== undefined && !(devicePixelRatio >= 0))
      throw new CommandError(
        'script',
        'setViewport expects devicePixelRatio to be a number in the 0 to 2^31 − 1 range',
      );
    await call('emulate', { what: 'viewport', width, height, scale: devicePixelRatio ?? 1, mobile: false });
  });
  define('getWindowSize', async () => {
    const { width, height } = await protocol('getWindowRect');
    return { width, height };
  });
  define('newWindow', async (url, { type = 'window', windowName = '', windowFeatures = '' } = {}) => {
    if (typeof url !== 'string')
      throw new CommandError('script', "number or type of arguments don't agree with newWindow command");
    if (!['tab', 'window'].includes(type))
      throw new CommandError(
        'script',
        `Invalid type '${type}' provided to newWindow command. Use either 'tab' or 'window'`,
      );
    const before = await protocol('getWindowHandles');
    if (windowName || windowFeatures) {
      await execute(
        (target, name, features) => {
          window.open(target, name, features);
        },
        await call('resolveUrl', { url, base: config.baseUrl }),
        windowName,
        windowFeatures,
      );
      const handle = await poll(async () => (await protocol('getWindowHandles')).find((one) => !before.includes(one)), {
        message: () => 'No window handle was found to switch to',
      });
      await protocol('switchToWindow', handle);
      return { handle, type };
    }
    const { handle } = await protocol('createWindow', type);
    await protocol('switchToWindow', handle);
    await call('navigate', { url, base: config.baseUrl });
    return { handle, type };
  });
  define('closeWindow', async () => {
    const left = await protocol('closeWindow');
    if (left?.[0]) await protocol('switchToWindow', left[0]);
    return left;
  });
  define('switchWindow', async (matcher) => {
    if (typeof matcher !== 'string' && !(matcher instanceof RegExp))
      throw new CommandError('script', 'Unsupported parameter for switchWindow, required is "string" or a RegExp');
    const handles = await protocol('getWindowHandles');
    if (handles.includes(matcher)) {
      await protocol('switchToWindow', matcher);
      return matcher;
    }
    const matches = (text) => (typeof matcher === 'string' ? text.includes(matcher) : matcher.test(text));
    for (const handle of handles) {
      await protocol('switchToWindow', handle);
      if (matches(await protocol('getUrl')) || matches(await protocol('getTitle'))) return handle;
      const name = await execute(() => window.name);
      if (name && matches(name)) return handle;
    }
    throw new CommandError('element', `No window found with title, url, name or window handle matching "${matcher}"`);
  });
  const frameElement = async (value) => {
    const element = value[RESOLVE] ? await value[RESOLVE]() : value;
    if (element instanceof Element) {
      if (!element.elementId)
        await own.elements.run(element, 'waitForExist', {
          timeoutMsg: `Can't switch to frame with selector ${element.selector} because it doesn't exist`,
        });
      return { [ELEMENT_KEY]: element.elementId };
    }
    return element;
  };
  // The frames below the current one, outermost first; answers whether one is as wanted, and stays in it.
  const searchFrames = async (wanted, depth = 0) => {
    if (await wanted()) return true;
    if (depth > 8) return false;
    const frames = await execute(() => {
      const all = [];
      const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
          if (node.matches('iframe, frame')) all.push(node);
          if (node.shadowRoot) walk(node.shadowRoot);
        }
      };
      walk(document);
      return all;
    });
    for (const frame of frames) {
      await protocol('switchToFrame', frame);
      if (await searchFrames(wanted, depth + 1)) return true;
      await protocol('switchToParentFrame');
    }
    return false;
  };
  define('switchFrame', async (context) => {
    if (context === null) {
      await protocol('switchToFrame', null);
      return protocol('getWindowHandle');
    }
    if (isElement(context) || context?.[ELEMENT_KEY]) return protocol('switchToFrame', await frameElement(context));
    if (typeof context === 'number') return protocol('switchToFrame', context);
    if (typeof context !== 'string' && typeof context !== 'function')
      throw new CommandError(
        'script',
        `Invalid type for context parameter: ${typeof context}, expected one of number, string or null. Check out our docs: https://webdriver.io/docs/api/browser/switchFrame.html`,
      );
    const byUrl = (exact) => async () => {
      const url = await execute(() => location.href);
      return exact ? url === context || url === `${context}/` : url.includes(context);
    };
    const checks =
      typeof context === 'function' ? [async () => Boolean(await execute(context))] : [byUrl(true), byUrl(false)];
    await poll(
      async () => {
        for (const check of checks) {
          await protocol('switchToFrame', null);
          if (await searchFrames(check)) return true;
        }
        return false;
      },
      {
        message: () =>
          typeof context === 'function'
            ? 'Could not find the desired frame within the timeout'
            : `No frame with url or id "${context}" found within the timeout`,
      },
    );
    return protocol('getWindowHandle');
  });
  define('switchToFrame', async (frame = null) => {
    if (frame !== null && (isElement(frame) || typeof frame === 'object'))
      return protocol('switchToFrame', await frameElement(frame));
    if (typeof frame !== 'string') return protocol('switchToFrame', frame);
    const found = await execute(
      (name) => document.querySelector(`iframe[name="${name}"], iframe[id="${name}"], frame[name="${name}"]`),
      frame,
    );
    if (!found) throw new CommandError('element', `no such frame: ${frame}`, 'no such frame');
    return protocol('switchToFrame', found);
  });

  // Cookies.
  const names = (filter) => (filter === undefined ? undefined : Array.isArray(filter) ? filter : [filter]);
  const matches = (cookie, wanted) =>
    wanted.some((filter) =>
      typeof filter === 'string'
        ? cookie.name === filter
        : Object.entries(filter).every(([key, value]) => cookie[key] === value),
    );
  define('getCookies', async (filter) => {
    const wanted = names(filter);
    const cookies = await protocol('getAllCookies');
    return wanted ? cookies.filter((cookie) => matches(cookie, wanted)) : cookies;
  });
  define('setCookies', async (given) => {
    const cookies = Array.isArray(given) ? given : [given];
    if (cookies.some((cookie) => cookie === null || typeof cookie !== 'object'))
      throw new CommandError(
        'script',
        'Invalid input (see https://webdriver.io/docs/api/browser/setCookies for documentation)',
      );
    for (const cookie of cookies) await protocol('addCookie', cookie);
  });
  define('deleteCookies', async (filter) => {
    const wanted = names(filter);
    if (!wanted) return protocol('deleteAllCookies');
    for (const item of wanted)
      if (typeof item !== 'string' && typeof item !== 'object')
        throw new CommandError(
          'script',
          `Invalid value for cookie filter, expected 'string' or 'remote.StorageCookieFilter' but found "${typeof item}"`,
        );
    for (const cookie of await protocol('getAllCookies'))
      if (matches(cookie, wanted)) await protocol('deleteCookie', cookie.name);
    return undefined;
  });
  // Web storage had commands of its own until version 7.
  for (const [label, area] of [
    ['LocalStorage', 'localStorage'],
    ['SessionStorage', 'sessionStorage'],
  ]) {
    define(`get${label}`, () => execute((name) => Object.keys(window[name]), area));
    define(`set${label}`, (key, value) =>
      execute(
        (name, one, two) => {
          window[name].setItem(one, two);
        },
        area,
        key,
        value,
      ),
    );
    define(`clear${label}`, () =>
      execute((name) => {
        window[name].clear();
      }, area),
    );
    define(`get${label}Item`, (key) => execute((name, one) => window[name].getItem(one), area, key));
    define(`delete${label}Item`, (key) =>
      execute(
        (name, one) => {
          window[name].removeItem(one);
        },
        area,
        key,
      ),
    );
    define(`get${label}Size`, () => execute((name) => window[name].length, area));
  }

  // Pictures and files.
  own.saveFile = async (path, pattern, message, make) => {
    if (typeof path !== 'string' || !pattern.test(path)) throw new CommandError('script', message);
    const data = await make();
    await call('saveFile', { path, data });
    return globalThis.Buffer.from(data, 'base64');
  };
  define('saveScreenshot', (path, options = {}) => {
    const { format = /\.jpe?g$/i.test(path) ? 'jpeg' : 'png', fullPage = false, quality, clip } = options;
    const plain = format === 'png' && !fullPage && !clip;
    return own.saveFile(
      path,
      /\.(png|jpe?g)$/i,
      `Invalid image format, use 'png', 'jpg' or 'jpeg', got '${typeof path === 'string' ? path.split('.').slice(1).pop() : path}'`,
      () =>
        plain
          ? protocol('takeScreenshot')
          : call('screenshot', { format: format === 'jpg' ? 'jpeg' : format, fullPage, quality, clip }),
    );
  });
  define('saveFullPageScreen', (path) =>
    own.saveFile(
      /\.\w+$/.test(path) ? path : `${path}.png`,
      /\.(png|jpe?g)$/i,
      'saveFullPageScreen expects a name',
      () => call('screenshot', { format: 'png', fullPage: true }),
    ),
  );
  define('savePDF', (path, options = {}) => {
    const { orientation, scale, background, width, height, top, bottom, left, right, shrinkToFit, pageRanges } =
      options;
    const given = (object) => {
      const some = Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
      return Object.keys(some).length ? some : undefined;
    };
    return own.saveFile(path, /\.pdf$/i, 'savePDF expects a filepath of type string and ".pdf" file ending', () =>
      protocol(
        'printPage',
        orientation,
        scale,
        background,
        given({ width, height }),
        given({ top, bottom, left, right }),
        shrinkToFit,
        pageRanges,
      ),
    );
  });
  define('saveRecordingScreen', () => {
    throw new CommandError('script', 'saveRecordingScreen belongs to mobile devices');
  });
  define('uploadFile', (path) => call('uploadPath', { path }));
  define('downloadFile', (name, folder) => {
    if (typeof name !== 'string' || typeof folder !== 'string')
      throw new CommandError('script', "number or type of arguments don't agree with downloadFile command");
    throw new CommandError(
      'script',
      'The downloadFile command is not available in chrome and only available when using Selenium Grid',
    );
  });

  // The network.
  define('throttle', (params) => run('throttleNetwork', params));
  define('throttleNetwork', (params) => call('throttle', { params }));
  define('throttleCPU', async (factor) => {
    if (typeof factor !== 'number')
      throw new CommandError('script', 'Invalid factor for "throttleCPU". Expected it to be a number (int)');
    await call('emulate', { what: 'cpu', factor });
  });
  define('cdp', (domain, method, params = {}) => call('cdp', { method: `${domain}.${method}`, params }));
  define('sendCommand', async (method, params = {}) => {
    await call('cdp', { method, params });
  });
  define('sendCommandAndGetResult', (method, params = {}) => call('cdp', { method, params }));
  define('getNodeId', async (selector) => {
    const { root } = await call('cdp', { method: 'DOM.getDocument', params: {} });
    return (await call('cdp', { method: 'DOM.querySelector', params: { nodeId: root.nodeId, selector } })).nodeId;
  });
  define('getNodeIds', async (selector) => {
    const { root } = await call('cdp', { method: 'DOM.getDocument', params: {} });
    return (await call('cdp', { method: 'DOM.querySelectorAll', params: { nodeId: root.nodeId, selector } })).nodeIds;
  });
  const emittingScript = async (code, args) => {
    const channel = `canarytrace-${own.initChannels}`;
    own.initChannels += 1;
    const given = args
      .map((arg) => JSON.stringify(arg))
      .concat('emit')
      .join(', ');
    const { script: added } = await own.bidi('script.addPreloadScript', {
      functionDeclaration: `(emit) => (${own.source(code)})(${given})`,
      arguments: [{ type: 'channel', value: { channel } }],
      contexts: [await protocol('getWindowHandle')],
    });
    await own.bidi('session.subscribe', { events: ['script.message'] });
    const listeners = [];
    const hear = (message) => {
      if (message.channel === channel) for (const listener of listeners) listener(own.results.decode(message.data));
    };
    browser.on('script.message', hear);
    return {
      on: (event, listener) => {
        if (event === 'data') listeners.push(listener);
      },
      remove: () => {
        browser.off('script.message', hear);
        return command(() => own.bidi('script.removePreloadScript', { script: added }));
      },
    };
  };
  own.initChannels = 1;
  define('addInitScript', async (code, ...args) => {
    if (typeof code !== 'function')
      throw new CommandError(
        'script',
        `The \`addInitScript\` command requires a function as first parameter, but got: ${typeof code}`,
      );
    // One more parameter than arguments is the function by which the page tells us things.
    if (code.length > args.length) return emittingScript(code, args);
    const source = `(${own.source(code)})(${args.map((arg) => JSON.stringify(arg)).join(', ')})`;
    const id = await call('addInitScript', { source });
    const added = { remove: () => command(() => call('removeInitScript', { id })), on: () => added };
    return added;
  });
  const restorers = new Map();
  define('emulate', async (scope, options) => {
    const restore = await own.emulate(scope, options);
    restorers.set(scope, restore);
    return restore.tick ? restore : () => command(restore);
  });
  define('restore', async (scopes) => {
    const wanted = scopes === undefined ? [...restorers.keys()] : Array.isArray(scopes) ? scopes : [scopes];
    for (const scope of wanted) {
      await restorers.get(scope)?.();
      restorers.delete(scope);
    }
  });

  // The session.
  define('isAlertOpen', () =>
    protocol('getAlertText').then(
      () => true,
      (error) => {
        if (error?.name === 'no such alert') return false;
        throw error;
      },
    ),
  );
  // The process stays, for what watches it, and is empty: commands are refused until a session is made anew.
  define('deleteSession', async () => {
    await call('reloadSession', {});
    own.sessionDeleted = true;
  });
  define('reloadSession', async () => {
    own.sessionDeleted = false;
    const before = browser.sessionId;
    const { sessionId, capabilities } = await call('reloadSession', {});
    Object.assign(browser, { sessionId, capabilities });
    Object.assign(config, { sessionId, capabilities });
    restorers.clear();
    own.forgetMocks();
    await own.reloaded?.(before, sessionId);
    return sessionId;
  });
  define('waitForloadEventEnd', () => call('waitForLoadEventEnd', {}));
  browser.waitForLoadEventEnd = browser.waitForloadEventEnd;
  define('waitOnIncreaseEntries', async (given = {}) => {
    const { timeout, interval } = typeof given === 'object' ? given : { timeout: given };
    const count = () => execute(() => performance.getEntries().length);
    const before = await count();
    await poll(async () => (await count()) > before, {
      timeout,
      interval,
      message: (limit) => `the number of performance entries (${before}) did not grow in ${limit}ms`,
    });
  });
  define('getActiveElement', async () => revive(await protocol('getActiveElement')));
  define('getPuppeteer', () => {
    throw new CommandError(
      'script',
      'getPuppeteer hands out a Node library; browser.cdp(domain, command, parameters) reaches the same protocol',
    );
  });
  for (const name of ['touchAction', 'swipe', 'tap'])
    define(name, () => {
      throw new CommandError('script', `The ${name} command is only available for mobile platforms.`);
    });

  define('setTimeZone', (zone) => run('emulate', 'timezone', zone));
  define('elementHover', async (id) => {
    await own.actions
      .pointer()
      .move({ origin: { [ELEMENT_KEY]: id } })
      .performNow(true);
  });

  // Commands of the script's own.
  const wrapCustom =
    (fn, original) =>
    (self) =>
    (...args) =>
      command(() => (original ? fn.call(self, original(self), ...args) : fn.apply(self, args)), { issues: true });
  browser.addCommand = (name, fn, forElement = false) => {
    if (typeof fn !== 'function')
      throw new CommandError('script', 'The "function" argument is missing for addCommand', 'TypeError');
    const attach = forElement === true || forElement?.attachToElement === true;
    if (!attach) {
      browser[name] = wrapCustom(fn)(browser);
      return;
    }
    Object.defineProperty(Element.prototype, name, {
      configurable: true,
      writable: true,
      enumerable: false,
      value(...args) {
        return wrapCustom(fn)(this)(...args);
      },
    });
    own.elements.commands.set(name, {
      action: (element, ...args) => fn.apply(element, args),
      holds: true,
      issues: true,
    });
  };
  browser.overwriteCommand = (name, fn, forElement = false) => {
    if (typeof fn !== 'function')
      throw new CommandError('script', 'The "function" argument is missing for overwriteCommand', 'TypeError');
    const attach = forElement === true || forElement?.attachToElement === true;
    if (!attach) {
      if (typeof browser[name] !== 'function')
        throw new CommandError('script', `overwriteCommand: no command to be overwritten: ${name}`);
      browser[name] = wrapCustom(
        fn,
        (
          (before) => () =>
            before
        )(browser[name]),
      )(browser);
      return;
    }
    const before = own.elements.commands.get(name);
    if (!before) throw new CommandError('script', `overwriteCommand: no command to be overwritten: ${name}`);
    const original =
      (self) =>
      (...args) =>
        command(() => own.elements.attempt(self, name, () => before.action(self, ...args)), before);
    Element.prototype[name] = function overwritten(...args) {
      return wrapCustom(fn, original)(this)(...args);
    };
    Object.defineProperty(Element.prototype, name, { enumerable: false });
    own.elements.commands.set(name, {
      action: (element, ...args) => fn.call(element, original(element), ...args),
      holds: true,
      issues: true,
    });
  };
  browser.addLocatorStrategy = (name, fn) => {
    if (own.strategies.has(name)) throw new CommandError('script', `Strategy ${name} already exists`);
    own.strategies.set(name, fn);
  };

  Object.assign(browser, {
    config,
    options: config,
    capabilities: config.capabilities ?? {},
    requestedCapabilities: config.capabilities ?? {},
    sessionId: config.sessionId,
    isMultiremote: false,
    isMobile: false,
    isIOS: false,
    isAndroid: false,
    isNativeContext: false,
    isChromium: true,
    isChrome: true,
    isFirefox: false,
    isSafari: false,
    isW3C: true,
    isBidi: true,
    isDevTools: true,
    isSauce: false,
    isSeleniumStandalone: false,
    isWindowsApp: false,
    isMacApp: false,
    puppeteer: undefined,
    strategies: own.strategies,
    commandList: [],
    getInstance: () => proxy,
    toString: () => '[object Browser]',
  });
  own.parseUrl = (value) => block(call('resolveUrl', { url: value, base: config.baseUrl }));

  // A name that does not exist is an error that says what may be meant.
  const distance = (one, two) => {
    let row = Array.from({ length: two.length + 1 }, (_, index) => index);
    for (let i = 1; i <= one.length; i += 1) {
      const next = [i];
      for (let j = 1; j <= two.length; j += 1)
        next.push(
          Math.min(
            next[j - 1] + 1,
            row[j] + 1,
            row[j - 1] + (one[i - 1].toLowerCase() === two[j - 1].toLowerCase() ? 0 : 1),
          ),
        );
      row = next;
    }
    return row[two.length];
  };
  own.meant = (name, known) => {
    const [best] = [...known]
      .map((candidate) => [distance(String(name), candidate), candidate])
      .sort((one, two) => one[0] - two[0]);
    return best && best[0] <= 3 ? `; did you mean ${best[1]}?` : '';
  };
  const silent = new Set([
    'then',
    'toJSON',
    'asymmetricMatch',
    'nodeType',
    '$$typeof',
    'constructor',
    '@@__IMMUTABLE_ITERABLE__@@',
    '@@__IMMUTABLE_RECORD__@@',
    'selector',
    'foundWith',
    'parent',
    'inspect',
    'length',
    'getElement',
    'getElements',
    'elementId',
  ]);
  const proxy = new Proxy(browser, {
    get: (target, name) => {
      if (
        name in target ||
        typeof name === 'symbol' ||
        silent.has(name) ||
        String(name).startsWith('is') ||
        String(name).startsWith('_')
      )
        return target[name];
      return () => {
        throw new CommandError(
          'script',
          `browser.${String(name)} is not a function${own.meant(name, commands.keys())}`,
          'TypeError',
        );
      };
    },
  });
  own.browserProxy = proxy;
  own.browserCommands = commands;
  Object.assign(globalThis, { browser: proxy, driver: proxy, $: browser.$, $$: browser.$$ });
};
