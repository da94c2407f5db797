// `expect`: Jest's matchers, WebdriverIO's on browser and elements (they wait), those that version 7 had, and chai's
// chain. The libraries are loaded when a script first expects something.
(own) => {
  const { watch, withPlace, userFrames } = own;

  const isPromise = (value) => value !== null && typeof value === 'object' && typeof value.then === 'function';
  // Names that version 7 had: how each is said today.
  const OLDER = {
    toBeVisible: 'toBeDisplayed',
    toBeVisibleInViewport: 'toBeDisplayedInViewport',
    toExist: 'toBeExisting',
    toBePresent: 'toBeExisting',
    toBeChecked: 'toBeSelected',
    toHaveProperty: null,
  };
  const CONTAINING = {
    toHaveTextContaining: 'toHaveText',
    toHaveTitleContaining: 'toHaveTitle',
    toHaveUrlContaining: 'toHaveUrl',
    toHaveValueContaining: 'toHaveValue',
    toHaveHrefContaining: 'toHaveHref',
    toHaveLinkContaining: 'toHaveHref',
    toHaveIdContaining: 'toHaveId',
    toHaveElementClassContaining: 'toHaveElementClass',
    toHaveClassContaining: 'toHaveElementClass',
    toHaveAttributeContaining: 'toHaveAttribute',
    toHaveAttrContaining: 'toHaveAttribute',
    toHaveElementPropertyContaining: 'toHaveElementProperty',
    toHaveHTMLContaining: 'toHaveHTML',
  };
  const WITH_NAME = new Set(['toHaveAttributeContaining', 'toHaveAttrContaining', 'toHaveElementPropertyContaining']);

  let loaded = null;
  const load = () => {
    if (loaded) return loaded;
    const library = own.library('expect');
    const { expect, setOptions, matchers } = library;
    setOptions(own.expectWait());
    const older = {};
    for (const [name, today] of Object.entries(CONTAINING)) {
      const matcher = matchers.get(today);
      if (!matcher) continue;
      older[name] = WITH_NAME.has(name)
        ? function containing(received, first, expected, options) {
            return matcher.call(this, received, first, expected, { ...library.defaults, ...options, containing: true });
          }
        : function containing(received, expected, options) {
            return matcher.call(this, received, expected, {
              ...own.expectWait(),
              ...options,
              containing: true,
            });
          };
    }
    for (const [name, today] of Object.entries(OLDER))
      if (today && !matchers.has(name) && matchers.has(today)) older[name] = matchers.get(today);
    expect.extend(older);
    loaded = { expect, library };
    return loaded;
  };
  own.expectOptions = (options) => {
    own.options.expectTimeout = options.wait ?? own.options.expectTimeout;
    own.options.expectInterval = options.interval ?? own.options.expectInterval;
    if (loaded) loaded.library.setOptions(options);
  };

  // A matcher that waits is one more thing that runs: in the blocking style it returns when it is decided.
  const guarded = (matchers, stack) =>
    new Proxy(matchers, {
      get(target, name) {
        if (CHAIN.has(name)) return chai(target)[name];
        const value = target[name];
        if (name === 'not' || name === 'resolves' || name === 'rejects') return guarded(value, stack);
        if (typeof value !== 'function') {
          if (value !== undefined || typeof name === 'symbol' || name === 'then') return value;
          const known = Object.keys(target);
          return () => {
            throw new own.CommandError(
              'script',
              `expect(…).${String(name)} is not a function${own.meant(name, known)}`,
              'TypeError',
            );
          };
        }
        return (...args) => {
          let answer;
          try {
            answer = value.apply(target, args);
          } catch (error) {
            throw withPlace(error, stack);
          }
          if (!isPromise(answer)) return answer;
          return watch(
            answer.catch((error) => {
              throw withPlace(error, stack);
            }),
          );
        };
      },
    });
  // chai's words that Jest does not have.
  const CHAIN = new Set([
    'to',
    'be',
    'been',
    'is',
    'that',
    'which',
    'and',
    'has',
    'have',
    'with',
    'at',
    'of',
    'same',
    'but',
    'does',
    'still',
    'also',
    'deep',
    'nested',
    'own',
    'ordered',
    'any',
    'all',
    'equal',
    'equals',
    'eq',
    'eql',
    'include',
    'includes',
    'contain',
    'contains',
    'exist',
    'true',
    'false',
    'null',
    'undefined',
    'NaN',
    'ok',
    'empty',
    'above',
    'below',
    'least',
    'most',
    'match',
    'throw',
    'property',
    'lengthOf',
    'members',
    'keys',
    'string',
    'instanceof',
    'an',
    'a',
    'satisfy',
    'closeTo',
    'within',
    'oneOf',
  ]);
  const actuals = new WeakMap();
  const chai = (target) => {
    const { actual, negated } = actuals.get(target);
    const said = own.library('chai').expect(actual);
    return negated ? said.not : said;
  };

  const expect = (actual) => {
    const stack = userFrames(new Error().stack);
    const matchers = load().expect(actual);
    actuals.set(matchers, { actual, negated: false });
    if (matchers.not) actuals.set(matchers.not, { actual, negated: true });
    return guarded(matchers, stack);
  };
  const STATIC = [
    'anything',
    'any',
    'arrayContaining',
    'objectContaining',
    'stringContaining',
    'stringMatching',
    'closeTo',
    'arrayOf',
    'assertions',
    'hasAssertions',
    'extend',
    'getState',
    'setState',
    'extractExpectedAssertionsErrors',
    'addEqualityTesters',
    'addSnapshotSerializer',
    'getSoftFailures',
    'assertSoftFailures',
    'clearSoftFailures',
    'soft',
    'not',
    'fail',
  ];
  for (const name of STATIC) {
    Object.defineProperty(expect, name, {
      enumerable: true,
      configurable: true,
      get: () => {
        const { expect: real } = load();
        if (name === 'fail') return (...args) => own.library('chai').expect.fail(...args);
        if (name === 'soft') return (actual) => guarded(real.soft(actual), userFrames(new Error().stack));
        return real[name];
      },
    });
  }
  own.softFailures = async () => {
    if (!loaded) return null;
    const failures = loaded.expect.getSoftFailures?.() ?? [];
    if (failures.length === 0) return null;
    try {
      loaded.expect.assertSoftFailures();
    } catch (error) {
      loaded.expect.clearSoftFailures();
      return error;
    }
    return null;
  };
  globalThis.expect = globalThis.expectWdio = expect;
  globalThis.expectWebdriverIO = {
    get setOptions() {
      return own.expectOptions;
    },
    setDefaultOptions: own.expectOptions,
  };
  // Older scripts turned chai's words on for every object and found `assert` there.
  own.lazy('chai', () => own.library('chai'));
  own.lazy('should', () => own.library('chai').should());
  own.lazy('assert', () => own.library('node').assert);
};
