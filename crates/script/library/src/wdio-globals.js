export const browser = new Proxy(
  {},
  { get: (_, name) => globalThis.browser[name], has: (_, name) => name in globalThis.browser },
);
export const $ = (...selector) => globalThis.$(...selector);
export const $$ = (...selector) => globalThis.$$(...selector);
export const expect = (...actual) => globalThis.expect(...actual);
