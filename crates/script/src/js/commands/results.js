// What a script of the page answers, beyond JSON: undefined, NaN, dates, maps and the like are marked in the page and made
// again here.
(own) => {
  const MARK = 'canarytrace-value';
  // Runs in the page.
  const encode = (value, mark, depth = 0) => {
    const marked = (kind, content) => ({ [mark]: kind, content });
    if (value === undefined) return marked('undefined');
    if (typeof value === 'bigint') return marked('bigint', String(value));
    if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : marked('number', Object.is(value, -0) ? '-0' : String(value));
    // What is nested deeper, or in a circle, is refused by the driver in its own words.
    if (value === null || typeof value !== 'object' || depth > 50) return value;
    const each = (items) => Array.from(items, (item) => encode(item, mark, depth + 1));
    if (Array.isArray(value)) return each(value);
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind === 'Date') return marked('date', Number.isNaN(value.getTime()) ? null : value.toISOString());
    if (kind === 'RegExp') return marked('regexp', [value.source, value.flags]);
    if (kind === 'Map')
      return marked(
        'map',
        Array.from(value, (pair) => each(pair)),
      );
    if (kind === 'Set') return marked('set', each(value));
    const prototype = Object.getPrototypeOf(value);
    if (
      kind !== 'Object' ||
      (prototype !== null && prototype !== Object.prototype) ||
      typeof value.toJSON === 'function'
    )
      return value;
    // The driver sorts the members of an object.
    return marked(
      'object',
      Object.entries(value).map(([key, item]) => [key, encode(item, mark, depth + 1)]),
    );
  };
  const makers = {
    undefined: () => undefined,
    bigint: (content) => BigInt(content),
    number: (content) => Number(content),
    date: (content) => new Date(content ?? Number.NaN),
    regexp: ([source, flags]) => new RegExp(source, flags),
    object: (content) => Object.fromEntries(content.map(([key, item]) => [key, decode(item)])),
    map: (content) => new Map(content.map((pair) => pair.map(decode))),
    set: (content) => new Set(content.map(decode)),
  };
  const decode = (value) => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(decode);
    if (typeof value[MARK] === 'string' && Object.hasOwn(makers, value[MARK]))
      return makers[value[MARK]](value.content);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decode(item)]));
  };
  // The script's own code comes first: that is what a log of commands shows.
  const encoder = `function mark(value) { const encode = ${encode}; return encode(value, '${MARK}'); }`;
  own.results = {
    // The body of a script whose answer is `decode`d.
    marking: (body) =>
      `const value = (function () { ${body}\n }).apply(this, arguments); ` +
      `return value && typeof value.then === 'function' ? value.then(mark) : mark(value); ${encoder}`,
    markingCallback: (body) =>
      `return (function () { ${body}\n }).apply(this, [...Array.prototype.slice.call(arguments, 0, -1), ` +
      `(value) => arguments[arguments.length - 1](mark(value))]); ${encoder}`,
    decode,
  };
};
