// `browser.mock(…)`: requests that are counted, answered, changed or refused. The rules live with the connection to the
// browser; what a script gives as a function is asked here.
(own) => {
  const { call, command, poll, host, CommandError } = own;
  const ABORTS = {
    Failed: 'Failed',
    Aborted: 'Aborted',
    TimedOut: 'TimedOut',
    AccessDenied: 'AccessDenied',
    ConnectionClosed: 'ConnectionClosed',
    ConnectionReset: 'ConnectionReset',
    ConnectionRefused: 'ConnectionRefused',
    ConnectionAborted: 'ConnectionAborted',
    ConnectionFailed: 'ConnectionFailed',
    NameNotResolved: 'NameNotResolved',
    InternetDisconnected: 'InternetDisconnected',
    AddressUnreachable: 'AddressUnreachable',
    BlockedByClient: 'BlockedByClient',
    BlockedByResponse: 'BlockedByResponse',
  };
  const mocks = new Set();
  const expression = (value) => (value instanceof RegExp ? { pattern: value.source, flags: value.flags } : value);
  const plain = (name, value) => {
    if (typeof value === 'function')
      throw new CommandError(
        'script',
        `mock: \`${name}\` as a function is not available; give a value or several mocks`,
      );
    return value;
  };
  const record = (value, name) =>
    value === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(plain(name, value)).map(([key, item]) => [key, plain(`${name}.${key}`, item)]),
        );
  const body = (payload) => {
    if (payload === undefined) return undefined;
    const value = plain('body', payload);
    if (typeof value === 'string') return { data: value };
    if (value instanceof Uint8Array) return { data: globalThis.Buffer.from(value).toString('base64'), base64: true };
    return { data: JSON.stringify(value), json: true };
  };

  const entries = (headers) =>
    Object.entries(headers ?? {}).map(([name, value]) => ({ name, value: { type: 'string', value } }));

  class Mock {
    #id;
    constructor(id, url) {
      this.#id = id;
      this.url = url;
      this.isRestored = false;
    }
    // Each call in the form of version 7, and with `request` and `response` as version 9 has it.
    get calls() {
      return JSON.parse(host.mockCalls(this.#id)).map((one) => ({
        ...one,
        request: { url: one.url, method: one.method, headers: entries(one.headers) },
        response: { url: one.url, status: one.statusCode, headers: entries(one.responseHeaders) },
      }));
    }
    #answer(answer, once) {
      if (this.isRestored) throw new CommandError('script', "This can't be done on restored mock");
      return command(() => call('mockAnswer', { id: this.#id, answer, once }));
    }
    #respond(payload, { statusCode, headers, fetchResponse } = {}, once) {
      return this.#answer(
        {
          kind: 'respond',
          body: body(payload),
          status: plain('statusCode', statusCode),
          headers: record(headers, 'headers'),
          fetch: fetchResponse === true,
        },
        once,
      );
    }
    #request({ url, method, headers, body: payload, cookies } = {}, once) {
      if (cookies) throw new CommandError('script', 'mock.request: cookies are not available; give them as a header');
      return this.#answer(
        {
          kind: 'request',
          url: plain('url', url),
          method: plain('method', method),
          headers: record(headers, 'headers'),
          body: body(payload),
        },
        once,
      );
    }
    #abort(reason, once) {
      if (!ABORTS[reason])
        throw new CommandError(
          'script',
          `Invalid value for errorReason: ${reason}, expected one of ${Object.keys(ABORTS).join(', ')}`,
        );
      return this.#answer({ kind: 'abort', reason }, once);
    }
    abort(reason = 'Failed') {
      return this.#abort(reason, false);
    }
    abortOnce(reason = 'Failed') {
      return this.#abort(reason, true);
    }
    respond(payload, options) {
      return this.#respond(payload, options, false);
    }
    respondOnce(payload, options) {
      return this.#respond(payload, options, true);
    }
    request(overwrite) {
      return this.#request(overwrite, false);
    }
    requestOnce(overwrite) {
      return this.#request(overwrite, true);
    }
    redirect(url) {
      return this.#answer({ kind: 'request', url }, false);
    }
    redirectOnce(url) {
      return this.#answer({ kind: 'request', url }, true);
    }
    clear() {
      return command(() => call('mockClear', { id: this.#id }));
    }
    reset() {
      return this.clear();
    }
    restore() {
      this.isRestored = true;
      mocks.delete(this);
      return command(() => call('mockRestore', { id: this.#id }));
    }
    waitForResponse({ timeout, interval, timeoutMsg } = {}) {
      return command(
        () =>
          poll(async () => this.calls.some((one) => one.statusCode !== undefined || one.aborted), {
            timeout,
            interval,
            message: (limit) => timeoutMsg ?? `waitForResponse timed out after ${limit}ms`,
          }),
        { holds: false },
      );
    }
    on() {
      return this;
    }
  }

  own.defineBrowser('mock', async (url, filter = {}) => {
    const { method, requestHeaders, headers = requestHeaders, responseHeaders, statusCode, postData } = filter;
    for (const [name, value] of Object.entries({ method, headers, responseHeaders, statusCode, postData }))
      plain(name, value);
    const text =
      typeof url === 'string' ? url : url instanceof RegExp ? url : url?.pathname ? `*${url.pathname}` : String(url);
    const id = await call('mock', { url: expression(text), method, headers, responseHeaders, statusCode, postData });
    const mock = new Mock(id, url);
    mocks.add(mock);
    return mock;
  });
  own.defineBrowser('mockClearAll', () => call('mockClear', {}));
  own.defineBrowser('mockRestoreAll', async () => {
    for (const mock of mocks) mock.isRestored = true;
    mocks.clear();
    await call('mockRestore', {});
  });
};
