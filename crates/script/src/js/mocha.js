// mocha's interfaces (bdd, tdd, qunit): they build a tree that Rust walks, one call per hook and test.
(own) => {
  const callables = [];
  const settings = { bail: false, retries: null, slow: 75 };

  const suite = (title, parent) => ({
    title,
    parent,
    suites: [],
    tests: [],
    before: [],
    after: [],
    beforeEach: [],
    afterEach: [],
    timeout: parent?.timeout ?? null,
    retries: parent?.retries ?? null,
    pending: false,
    only: false,
  });
  const root = suite('', null);
  let current = root;

  const fullTitle = (node) =>
    node.parent ? [fullTitle(node.parent), node.title].filter(Boolean).join(' ') : node.title;
  const milliseconds = (value) => {
    if (typeof value !== 'string') return Number(value);
    const match = /^\s*([\d.]+)\s*(ms|s|m|h)?\s*$/.exec(value);
    return match ? Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 'ms'] : Number.NaN;
  };

  // What mocha calls a Runnable, as scripts see it in `this.test`.
  const runnable = (owner) => ({
    title: owner.title,
    type: owner.type,
    get timedOut() {
      return false;
    },
    fullTitle: () => fullTitle(owner),
    titlePath: () => {
      const path = [];
      for (let node = owner; node; node = node.parent) if (node.title) path.unshift(node.title);
      return path;
    },
    get parent() {
      return owner.parent
        ? {
            title: owner.parent.title,
            fullTitle: () => fullTitle(owner.parent),
            tests: owner.parent.tests,
            suites: owner.parent.suites,
          }
        : undefined;
    },
    get state() {
      return owner.state;
    },
    get err() {
      return owner.error;
    },
    get pending() {
      return owner.pending;
    },
    get duration() {
      return owner.duration;
    },
    currentRetry: () => owner.attempt ?? 0,
    isPending: () => Boolean(owner.pending),
    isFailed: () => owner.state === 'failed',
    isPassed: () => owner.state === 'passed',
    timeout: () => owner.timeout,
    retries: () => owner.retries,
    file: own.config.spec,
  });
  // `this` of hooks and tests. A suite has one object that its hooks and tests share; a test's own inherits it.
  const contexts = new Map();
  const contextOf = (node) => {
    if (!node) return null;
    if (!contexts.has(node)) contexts.set(node, Object.create(contextOf(node.parent)));
    return contexts.get(node);
  };
  let running = null;
  // The hook or test that is being run: a time that it gives itself counts at once.
  let called = null;
  const giveTime = (owner, milliseconds) => {
    owner.timeout = milliseconds;
    if (owner === called) own.host.allowTime(milliseconds);
  };
  const methods = (owner) => ({
    timeout(value) {
      if (value === undefined) return owner.timeout ?? own.config.stepTimeout;
      giveTime(owner, milliseconds(value));
      return this;
    },
    enableTimeouts(enabled) {
      if (enabled === false) giveTime(owner, 0);
      return this;
    },
    slow(value) {
      if (value === undefined) return settings.slow;
      return this;
    },
    retries(count) {
      if (count === undefined) return owner.retries ?? 0;
      owner.retries = Number(count);
      return this;
    },
    bail(flag = true) {
      settings.bail = flag;
      return this;
    },
    skip() {
      owner.pending = true;
      throw Object.assign(new Error('sync skip; aborting execution'), { name: 'Pending' });
    },
  });
  const contextFor = (owner, suiteNode, test) => {
    const context = contextOf(suiteNode);
    Object.defineProperties(
      context,
      Object.fromEntries(
        Object.entries(methods(owner)).map(([name, value]) => [name, { value, configurable: true, writable: true }]),
      ),
    );
    context.test = runnable(owner);
    if (test) context.currentTest = runnable(test);
    return context;
  };

  const register = (entry) => callables.push(entry) - 1;
  const describe = (title, fn, options = {}) => {
    if (typeof title !== 'string' && typeof title !== 'function')
      throw new TypeError(`Invalid argument "title" with value ${String(title)}: a string is needed`);
    if (typeof fn !== 'function' && !options.pending)
      throw new TypeError(
        `Suite "${title}" was defined but no callback was supplied. Supply a callback or explicitly skip the suite.`,
      );
    const child = suite(typeof title === 'function' ? title.name : title, current);
    Object.assign(child, { type: 'suite' }, options);
    current.suites.push(child);
    const outer = current;
    current = child;
    const self = {
      ...methods(child),
      title: child.title,
      parent: outer,
      fullTitle: () => fullTitle(child),
      skip() {
        child.pending = true;
      },
    };
    try {
      const returned = fn?.call(self);
      if (returned && typeof returned.then === 'function')
        own.line(`Deprecation warning: suite "${child.title}" returned a promise; it is not waited for`);
    } catch (error) {
      if (error?.name !== 'Pending') throw error;
      child.pending = true;
    } finally {
      current = outer;
    }
    return self;
  };
  const it = (title, fn, options = {}) => {
    const name = typeof title === 'function' ? title.name : String(title);
    const body = typeof title === 'function' ? title : fn;
    const test = {
      type: 'test',
      title: name,
      parent: current,
      timeout: null,
      retries: null,
      pending: typeof body !== 'function',
      only: false,
      ...options,
    };
    test.id = register({ fn: body, owner: test, suite: current, test });
    current.tests.push(test);
    return { ...methods(test), ...runnable(test) };
  };
  const hook = (kind, label) => (titleOrFn, fn) => {
    const callable = typeof titleOrFn === 'function' ? titleOrFn : fn;
    if (typeof callable !== 'function') throw new TypeError(`${label} hook needs a function`);
    const name = typeof titleOrFn === 'string' ? titleOrFn : callable.name;
    const owner = { type: 'hook', title: `"${label}" hook${name ? `: ${name}` : ''}`, parent: current, timeout: null };
    current[kind].push({ id: register({ fn: callable, owner, suite: current }), owner });
    return methods(owner);
  };

  describe.skip = (title, fn) => describe(title, fn, { pending: true });
  describe.only = (title, fn) => describe(title, fn, { only: true });
  it.skip = (title) => it(title, null);
  it.only = (title, fn) => it(title, fn, { only: true });
  it.retries = (count) => {
    current.retries = count;
  };
  const hooks = {
    before: hook('before', 'before all'),
    after: hook('after', 'after all'),
    beforeEach: hook('beforeEach', 'before each'),
    afterEach: hook('afterEach', 'after each'),
  };
  const bdd = {
    describe,
    context: describe,
    it,
    specify: it,
    xdescribe: describe.skip,
    xcontext: describe.skip,
    xit: it.skip,
    xspecify: it.skip,
    fdescribe: describe.only,
    fit: it.only,
    ...hooks,
  };
  const tdd = {
    suite: describe,
    test: it,
    suiteSetup: hooks.before,
    suiteTeardown: hooks.after,
    setup: hooks.beforeEach,
    teardown: hooks.afterEach,
  };
  own.mocha = { ...bdd, ...tdd, run: () => {} };
  Object.assign(globalThis, bdd);
  const qunit = () => {
    const module = (title) => {
      current = root;
      const child = suite(String(title), root);
      root.suites.push(child);
      current = child;
    };
    Object.assign(globalThis, {
      suite: module,
      test: it,
      before: hooks.before,
      after: hooks.after,
      beforeEach: hooks.beforeEach,
      afterEach: hooks.afterEach,
    });
  };
  const useInterface = (name) => {
    if (name === 'tdd') Object.assign(globalThis, tdd);
    if (name === 'qunit') qunit();
  };
  useInterface(own.config.mochaInterface);
  // `mochaOpts` of a configuration file.
  own.configureMocha = ({ timeout, retries, bail, grep: pattern, ui }) => {
    if (timeout !== undefined) root.timeout = milliseconds(timeout);
    if (retries !== undefined) root.retries = Number(retries);
    if (bail !== undefined) settings.bail = Boolean(bail);
    if (pattern) grep = pattern instanceof RegExp ? pattern : new RegExp(pattern);
    useInterface(ui);
  };
  own.mochaRoot = root;
  own.addHook = (node, kind, title, fn, first) => {
    const owner = { type: 'hook', title: `"${title}" hook of the configuration`, parent: node, timeout: null };
    const entry = { id: register({ fn, owner, suite: node }), owner };
    if (first) node[kind].unshift(entry);
    else node[kind].push(entry);
  };

  let grep = own.config.mochaGrep ? new RegExp(own.config.mochaGrep) : null;
  const hasOnly = (node) => node.only || node.tests.some((test) => test.only) || node.suites.some(hasOnly);
  const timeoutOf = (node) => {
    for (let owner = node; owner; owner = owner.parent)
      if (owner.timeout !== null && owner.timeout !== undefined) return owner.timeout;
    return null;
  };
  const retriesOf = (node) => {
    for (let owner = node; owner; owner = owner.parent)
      if (owner.retries !== null && owner.retries !== undefined) return owner.retries;
    return own.config.mochaRetries ?? 0;
  };
  const plainHooks = (list) =>
    list.map((entry) => ({ id: entry.id, title: entry.owner.title, timeout: timeoutOf(entry.owner) }));
  const keeps = (test) => !grep || grep.test(fullTitle(test));
  // mocha's rule of exclusive ones: a suite's own exclusive tests leave its other tests and its suites out; without any,
  // its exclusive suites stay, whole unless something inside them is exclusive too.
  const plain = (node, pending) => {
    const skipped = pending || node.pending;
    const exclusive = node.tests.filter((test) => test.only);
    const narrow = exclusive.length > 0 || node.suites.some(hasOnly);
    const tests = narrow ? exclusive : node.tests;
    const suites = exclusive.length > 0 ? [] : node.suites.filter((child) => !narrow || hasOnly(child));
    const children = suites.map((child) => plain(child, skipped));
    return {
      title: node.title,
      pending: skipped,
      before: plainHooks(node.before),
      after: plainHooks(node.after),
      beforeEach: plainHooks(node.beforeEach),
      afterEach: plainHooks(node.afterEach),
      tests: tests.filter(keeps).map((test) => ({
        id: test.id,
        title: test.title,
        timeout: timeoutOf(test),
        retries: retriesOf(test),
        pending: skipped || test.pending,
      })),
      suites: grep ? children.filter((child) => child.tests.length > 0 || child.suites.length > 0) : children,
    };
  };
  own.tree = () => {
    own.attachHooks();
    return JSON.stringify({ ...plain(root, false), bail: settings.bail || Boolean(own.config.mochaBail) });
  };

  const invoke = (fn, context) => {
    if (fn.length === 0) {
      const returned = fn.call(context);
      return own.blocking && returned && typeof returned.then === 'function' ? own.block(returned) : returned;
    }
    const promise = new Promise((resolve, reject) => {
      fn.call(context, (error) => {
        if (error === undefined || error === null) resolve();
        else
          reject(
            error instanceof Error
              ? error
              : new Error(
                  `done() invoked with non-Error: ${typeof error === 'string' ? error : JSON.stringify(error)}`,
                ),
          );
      });
    });
    return own.blocking ? own.block(promise) : promise;
  };
  // Runs one hook or test and waits for every command that it issued, awaited or not.
  own.run = async (id, given, attempt) => {
    const testId = given ?? null;
    const { fn, owner, suite: node, test: self } = callables[id];
    const test = self ?? (testId === null ? running : callables[testId].test);
    if (self) {
      running = self;
      self.attempt = attempt;
      self.state = undefined;
      self.error = undefined;
    }
    let failure;
    called = owner;
    try {
      await invoke(fn, contextFor(owner, node, test));
    } catch (error) {
      failure = { error };
    }
    const stray = await own.settle();
    const uncaught = own.takeUncaught();
    const error = failure ? failure.error : (stray ?? uncaught);
    const failed = Boolean(failure ?? stray ?? uncaught);
    if (self) {
      self.state = failed ? 'failed' : 'passed';
      self.error = error ?? undefined;
    }
    if (failed) throw error instanceof Error ? error : thrown(error);
  };
  // How often a test may be tried again by now.
  own.retries = (id) => (callables[id].test ? Math.max(0, Number(retriesOf(callables[id].owner)) || 0) : 0);
  const thrown = (value) =>
    Object.assign(
      new Error(
        typeof value === 'string'
          ? value
          : `the ${value === null ? 'null' : typeof value} ${own.inspect(value)} was thrown, throw an Error :)`,
      ),
      { stack: '' },
    );
};
