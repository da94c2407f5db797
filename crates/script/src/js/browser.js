// `browser`, `$` and `$$`: a thin layer of names over commands. An element is a chain of selectors that is resolved
// again when it went stale; awaiting it also fetches its id.
(() => {
  const host = globalThis.__host;
  const { enqueue, CommandError, sleep } = globalThis.__commands;
  const config = JSON.parse(host.configuration());
  const ELEMENT = Symbol('element');

  const describeChain = (chain) => chain[chain.length - 1].selector;
  const serialise = (value) => {
    if (value && value[ELEMENT]) return { __chain: value[ELEMENT].chain, __id: value[ELEMENT].id };
    if (Array.isArray(value)) return value.map(serialise);
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, serialise(item)]));
    return value;
  };
  const script = (code) => (typeof code === 'function' ? `return (${code}).apply(this, arguments)` : String(code));
  const isElement = (value) => value !== null && typeof value === 'object' && typeof value['element-6066-11e4-a52e-4f735466cecf'] === 'string';
  const revive = (value) => {
    if (isElement(value)) return resolved([{ selector: '(result of a script)' }], value['element-6066-11e4-a52e-4f735466cecf']);
    if (Array.isArray(value)) return value.map(revive);
    return value;
  };

  // Polls `check` until it answers true; the error text is WebdriverIO's.
  const poll = async (check, { timeout = config.waitforTimeout, interval = config.waitforInterval, message }) => {
    const end = Date.now() + timeout;
    for (;;) {
      if (await check()) return true;
      if (Date.now() >= end) throw new CommandError('timeout', 'Error', message(timeout), '');
      await sleep(Math.min(interval, Math.max(0, end - Date.now())));
    }
  };
  // Both the options object and the older positional form `(milliseconds, reverse, message)`.
  const waitOptions = (first, reverse, timeoutMsg) =>
    first !== null && typeof first === 'object' ? first : { timeout: first ?? undefined, reverse: Boolean(reverse), timeoutMsg };

  const state = (self, call, name) => call(`element.${name}`, { chain: self.chain, id: self.id, wait: 0 });
  const waitFor = (word, negative, check) => (self) => (first, reverseArgument, message) => {
    const { timeout, interval, reverse = false, timeoutMsg } = waitOptions(first, reverseArgument, message);
    return enqueue((call) => poll(async () => (await check(self, call)) !== reverse, {
      timeout, interval,
      message: (limit) => timeoutMsg ?? `element ("${describeChain(self.chain)}") still ${reverse ? '' : 'not '}${reverse ? negative : word} after ${limit}ms`,
    }));
  };

  const elementCommand = (name) => (self) => (...args) =>
    enqueue((call) => call(`element.${name}`, { chain: self.chain, id: self.id, args: serialise(args), wait: config.waitforTimeout }));
  const elementCheck = (name) => (self) => () => enqueue((call) => state(self, call, name));

  const elementMethods = {
    waitForExist: waitFor('existing', 'existing', (self, call) => state(self, call, 'isExisting')),
    waitForDisplayed: waitFor('displayed', 'displayed', (self, call) => state(self, call, 'isDisplayed')),
    waitForEnabled: waitFor('enabled', 'enabled', (self, call) => state(self, call, 'isEnabled')),
    waitForClickable: waitFor('clickable', 'clickable', (self, call) => state(self, call, 'isClickable')),
    waitForStable: waitFor('stable', 'stable', (self, call) => state(self, call, 'isStable')),
    waitUntil: (self) => (condition, options = {}) => browser.waitUntil(() => condition.call(proxyOf(self), proxyOf(self)), options),
    isExisting: elementCheck('isExisting'),
    isDisplayed: elementCheck('isDisplayed'),
    isClickable: elementCheck('isClickable'),
    execute: (self) => (code, ...args) => enqueue(async (call) => revive(await call('browser.execute', { script: script(code), args: serialise([proxyOf(self), ...args]) }))),
    $: (self) => (selector) => lazy([...self.chain, step(selector)]),
    $$: (self) => (selector) => lazyList([...self.chain, step(selector)]),
    parentElement: (self) => () => lazy([...self.chain, { selector: '..', using: 'xpath' }]),
    nextElement: (self) => () => lazy([...self.chain, { selector: './following-sibling::*[1]', using: 'xpath' }]),
    previousElement: (self) => () => lazy([...self.chain, { selector: './preceding-sibling::*[1]', using: 'xpath' }]),
  };
  const remote = [
    'click', 'doubleClick', 'setValue', 'addValue', 'clearValue', 'getText', 'getValue', 'getAttribute', 'getProperty', 'getHTML',
    'getTagName', 'getCSSProperty', 'getLocation', 'getSize', 'isEnabled', 'isSelected', 'isFocused', 'moveTo', 'scrollIntoView',
    'selectByVisibleText', 'selectByAttribute', 'selectByIndex', 'saveScreenshot', 'getComputedLabel', 'getComputedRole',
  ];
  for (const name of remote) elementMethods[name] = elementCommand(name);

  const step = (selector) => {
    if (typeof selector === 'function') return { selector: String(selector), function: `return (${selector}).apply(this, arguments)` };
    if (selector && selector[ELEMENT]) return selector[ELEMENT].chain[0];
    return { selector: String(selector) };
  };
  const proxies = new WeakMap();
  const proxyOf = (self) => proxies.get(self);

  const member = (self, name) => {
    if (name === ELEMENT) return self;
    if (name === 'selector') return describeChain(self.chain);
    if (name === 'elementId') return self.id;
    if (name === 'parent') return self.chain.length > 1 ? lazy(self.chain.slice(0, -1)) : browser;
    if (typeof name === 'string' && Object.hasOwn(elementMethods, name)) return elementMethods[name](self);
    return undefined;
  };

  // An element that was awaited: it has no `then`, or awaiting it would never end.
  const resolved = (chain, id) => {
    const self = { chain, id };
    const proxy = new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : member(self, name)), has: (_, name) => name === ELEMENT || Object.hasOwn(elementMethods, name) });
    proxies.set(self, proxy);
    return proxy;
  };

  const lazy = (chain) => {
    const self = { chain, id: null };
    const find = () => enqueue(async (call) => resolved(chain, await call('element.find', { chain })));
    const proxy = new Proxy({}, {
      get: (_, name) => {
        if (name === 'then') return (resolve, reject) => find().then(resolve, reject);
        if (name === 'catch') return (reject) => find().catch(reject);
        return member(self, name);
      },
    });
    proxies.set(self, proxy);
    return proxy;
  };

  const lazyList = (chain) => {
    const head = chain.slice(0, -1);
    const tail = chain[chain.length - 1];
    const at = (index) => [...head, { ...tail, index }];
    const find = () => enqueue(async (call) => (await call('element.findAll', { chain })).map((id, index) => resolved(at(index), id)));
    const asyncMethods = ['map', 'filter', 'forEach', 'find', 'findIndex', 'some', 'every', 'reduce'];
    const iterate = (name) => async (callback, initial) => {
      const items = await find();
      if (name === 'reduce') {
        let value = initial;
        for (const [index, item] of items.entries()) value = await callback(value, item, index, items);
        return value;
      }
      const results = [];
      for (const [index, item] of items.entries()) results.push(await callback(item, index, items));
      return {
        map: () => results, forEach: () => undefined, filter: () => items.filter((_, index) => results[index]), find: () => items.find((_, index) => results[index]),
        findIndex: () => results.findIndex(Boolean), some: () => results.some(Boolean), every: () => results.every(Boolean),
      }[name]();
    };
    return new Proxy({}, {
      get: (_, name) => {
        if (name === 'then') return (resolve, reject) => find().then(resolve, reject);
        if (name === 'length') return enqueue(async (call) => (await call('element.findAll', { chain })).length);
        if (name === Symbol.asyncIterator) return async function* iterateAll() { yield* await find(); };
        if (typeof name === 'string' && /^\d+$/.test(name)) return lazy(at(Number(name)));
        if (asyncMethods.includes(name)) return iterate(name);
        if (name === 'selector') return tail.selector;
        return undefined;
      },
    });
  };

  const browserCommand = (name) => (...args) => enqueue((call) => call(`browser.${name}`, { args: serialise(args) }));
  const notice = (name) => () => enqueue(async () => { host.line(`Canarytrace:${name}:allowed`); });
  const own = new Map();
  const browser = {
    config, options: config, capabilities: config.capabilities, sessionId: config.sessionId, isMultiremote: false,
    $: (selector) => lazy([step(selector)]),
    $$: (selector) => lazyList([step(selector)]),
    execute: (code, ...args) => enqueue(async (call) => revive(await call('browser.execute', { script: script(code), args: serialise(args) }))),
    executeAsync: (code, ...args) => enqueue(async (call) => revive(await call('browser.executeAsync', { script: script(code), args: serialise(args) }))),
    pause: (milliseconds) => enqueue(() => sleep(milliseconds)),
    debug: () => enqueue(async () => { host.line('Canarytrace:debug: there is no terminal, going on'); }),
    call: (fn) => enqueue(() => fn(), true),
    waitUntil: (condition, options = {}) => {
      const { timeout, interval, timeoutMsg } = typeof options === 'object' ? options : { timeout: options };
      let value;
      return enqueue(async () => {
        await poll(async () => { value = await condition.call(browser, browser); return Boolean(value); }, {
          timeout, interval, message: (limit) => timeoutMsg ?? `waitUntil condition timed out after ${limit}ms`,
        });
        return value;
      }, true);
    },
    addCommand: (name, fn, forElement = false) => {
      if (forElement) elementMethods[name] = (self) => (...args) => enqueue(() => fn.apply(proxyOf(self), args), true);
      else browser[name] = (...args) => enqueue(() => fn.apply(browser, args), true);
    },
    overwriteCommand: (name, fn, forElement = false) => {
      if (forElement) {
        const original = elementMethods[name];
        elementMethods[name] = (self) => (...args) => enqueue(() => fn.call(proxyOf(self), original(self), ...args), true);
      } else {
        own.set(name, browser[name]);
        browser[name] = (...args) => enqueue(() => fn.call(browser, own.get(name), ...args), true);
      }
    },
    on: () => browser, off: () => browser, once: () => browser,
    performAudit: notice('performAudit'), CoverageStart: notice('CoverageStart'), TakeCoverage: notice('TakeCoverage'),
    InjectHeroElements: notice('InjectHeroElements'), SaveToElastic: notice('SaveToElastic'),
    enablePerformanceAudits: notice('enablePerformanceAudits'), ActivatePerformanceAudit: notice('ActivatePerformanceAudit'),
    EvaluatePerformanceAudit: notice('EvaluatePerformanceAudit'), disablePerformanceAudits: notice('disablePerformanceAudits'),
  };
  const commands = [
    'url', 'getUrl', 'getTitle', 'getPageSource', 'back', 'forward', 'refresh', 'saveScreenshot', 'getCookies', 'setCookies',
    'deleteCookies', 'deleteAllCookies', 'keys', 'getWindowHandle', 'getWindowHandles', 'switchToWindow', 'switchWindow', 'newWindow', 'closeWindow',
    'setWindowSize', 'getWindowSize', 'maximizeWindow', 'switchToFrame', 'switchFrame', 'switchToParentFrame', 'acceptAlert',
    'dismissAlert', 'getAlertText', 'isAlertOpen', 'setTimeout', 'waitForloadEventEnd', 'getActiveElement', 'scroll', 'cdp',
  ];
  for (const name of commands) browser[name] = browserCommand(name);
  browser.navigateTo = browser.url;
  browser.reloadPage = browser.refresh;

  const unknown = (name) => `browser.${String(name)} is not available in this version`;
  const proxy = new Proxy(browser, {
    get: (target, name) => {
      if (name in target || typeof name === 'symbol' || ['then', 'toJSON', 'asymmetricMatch', 'nodeType', '$$typeof'].includes(name)) return target[name];
      if (name === ELEMENT) return undefined;
      return () => { throw new CommandError('script', 'TypeError', unknown(name), globalThis.__commands.userFrames(new Error().stack)); };
    },
  });
  Object.assign(globalThis, { browser: proxy, driver: proxy, $: browser.$, $$: browser.$$ });
  globalThis.__element = { ELEMENT, poll, config };
})();
