// `expect`: expect-webdriverio's matchers on browser and elements (they wait), Jest's on values, chai's `.to` chain.
(() => {
  const { enqueue, sleep, userFrames } = globalThis.__commands;
  const { ELEMENT, config } = globalThis.__element;

  class AssertionError extends Error {
    constructor(message, stack) {
      super(message);
      this.name = 'AssertionError';
      this.kind = 'assertion';
      if (stack) this.stack = stack;
    }
  }
  const show = (value) => {
    if (value instanceof RegExp) return String(value);
    const text = JSON.stringify(value);
    return text === undefined ? String(value) : text;
  };

  const isAsymmetric = (value) => value !== null && typeof value === 'object' && typeof value.asymmetricMatch === 'function';
  const equal = (actual, expected) => {
    if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
    if (Object.is(actual, expected)) return true;
    if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) return false;
    if (actual instanceof Date && expected instanceof Date) return actual.getTime() === expected.getTime();
    if (actual instanceof RegExp && expected instanceof RegExp) return String(actual) === String(expected);
    if (actual instanceof Map && expected instanceof Map) return equal([...actual], [...expected]);
    if (actual instanceof Set && expected instanceof Set) return equal([...actual], [...expected]);
    if (Array.isArray(actual) !== Array.isArray(expected)) return false;
    const keys = (object) => Object.keys(object).filter((key) => object[key] !== undefined);
    const [own, wanted] = [keys(actual), keys(expected)];
    return own.length === wanted.length && wanted.every((key) => Object.hasOwn(actual, key) && equal(actual[key], expected[key]));
  };
  const matchesObject = (actual, expected) =>
    actual !== null && typeof actual === 'object' && Object.entries(expected).every(([key, value]) =>
      value !== null && typeof value === 'object' && !isAsymmetric(value) && !Array.isArray(value) ? matchesObject(actual[key], value) : equal(actual[key], value));

  // How a text matcher compares: options of expect-webdriverio.
  const compareText = (actual, expected, options = {}) => {
    if (Array.isArray(expected)) return expected.some((item) => compareText(actual, item, options));
    if (isAsymmetric(expected)) return expected.asymmetricMatch(actual);
    let text = String(actual ?? '');
    if (options.trim !== false) text = text.trim();
    if (expected instanceof RegExp) return expected.test(text);
    let wanted = String(expected);
    if (options.ignoreCase) [text, wanted] = [text.toLowerCase(), wanted.toLowerCase()];
    if (options.containing) return text.includes(wanted);
    if (options.atStart) return text.startsWith(wanted);
    if (options.atEnd) return text.endsWith(wanted);
    return text === wanted;
  };
  const containing = (options) => ({ ...options, containing: true });

  // name: [how a person says it, fetch the actual value, compare it]
  const text = (say, fetch, extra = (options) => options) => ({ say, fetch, compare: (actual, [expected, options]) => compareText(actual, expected, extra(options ?? {})), expected: (args) => args[0], options: (args) => args[1] });
  const flag = (say, fetch) => ({ say, fetch, compare: (actual) => actual === true, expected: () => undefined, options: (args) => args[0] });
  const attribute = (say, fetch, extra = (options) => options) => ({
    say, fetch, compare: (actual, [, expected, options]) => (expected === undefined ? actual !== null && actual !== undefined : compareText(actual, expected, extra(options ?? {}))),
    expected: (args) => (args[1] === undefined ? `attribute ${args[0]}` : args[1]), options: (args) => args[2],
  });
  const waiting = {
    toHaveTitle: text('to have title', (target) => target.getTitle()),
    toHaveTitleContaining: text('to have title containing', (target) => target.getTitle(), containing),
    toHaveUrl: text('to have url', (target) => target.getUrl()),
    toHaveUrlContaining: text('to have url containing', (target) => target.getUrl(), containing),
    toHaveText: text('to have text', (target) => target.getText()),
    toHaveTextContaining: text('to have text containing', (target) => target.getText(), containing),
    toHaveValue: text('to have value', (target) => target.getValue()),
    toHaveValueContaining: text('to have value containing', (target) => target.getValue(), containing),
    toHaveHTML: text('to have HTML', (target) => target.getHTML()),
    toHaveId: text('to have id', (target) => target.getAttribute('id')),
    toHaveHref: text('to have href', (target) => target.getAttribute('href')),
    toHaveElementClass: text('to have class', (target) => target.getAttribute('class'), containing),
    toHaveAttribute: attribute('to have attribute', (target, args) => target.getAttribute(args[0])),
    toHaveAttributeContaining: attribute('to have attribute containing', (target, args) => target.getAttribute(args[0]), containing),
    toHaveElementProperty: attribute('to have property', (target, args) => target.getProperty(args[0])),
    toBeDisplayed: flag('to be displayed', (target) => target.isDisplayed()),
    toBeExisting: flag('to be existing', (target) => target.isExisting()),
    toBeClickable: flag('to be clickable', (target) => target.isClickable()),
    toBeEnabled: flag('to be enabled', (target) => target.isEnabled()),
    toBeDisabled: flag('to be disabled', async (target) => !(await target.isEnabled())),
    toBeSelected: flag('to be selected', (target) => target.isSelected()),
    toBeFocused: flag('to be focused', (target) => target.isFocused()),
    toBeElementsArrayOfSize: { say: 'to be elements array of size', fetch: async (target) => (await target).length, compare: (actual, [size]) => actual === size, expected: (args) => args[0], options: (args) => args[1] },
  };
  waiting.toExist = waiting.toBePresent = waiting.toBeExisting;
  waiting.toBeVisible = waiting.toBeDisplayed;
  waiting.toBeChecked = waiting.toBeSelected;
  waiting.toHaveClass = waiting.toHaveElementClass;

  const waitingMatcher = (target, matcher, negated, stack) => (...args) => enqueue(async () => {
    const options = matcher.options(args) ?? {};
    const end = Date.now() + (options.wait ?? config.expectTimeout);
    let actual;
    for (;;) {
      actual = await matcher.fetch(target, args).catch((error) => { if (error.kind === 'element') return undefined; throw error; });
      if (matcher.compare(actual, args) !== negated) return;
      if (Date.now() >= end) break;
      await sleep(options.interval ?? config.expectInterval);
    }
    const subject = target[ELEMENT] ? `$(\`${target.selector}\`)` : target === globalThis.browser ? 'window' : `$$(\`${target.selector}\`)`;
    const headline = options.message ?? `Expect ${subject} ${negated ? 'not ' : ''}${matcher.say}`;
    const expected = matcher.expected(args);
    const details = expected === undefined
      ? `Expected: "${negated ? 'not ' : ''}${matcher.say.replace('to be ', '')}"\nReceived: "${negated ? '' : 'not '}${matcher.say.replace('to be ', '')}"`
      : `Expected${negated ? ' [not]' : ''}: ${show(expected)}\nReceived${negated ? '      ' : ''}: ${show(actual)}`;
    throw new AssertionError(`${headline}\n\n${details}`, stack);
  }, true);

  const size = (value) => value?.length ?? value?.size;
  const throws = (fn, expected) => {
    try {
      fn();
    } catch (error) {
      if (expected === undefined) return true;
      if (typeof expected === 'string') return error.message.includes(expected);
      if (expected instanceof RegExp) return expected.test(error.message);
      return error instanceof expected;
    }
    return false;
  };
  const values = {
    toBe: (actual, expected) => Object.is(actual, expected),
    toEqual: equal, toStrictEqual: equal, toMatchObject: matchesObject,
    toContain: (actual, item) => (typeof actual === 'string' ? actual.includes(item) : [...actual].includes(item)),
    toContainEqual: (actual, item) => [...actual].some((own) => equal(own, item)),
    toHaveLength: (actual, length) => size(actual) === length,
    toHaveProperty: (actual, path, ...rest) => {
      const found = String(path).split('.').reduce((value, key) => (value === null || value === undefined ? undefined : value[key]), actual);
      return rest.length ? equal(found, rest[0]) : found !== undefined;
    },
    toMatch: (actual, expected) => (expected instanceof RegExp ? expected.test(actual) : String(actual).includes(expected)),
    toBeTruthy: Boolean, toBeFalsy: (actual) => !actual,
    toBeNull: (actual) => actual === null, toBeUndefined: (actual) => actual === undefined, toBeDefined: (actual) => actual !== undefined,
    toBeNaN: (actual) => Number.isNaN(actual), toBeInstanceOf: (actual, type) => actual instanceof type,
    toBeGreaterThan: (actual, expected) => actual > expected, toBeGreaterThanOrEqual: (actual, expected) => actual >= expected,
    toBeLessThan: (actual, expected) => actual < expected, toBeLessThanOrEqual: (actual, expected) => actual <= expected,
    toBeCloseTo: (actual, expected, digits = 2) => Math.abs(actual - expected) < 10 ** -digits / 2,
    toThrow: throws, toThrowError: throws,
  };
  const valueMatcher = (actual, name, negated, stack) => (...args) => {
    if (values[name](actual, ...args) !== negated) return;
    throw new AssertionError(`expect(received).${negated ? 'not.' : ''}${name}(${args.map(show).join(', ')})\n\nReceived: ${show(actual)}`, stack);
  };

  // chai: `.to.be.true`, `.to.equal(x)`, `.to.not.include(x)`.
  const chai = (actual, negated, stack) => {
    const check = (ok, say) => { if (ok === negated) throw new AssertionError(`expected ${show(actual)} ${negated ? 'not ' : ''}${say}`, stack); };
    const properties = {
      true: [(value) => value === true, 'to be true'], false: [(value) => value === false, 'to be false'], null: [(value) => value === null, 'to be null'],
      undefined: [(value) => value === undefined, 'to be undefined'], ok: [Boolean, 'to be truthy'], exist: [(value) => value !== null && value !== undefined, 'to exist'],
      empty: [(value) => size(value) === 0 || (typeof value === 'object' && value !== null && Object.keys(value).length === 0), 'to be empty'],
    };
    const methods = {
      equal: [(value, other) => value === other, 'to equal'], equals: [(value, other) => value === other, 'to equal'], eql: [equal, 'to deeply equal'],
      include: [values.toContain, 'to include'], contain: [values.toContain, 'to include'], match: [(value, pattern) => pattern.test(value), 'to match'],
      above: [(value, other) => value > other, 'to be above'], below: [(value, other) => value < other, 'to be below'],
      least: [(value, other) => value >= other, 'to be at least'], most: [(value, other) => value <= other, 'to be at most'],
      property: [values.toHaveProperty, 'to have property'], lengthOf: [values.toHaveLength, 'to have length'],
      a: [(value, type) => (type === 'array' ? Array.isArray(value) : typeof value === type), 'to be a'],
    };
    methods.an = methods.a;
    methods.greaterThan = methods.above;
    methods.lessThan = methods.below;
    return new Proxy({}, {
      get: (_, name) => {
        if (name === 'not') return chai(actual, !negated, stack);
        if (name === 'deep') return chaiDeep(actual, negated, stack);
        if (['to', 'be', 'been', 'is', 'that', 'which', 'and', 'has', 'have', 'with', 'at', 'of', 'same', 'does'].includes(name)) return chai(actual, negated, stack);
        if (Object.hasOwn(properties, name)) return check(properties[name][0](actual), properties[name][1]);
        if (Object.hasOwn(methods, name)) return (...args) => check(methods[name][0](actual, ...args), `${methods[name][1]} ${args.map(show).join(', ')}`);
        return undefined;
      },
    });
  };
  const chaiDeep = (actual, negated, stack) => ({
    equal: (other) => { if (equal(actual, other) === negated) throw new AssertionError(`expected ${show(actual)} ${negated ? 'not ' : ''}to deeply equal ${show(other)}`, stack); },
  });

  const matchers = (actual, negated, stack) => new Proxy({}, {
    get: (_, name) => {
      if (name === 'not') return matchers(actual, !negated, stack);
      if (name === 'to') return chai(actual, negated, stack);
      if (name === 'resolves' || name === 'rejects') return settled(actual, name, negated, stack);
      const driven = actual === globalThis.browser || (actual !== null && typeof actual === 'object' && (actual[ELEMENT] || actual.selector !== undefined));
      if (driven && Object.hasOwn(waiting, name)) return waitingMatcher(actual, waiting[name], negated, stack);
      if (Object.hasOwn(values, name)) return valueMatcher(actual, name, negated, stack);
      if (Object.hasOwn(waiting, name)) throw new TypeError(`${name} needs the browser or an element`);
      return undefined;
    },
  });
  const settled = (promise, kind, negated, stack) => new Proxy({}, {
    get: (_, name) => async (...args) => {
      const outcome = await Promise.resolve(typeof promise === 'function' ? promise() : promise).then((value) => ({ resolves: value }), (error) => ({ rejects: error }));
      if (!(kind in outcome)) throw new AssertionError(`expected the promise to be ${kind === 'resolves' ? 'resolved' : 'rejected'}`, stack);
      const value = name.startsWith('toThrow') ? () => { throw outcome[kind]; } : outcome[kind];
      return valueMatcher(value, name, negated, stack)(...args);
    },
  });

  const asymmetric = (asymmetricMatch, negated = false) => ({ asymmetricMatch: (actual) => asymmetricMatch(actual) !== negated });
  const factories = (negated) => ({
    stringContaining: (part) => asymmetric((actual) => typeof actual === 'string' && actual.includes(part), negated),
    stringMatching: (pattern) => asymmetric((actual) => typeof actual === 'string' && (pattern instanceof RegExp ? pattern.test(actual) : actual.includes(pattern)), negated),
    arrayContaining: (items) => asymmetric((actual) => Array.isArray(actual) && items.every((item) => actual.some((own) => equal(own, item))), negated),
    objectContaining: (part) => asymmetric((actual) => matchesObject(actual, part), negated),
  });
  const expect = (actual) => matchers(actual, false, userFrames(new Error().stack));
  Object.assign(expect, factories(false), {
    not: factories(true),
    anything: () => asymmetric((actual) => actual !== null && actual !== undefined),
    any: (type) => asymmetric((actual) => actual instanceof type || Object(actual) instanceof type),
  });
  globalThis.expect = globalThis.expectWdio = expect;
})();
