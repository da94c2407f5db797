// What a script of the page answers, beyond JSON: whatever is more than a plain text, number, boolean or null travels as
// `{ type, value }`, as BiDi writes its values, and is made again here.
(own) => {
  // Runs in the page.
  const encode = (value, depth = 0) => {
    const typed = (type, content) => ({ type, value: content });
    if (value === undefined) return typed('undefined');
    if (typeof value === 'bigint') return typed('bigint', String(value));
    if (typeof value === 'number')
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : typed('number', Object.is(value, -0) ? '-0' : String(value));
    if (value === null || typeof value !== 'object') return value;
    // What is nested deeper, or in a circle, is refused by the driver in its own words.
    if (depth > 50) return typed('other', value);
    const each = (items) => Array.from(items, (item) => encode(item, depth + 1));
    if (Array.isArray(value)) return typed('array', each(value));
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind === 'Date') return typed('date', Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString());
    if (kind === 'RegExp') return typed('regexp', { pattern: value.source, flags: value.flags });
    if (kind === 'Map') return typed('map', Array.from(value, each));
    if (kind === 'Set') return typed('set', each(value));
    const prototype = Object.getPrototypeOf(value);
    const isPlain = kind === 'Object' && (prototype === null || prototype === Object.prototype);
    // The driver sorts the members of an object.
    return isPlain && typeof value.toJSON !== 'function'
      ? typed('object', Object.entries(value).map(each))
      : typed('other', value);
  };
  const makers = {
    undefined: () => undefined,
    null: () => null,
    bigint: (value) => BigInt(value),
    number: (value) => Number(value),
    date: (value) => new Date(value),
    regexp: ({ pattern, flags }) => new RegExp(pattern, flags),
    array: (value) => value.map(decode),
    set: (value) => new Set(value.map(decode)),
    map: (value) => new Map(value.map((pair) => pair.map(decode))),
    object: (value) => Object.fromEntries((value ?? []).map((pair) => pair.map(decode))),
  };
  const decode = (item) => {
    if (item === null || typeof item !== 'object') return item;
    return Object.hasOwn(makers, item.type) ? makers[item.type](item.value) : item.value;
  };
  // The script's own code comes first: that is what a log of commands shows. Its names are its page's.
  const MARK = '__canarytraceMark';
  const encoder = `function ${MARK}(value) { const encode = ${encode}; return value && typeof value.then === 'function' ? value.then((result) => encode(result)) : encode(value); }`;
  own.results = {
    // The body of a script whose answer is `decode`d.
    marking: (body) => `return ${MARK}((function () { ${body}\n }).apply(this, arguments)); ${encoder}`,
    markingCallback: (body) =>
      `return (function () { ${body}\n }).apply(this, [...Array.prototype.slice.call(arguments, 0, -1), ` +
      `(value) => arguments[arguments.length - 1](${MARK}(value))]); ${encoder}`,
    decode,
  };
};
