// Elements: how they are found, found again when they went stale, and waited for. A missing element is an `Element`
// without an id; a command on it waits until it is there.
(own) => {
  const { call, command, poll, watch, blocking, CommandError } = own;
  const ELEMENT_KEY = 'element-6066-11e4-a52e-4f735466cecf';
  const SHADOW_KEY = 'shadow-6066-11e4-a52e-4f735466cecf';
  // Marks what stands for an element that is not found yet; calling it finds it.
  const RESOLVE = Symbol('resolve');
  // A script that listens for dialogs is told of one before the next command, which would fail because of it.
  const protocol = async (name, ...args) => {
    if (!own.hearsDialogs?.()) return call('protocol', { name, args });
    await own.tellOfDialog();
    const value = await call('protocol', { name, args });
    await own.tellOfDialog();
    return value;
  };
  // name -> { action(element, ...args), holds, issues }
  const commands = new Map();
  const QUERIES = new Set([
    '$',
    '$$',
    'custom$',
    'custom$$',
    'shadow$',
    'shadow$$',
    'react$',
    'react$$',
    'nextElement',
    'previousElement',
    'parentElement',
  ]);
  const PROPERTIES = new Set([
    'elementId',
    'error',
    'selector',
    'parent',
    'index',
    'isReactElement',
    'isShadowElement',
    'sessionId',
    'capabilities',
    'options',
    ELEMENT_KEY,
  ]);

  class Element {
    constructor(parent, selector, locate, { id, index, kind = '$', missing } = {}) {
      const hidden = (name, value) =>
        Object.defineProperty(this, name, { value, writable: true, enumerable: false, configurable: true });
      hidden('parent', parent);
      hidden('locate', locate);
      this.selector = selector;
      this.elementId = undefined;
      if (index !== undefined) this.index = index;
      this.isReactElement = kind.startsWith('react');
      this.isShadowElement = kind.startsWith('shadow');
      if (id) identify(this, id);
      else if (missing) this.error = missing;
    }
    get options() {
      return own.browser.options;
    }
    get capabilities() {
      return own.browser.capabilities;
    }
    get sessionId() {
      return own.browser.sessionId;
    }
    get isW3C() {
      return true;
    }
    toJSON() {
      return { [ELEMENT_KEY]: this.elementId, ELEMENT: this.elementId };
    }
  }
  const identify = (element, id) => {
    element.elementId = id;
    element[ELEMENT_KEY] = id;
    delete element.error;
  };
  const forget = (element) => {
    element.elementId = undefined;
    delete element[ELEMENT_KEY];
  };

  const describe = (element) => {
    const selector = typeof element.selector === 'function' ? String(element.selector) : element.selector;
    return `element with selector "${typeof selector === 'object' ? JSON.stringify(selector) : selector}"`;
  };
  const notFound = (element, name) => {
    const relation = element.relation;
    if (relation === 'parent')
      return `Can't call ${name} on parent element of ${describe(element.parent)} because it wasn't found`;
    if (relation)
      return `Can't call ${name} on ${relation} element of ${describe(element.parent)} because sibling wasn't found`;
    const index = element.index === undefined ? '' : ` at index ${element.index}`;
    return `Can't call ${name} on ${describe(element)}${index} because element wasn't found`;
  };
  const UNWAITED = /(waitUntil|waitFor|isExisting|is?\w+Displayed|is?\w+Clickable)/;
  const isStale = (error) =>
    error?.name === 'stale element reference' ||
    (error?.name === 'no such element' && /node with given id|not found in|stale/i.test(error.message));

  // Looks once.
  const find = async (element) => {
    if (element.parent instanceof Element && !element.parent.elementId && !(await find(element.parent))) return false;
    let ids;
    try {
      ids = await element.locate(element.parent, element.index === undefined);
    } catch (error) {
      if (!isStale(error) || !(element.parent instanceof Element)) throw error;
      forget(element.parent);
      return false;
    }
    const id = ids[element.index ?? 0];
    if (id) identify(element, id);
    return Boolean(id);
  };
  const ready = async (element, name) => {
    if (element.elementId || UNWAITED.test(name)) return;
    if (!element.locate) throw new CommandError('element', notFound(element, name));
    await poll(() => find(element), { message: () => notFound(element, name) });
  };
  const findAgain = async (element, name) => {
    if (!element.locate) return;
    if (element.parent instanceof Element) await findAgain(element.parent, '$');
    forget(element);
    await ready(element, name);
  };
  const attempt = async (element, name, action) => {
    await ready(element, name);
    try {
      return await action();
    } catch (error) {
      if (error?.name === 'element not interactable') return interactable(element, action);
      if (!isStale(error) || !element.locate) throw error;
      await findAgain(element, name);
      return action();
    }
  };
  const interactable = async (element, action) => {
    try {
      await run(element, 'waitForClickable');
      return await action();
    } catch {
      const html = await run(element, 'getHTML').catch(() => describe(element));
      throw new CommandError(
        'element',
        `Element ${html} did not become interactable`,
        'webdriverio(middleware): element did not become interactable',
      );
    }
  };
  // A command of ours from within another one.
  const run = (element, name, ...args) => attempt(element, name, () => commands.get(name).action(element, ...args));

  const define = (name, action, { holds = true, issues = false } = {}) => {
    commands.set(name, { action, holds, issues });
    Element.prototype[name] = function (...args) {
      return command(() => attempt(this, name, () => action(this, ...args)), { holds, issues });
    };
    Object.defineProperty(Element.prototype, name, { enumerable: false });
  };

  // What stands for an element until somebody needs it. It is looked for once, when it is first used.
  const chain = (make) => {
    let promise;
    // `wish`: the command that it is looked for.
    const resolve = (wish) => (promise ??= make(wish));
    if (blocking) return own.command(() => resolve());
    const later = (action, flags, wish) => command(async () => action(await resolve(wish)), flags);
    const target = Object.create(Promise.prototype);
    return new Proxy(target, {
      has: (_, name) =>
        name === RESOLVE || name === 'getElement' || name === 'then' || commands.has(name) || PROPERTIES.has(name),
      get: (_, name) => {
        if (name === RESOLVE) return () => resolve();
        if (name === 'then') return (good, bad) => command(() => resolve()).then(good, bad);
        if (name === 'catch') return (bad) => command(() => resolve()).catch(bad);
        if (name === 'finally') return (callback) => command(() => resolve()).finally(callback);
        if (name === Symbol.toStringTag) return 'Promise';
        if (name === 'toString') return () => '[object Promise]';
        if (typeof name === 'symbol' || name === 'asymmetricMatch' || name === 'nodeType' || name === '$$typeof')
          return undefined;
        if (name === 'getElement') return () => command(() => resolve());
        if (name === 'toJSON') return () => ({});
        if (PROPERTIES.has(name)) return later((element) => element[name]);
        if (QUERIES.has(name)) return (...args) => query(resolve, name, args);
        const known = commands.get(name);
        if (known)
          return (...args) =>
            later((element) => attempt(element, name, () => known.action(element, ...args)), known, name);
        return (...args) =>
          later(
            (element) => {
              if (typeof element[name] !== 'function')
                throw new CommandError(
                  'script',
                  `Can't call "${String(name)}" on ${describe(element)}, it is not a function${own.meant(name, commands.keys())}`,
                  'TypeError',
                );
              return element[name](...args);
            },
            { holds: true, issues: true },
          );
      },
      set: (_, name, value) => {
        later((element) => {
          element[name] = value;
        });
        return true;
      },
    });
  };

  const ITERATORS = [
    'forEach',
    'map',
    'filter',
    'find',
    'findIndex',
    'some',
    'every',
    'reduce',
    'includes',
    'forEachSeries',
    'mapSeries',
    'filterSeries',
    'findSeries',
    'findIndexSeries',
    'someSeries',
    'everySeries',
    'reduceSeries',
  ];
  const isPromise = (value) => value !== null && value !== undefined && typeof value.then === 'function';
  // The array's own methods are these: what they do with answers is asked of arrays as such.
  const plainly = (items, name, answers) => Array.prototype[name].call(items, (_, index) => answers[index]);
  const collect = {
    forEach: () => undefined,
    map: (_, answers) => answers,
    filter: (items, answers) => plainly(items, 'filter', answers),
    find: (items, answers) => plainly(items, 'find', answers),
    findIndex: (_, answers) => answers.findIndex(Boolean),
    some: (_, answers) => answers.some(Boolean),
    every: (_, answers) => answers.every(Boolean),
  };
  // Array methods whose callbacks may answer promises: what they answer then is a promise, too.
  const iterate = (items, name, args) => {
    const plain = name.replace('Series', '');
    if (plain === 'includes') return Array.prototype.includes.apply(items, args);
    const [callback, ...rest] = args;
    if (plain === 'reduce')
      return Array.prototype.reduce.call(
        items,
        (value, item, index) =>
          isPromise(value)
            ? value.then((ready) => callback(ready, item, index, items))
            : callback(value, item, index, items),
        ...rest,
      );
    if (name.endsWith('Series')) {
      return (async () => {
        const answers = [];
        for (const [index, item] of items.entries()) answers.push(await callback(item, index, items));
        return collect[plain](items, answers);
      })();
    }
    const answers = Array.from(items, (item, index) => callback.call(rest[0], item, index, items));
    if (!answers.some(isPromise)) return collect[plain](items, answers);
    const all = Promise.all(answers).then((values) => collect[plain](items, values));
    if (plain !== 'map') return all;
    // Scripts of version 7 give the promises to Promise.all themselves.
    return Object.defineProperties(answers, {
      then: { value: all.then.bind(all) },
      catch: { value: all.catch.bind(all) },
      finally: { value: all.finally.bind(all) },
    });
  };
  const makeArray = (items, parent, selector, foundWith, props = []) => {
    const array = [...items];
    const hidden = { parent, selector, foundWith, props, getElements: async () => array };
    for (const [name, value] of Object.entries(hidden))
      Object.defineProperty(array, name, { value, writable: true, enumerable: false, configurable: true });
    for (const name of ITERATORS)
      Object.defineProperty(array, name, {
        value: (...args) => iterate(array, name, args),
        enumerable: false,
        configurable: true,
        writable: true,
      });
    return array;
  };

  const chainArray = (make) => {
    let promise;
    const resolve = () => (promise ??= make());
    if (blocking) return own.command(resolve);
    const at = (index) =>
      chain(async () => {
        let items = await resolve();
        if (index < items.length) return items[index];
        const { parent, selector, foundWith, props } = items;
        return poll(
          async () => {
            items = await locateAll(parent, selector, foundWith, props);
            return items[index];
          },
          { message: () => `Index out of bounds! $$(${selector}) returned only ${items.length} elements.` },
        );
      });
    return new Proxy(Object.create(Promise.prototype), {
      has: (_, name) => name === RESOLVE || name === 'getElements' || name === 'then' || name === 'length',
      get: (_, name) => {
        if (name === RESOLVE) return resolve;
        if (name === 'then') return (good, bad) => command(resolve).then(good, bad);
        if (name === 'catch') return (bad) => command(resolve).catch(bad);
        if (name === 'finally') return (callback) => command(resolve).finally(callback);
        if (name === Symbol.asyncIterator)
          return async function* all() {
            yield* await command(resolve);
          };
        if (name === Symbol.toStringTag) return 'Promise';
        if (name === 'toString') return () => '[object Promise]';
        if (typeof name === 'symbol' || name === 'asymmetricMatch' || name === 'nodeType' || name === '$$typeof')
          return undefined;
        if (/^\d+$/.test(name)) return at(Number(name));
        if (name === 'getElements') return () => command(resolve);
        if (name === 'entries')
          return () =>
            (async function* all() {
              yield* (await command(resolve)).entries();
            })();
        if (['length', 'selector', 'parent', 'foundWith', 'props'].includes(name))
          return command(async () => (await resolve())[name]);
        if (ITERATORS.includes(name))
          return (...args) => watch((async () => iterate(await command(resolve), name, args))());
        if (name === 'slice' || name === 'at' || name === 'concat')
          return async (...args) => (await command(resolve))[name](...args);
        return () => {
          throw new CommandError(
            'script',
            `Can't call "${String(name)}" on a list of elements: call it on each, as in $$(…).map((element) => element.${String(name)}())`,
            'TypeError',
          );
        };
      },
    });
  };

  // What an element or a chain stands for, as the page understands it.
  const reference = async (value, name = 'execute') => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
    if (value[RESOLVE]) return reference(await value[RESOLVE](), name);
    if (value instanceof Element) {
      await ready(value, name);
      return { [ELEMENT_KEY]: value.elementId };
    }
    if (typeof value === 'function') return String(value);
    if (isPromise(value)) return reference(await value, name);
    if (Array.isArray(value)) return Promise.all(value.map((item) => reference(item, name)));
    if (typeof value.toJSON === 'function') return value.toJSON();
    if (value[ELEMENT_KEY] || value[SHADOW_KEY]) return value;
    const entries = await Promise.all(
      Object.entries(value).map(async ([key, item]) => [key, await reference(item, name)]),
    );
    return Object.fromEntries(entries);
  };
  const revive = (value) => {
    if (value === null || typeof value !== 'object') return value;
    if (typeof value[ELEMENT_KEY] === 'string')
      return new Element(own.browser, value, null, { id: value[ELEMENT_KEY] });
    if (Array.isArray(value)) return value.map(revive);
    // Dates, maps and the like are what they are.
    if (value[SHADOW_KEY] || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revive(item)]));
  };
  const idsOf = (value) => (Array.isArray(value) ? value : [value]).map((item) => item?.[ELEMENT_KEY]).filter(Boolean);
  const script = (code) =>
    typeof code === 'function' ? `return (${own.source(code)}).apply(this, arguments)` : String(code);
  const execute = async (code, ...args) =>
    call('protocol', { name: 'executeScript', args: [script(code), await reference(args)] });
  // A method in short form (`getX() {}`) is no expression of its own.
  own.source = (fn) => {
    const text = Function.prototype.toString.call(fn);
    if (/^(async\s+)?(function\b|\(|[\w$]+\s*=>|class\b)/.test(text)) return text;
    return text.replace(
      /^(async\s+)?(?:\*\s*)?(?:\[[^\]]*\]|[\w$]+)\s*\(/,
      (_, isAsync) => `${isAsync ?? ''}function (`,
    );
  };

  // One way to locate: answers ids below a parent; `first` asks for one only.
  const locators = {
    function: (code) => async (parent) =>
      idsOf(
        await execute(
          `const root = arguments[0] ?? document; const found = (${own.source(code)}).call(arguments[0] ?? window, arguments[0] ?? document); return found instanceof NodeList || found instanceof HTMLCollection ? [...found] : found;`,
          parent instanceof Element ? parent : null,
        ),
      ),
    text: (selector) => {
      const { using, value } = own.locator(selector);
      return async (parent, first) => {
        const scope = parent instanceof Element ? parent.elementId : null;
        if (using === 'deep') return idsOf(await execute(own.page.deep, scope ? parent : null, value, first));
        // An XPath from the root ignores its parent; what is meant is below it.
        const where = using === 'xpath' && scope && value.startsWith('//') ? `.${value}` : value;
        const command = `findElement${first ? '' : 's'}${scope ? 'FromElement' : ''}`;
        const found = idsOf(
          await protocol(command, ...(scope ? [scope] : []), using, where).catch((error) => {
            if (error?.name === 'no such element') return [];
            throw error;
          }),
        );
        if (using !== 'css selector' || (first && found.length > 0)) return found;
        const deep = idsOf(await execute(own.page.shadow, scope ? parent : null, value, first));
        return first ? deep : [...new Set([...found, ...deep])];
      };
    },
    reference: (id) => async () => [id],
    custom: (name, args) => {
      const strategy = own.strategies.get(name);
      if (!strategy) throw new CommandError('script', `No strategy found for ${name}`);
      return async (parent) => idsOf(await execute(strategy, ...args, ...(parent instanceof Element ? [parent] : [])));
    },
    shadow: (selector) => async (parent, first) => {
      if (!(parent instanceof Element))
        throw new CommandError('script', 'shadow$ is called on an element that has a shadow root');
      const root = await protocol('getElementShadowRoot', parent.elementId);
      const { using, value } = own.locator(selector);
      const found = await protocol(
        `findElement${first ? '' : 's'}FromShadowRoot`,
        root[SHADOW_KEY],
        using,
        value,
      ).catch((error) => {
        if (error?.name === 'no such element') return [];
        throw error;
      });
      return idsOf(found);
    },
    react:
      (selector, { props = {}, state = {} } = {}) =>
      async (parent) =>
        idsOf(await execute(own.page.react, selector, props, state, parent instanceof Element ? parent : null)),
  };
  const locatorFor = (name, [selector, ...rest]) => {
    if (name.startsWith('custom$')) return locators.custom(selector, rest);
    if (name.startsWith('shadow$')) return locators.shadow(selector);
    if (name.startsWith('react$')) return locators.react(selector, rest[0]);
    if (typeof selector === 'function') return locators.function(selector);
    if (selector && typeof selector === 'object' && selector[ELEMENT_KEY])
      return locators.reference(selector[ELEMENT_KEY]);
    if (typeof selector !== 'string')
      throw new CommandError(
        'script',
        `selector needs to be typeof \`string\` or \`function\`, but found: \`${typeof selector}\``,
        'Error',
      );
    return locators.text(selector);
  };

  const said = new WeakMap();
  const takeSaid = (element) => {
    const text = said.get(element);
    said.delete(element);
    return text;
  };

  const missingError = (selector) => ({
    error: 'no such element',
    message: `no such element: Unable to locate element: ${String(selector)}`,
    stacktrace: '',
  });
  // What is looked for to be read is read by the script that finds it: one question instead of two, and the driver's own
  // answer where there is any doubt.
  const foundAndRead = async (parent, selector, wish) => {
    if (wish !== 'getText' || parent instanceof Element || typeof selector !== 'string') return null;
    const { using, value } = own.locator(selector);
    if (using !== 'css selector') return null;
    const found = await execute(own.page.said, value).catch(() => null);
    return found && { ids: idsOf(found[0]), text: found[1] };
  };
  const locateOne = async (parent, name, args, relation, wish) => {
    if (parent instanceof Element) await ready(parent, name);
    const selector = name.startsWith('custom$')
      ? { strategy: own.strategies.get(args[0]), strategyName: args[0], strategyArguments: args.slice(1) }
      : args[0];
    const locate = locatorFor(name, args);
    const look = () => locate(parent, true);
    const read = name === '$' ? await foundAndRead(parent, selector, wish) : null;
    let ids;
    try {
      ids = read ? read.ids : await look();
    } catch (error) {
      if (error?.name === 'no such shadow root') ids = [];
      else if (isStale(error) && parent instanceof Element && parent.locate) {
        await findAgain(parent, name);
        ids = await look();
      } else throw error;
    }
    const element = new Element(parent, selector instanceof Element ? selector.selector : selector, locate, {
      id: ids[0],
      kind: name,
      missing: ids[0] ? undefined : missingError(selector),
    });
    if (relation) Object.defineProperty(element, 'relation', { value: relation, enumerable: false });
    // For the command that follows at once, and no other.
    if (typeof read?.text === 'string') said.set(element, read.text);
    return element;
  };
  const locateAll = async (parent, selector, name = '$$', props = []) => {
    if (parent instanceof Element) await ready(parent, name);
    const locate = Array.isArray(selector) ? null : locatorFor(name, [selector, ...props]);
    if (Array.isArray(selector))
      return makeArray(
        selector.map((item) =>
          item instanceof Element ? item : new Element(parent, item, null, { id: item[ELEMENT_KEY] }),
        ),
        parent,
        selector[0]?.selector,
        name,
        props,
      );
    let ids;
    try {
      ids = await locate(parent, false);
    } catch (error) {
      if (!isStale(error) || !(parent instanceof Element) || !parent.locate) throw error;
      await findAgain(parent, name);
      ids = await locate(parent, false);
    }
    return makeArray(
      ids.map((id, index) => new Element(parent, selector, locate, { id, index, kind: name })),
      parent,
      selector,
      name,
      props,
    );
  };

  const SIBLINGS = {
    nextElement: [
      'next',
      function nextElement() {
        return this.nextElementSibling;
      },
    ],
    previousElement: [
      'previous',
      function previousElement() {
        return this.previousElementSibling;
      },
    ],
    parentElement: [
      'parent',
      function parentElement() {
        return this.parentElement;
      },
    ],
  };
  // `from` answers the parent: the browser, or an element.
  const query = (from, name, args) => {
    if (SIBLINGS[name]) {
      const [relation, code] = SIBLINGS[name];
      return chain(async () => locateOne(await from(), '$', [code], relation));
    }
    if (name.endsWith('$$')) {
      const [selector, ...props] = args;
      return chainArray(async () =>
        locateAll(await from(), selector?.[RESOLVE] ? await selector[RESOLVE]() : selector, name, props),
      );
    }
    return chain(async (wish) => {
      const [selector, ...rest] = args;
      const wanted = selector?.[RESOLVE] ? await selector[RESOLVE]() : selector;
      if (wanted instanceof Element && name === '$') return wanted;
      return locateOne(await from(), name, [wanted, ...rest], undefined, wish);
    });
  };
  for (const name of QUERIES) {
    Object.defineProperty(Element.prototype, name, {
      value(...args) {
        return query(async () => this, name, args);
      },
      enumerable: false,
      writable: true,
      configurable: true,
    });
  }
  Object.defineProperty(Element.prototype, 'getElement', {
    value() {
      return blocking ? this : command(async () => this);
    },
    enumerable: false,
    configurable: true,
  });

  const element = (value) => value instanceof Element || Boolean(value?.[RESOLVE]);
  own.strategies = new Map();
  own.elements = {
    Element,
    ELEMENT_KEY,
    SHADOW_KEY,
    RESOLVE,
    QUERIES,
    commands,
    protocol,
    define,
    attempt,
    ready,
    find,
    forget,
    takeSaid,
    identify,
    run,
    query,
    chain,
    chainArray,
    locateAll,
    reference,
    revive,
    execute,
    script,
    isElement: element,
    isStale,
    describe,
  };
};
