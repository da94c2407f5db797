// mocha's BDD interface: builds a tree that Rust walks, one call per hook and test.
(() => {
  const callables = [];
  const suite = (title, parent) => ({
    title, parent, suites: [], tests: [], before: [], after: [], beforeEach: [], afterEach: [], timeout: parent?.timeout ?? null, pending: false,
    only: false,
  });
  const root = suite('', null);
  let current = root;

  const context = (owner) => ({
    timeout(milliseconds) { owner.timeout = milliseconds; return this; },
    retries() { return this; },
    slow() { return this; },
    skip() { throw Object.assign(new Error('skipped'), { name: 'Pending' }); },
  });
  const register = (fn, owner) => callables.push({ fn, owner }) - 1;

  const describe = (title, fn, options = {}) => {
    const child = suite(String(title), current);
    Object.assign(child, options);
    current.suites.push(child);
    const outer = current;
    current = child;
    try {
      fn?.call(context(child));
    } finally {
      current = outer;
    }
    return child;
  };
  const it = (title, fn, options = {}) => {
    const test = { title: String(title), timeout: current.timeout, pending: !fn, only: false, ...options };
    test.id = register(fn, test);
    current.tests.push(test);
    return context(test);
  };
  const hook = (kind) => (titleOrFn, fn) => {
    const callable = typeof titleOrFn === 'function' ? titleOrFn : fn;
    const owner = { timeout: current.timeout };
    current[kind].push({ id: register(callable, owner), owner, get timeout() { return owner.timeout; } });
  };

  describe.skip = (title, fn) => describe(title, fn, { pending: true });
  describe.only = (title, fn) => describe(title, fn, { only: true });
  it.skip = (title) => it(title, null);
  it.only = (title, fn) => it(title, fn, { only: true });
  Object.assign(globalThis, {
    describe, context: describe, it, specify: it, xdescribe: describe.skip, xit: it.skip,
    before: hook('before'), after: hook('after'), beforeEach: hook('beforeEach'), afterEach: hook('afterEach'),
  });

  const hasOnly = (node) => node.only || node.tests.some((test) => test.only) || node.suites.some(hasOnly);
  const plain = (node, filtering, pending) => {
    const skipped = pending || node.pending;
    const keepAll = !filtering || node.only;
    const keep = (test) => keepAll || test.only;
    return {
      title: node.title,
      before: hooks(node.before), after: hooks(node.after), beforeEach: hooks(node.beforeEach), afterEach: hooks(node.afterEach),
      tests: node.tests.filter(keep).map((test) => ({ id: test.id, title: test.title, timeout: test.timeout ?? node.timeout, pending: skipped || test.pending })),
      suites: node.suites.filter((child) => keepAll || hasOnly(child)).map((child) => plain(child, filtering && !node.only, skipped)),
    };
  };
  const hooks = (list) => list.map((hook) => ({ id: hook.id, timeout: hook.timeout }));

  globalThis.__tree = () => JSON.stringify(plain(root, hasOnly(root), false));
  // Runs one hook or test and waits for every command that it issued, awaited or not.
  globalThis.__call = async (id) => {
    const { fn, owner } = callables[id];
    let failure;
    try {
      await (fn.length > 0
        ? new Promise((resolve, reject) => fn.call(context(owner), (error) => (error ? reject(error) : resolve())))
        : fn.call(context(owner)));
    } catch (error) {
      failure = { error };
    }
    const stray = await globalThis.__settle();
    if (failure) throw failure.error;
    if (stray) throw stray;
  };
})();
