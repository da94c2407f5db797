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
      throw new CommandError('script', `mock: \`${name}\` is a function within a value; give a function of the whole`);
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

  // What a script works out itself while the request waits: functions by the token of their answer.
  const asked = new Map();
  let listening = false;
  const listen = async () => {
    for (;;) {
      const { id, token, call: facts } = JSON.parse(await host.mockAsked());
      let answer = null;
      try {
        answer = await asked.get(token)?.(seen(facts));
      } catch (error) {
        // The request goes its way, and the step that waits for its answer is told why.
        own.uncaught(error);
      }
      host.mockReply(id, JSON.stringify(answer ?? null));
    }
  };
  const ask = (decide, fetch) => {
    if (own.blocking)
      throw new CommandError('script', 'mock: functions need the asynchronous style; give a value instead');
    const token = asked.size + 1;
    asked.set(token, decide);
    if (!listening) {
      listening = true;
      listen();
    }
    return { kind: 'ask', token, fetch };
  };
  const isAsked = (...values) => values.some((value) => typeof value === 'function');
  const worked = async (value, facts) => (typeof value === 'function' ? value(facts) : value);

  const entries = (headers) =>
    Object.entries(headers ?? {}).map(([name, value]) => ({ name, value: { type: 'string', value } }));

  const seen = (one) => ({
    ...one,
    request: { url: one.url, method: one.method, headers: entries(one.headers) },
    response: { url: one.url, status: one.statusCode, headers: entries(one.responseHeaders) },
  });
  const response = (payload, statusCode, headers, fetchResponse) => ({
    kind: 'respond',
    body: body(payload),
    status: statusCode,
    headers: record(headers, 'headers'),
    fetch: fetchResponse === true,
  });
  const changed = (url, method, headers, payload) => ({
    kind: 'request',
    url,
    method,
    headers: record(headers, 'headers'),
    body: body(payload),
  });

  // Cookies leave as a header; each may be a text or an object.
  const withCookies = (headers, cookies) => {
    const list = Array.isArray(cookies) ? cookies : [cookies];
    const cookie = list.map((one) => (typeof one === 'string' ? one : `${one.name}=${one.value}`)).join('; ');
    return typeof headers === 'function'
      ? async (facts) => ({ ...(await headers(facts)), cookie })
      : { ...headers, cookie };
  };

  class Mock {
    #id;
    #listeners = new Map();
    #told = 0;
    constructor(id, url) {
      this.#id = id;
      this.url = url;
      this.isRestored = false;
    }
    // Each call in the form of version 7, and with `request` and `response` as version 9 has it.
    get calls() {
      return JSON.parse(host.mockCalls(this.#id)).map(seen);
    }
    #answer(answer, once) {
      if (this.isRestored) throw new CommandError('script', "This can't be done on restored mock");
      return command(() => call('mockAnswer', { id: this.#id, answer, once }));
    }
    #respond(payload, { statusCode, headers, fetchResponse } = {}, once) {
      const answer = isAsked(payload, statusCode, headers)
        ? ask(
            async (facts) =>
              response(await worked(payload, facts), await worked(statusCode, facts), await worked(headers, facts)),
            fetchResponse === true,
          )
        : response(payload, statusCode, headers, fetchResponse);
      return this.#answer(answer, once);
    }
    #request({ url, method, headers: given, body: payload, cookies } = {}, once) {
      const headers = cookies ? withCookies(given, cookies) : given;
      const answer = isAsked(url, method, headers, payload)
        ? ask(
            async (facts) =>
              changed(
                await worked(url, facts),
                await worked(method, facts),
                await worked(headers, facts),
                await worked(payload, facts),
              ),
            false,
          )
        : changed(url, method, headers, payload);
      return this.#answer(answer, once);
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
    // `request` is told of each call, then `continue`, `overwrite` or `fail`; between two commands.
    on(event, listener) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
      own.tellOfCalls = tellOfCalls;
      return this;
    }
    tell() {
      if (this.#listeners.size === 0) return;
      const calls = this.calls;
      // They were cleared meanwhile.
      if (calls.length < this.#told) this.#told = 0;
      for (const one of calls.slice(this.#told)) {
        this.#told += 1;
        const became = one.aborted ? 'fail' : one.overwritten ? 'overwrite' : 'continue';
        for (const event of ['request', became]) for (const listener of this.#listeners.get(event) ?? []) listener(one);
      }
    }
  }
  const tellOfCalls = () => {
    try {
      for (const mock of mocks) mock.tell();
    } catch (error) {
      own.uncaught(error);
    }
  };

  // A filter's functions are asked while the request waits; those about the response once it is there.
  const OF_RESPONSE = new Set(['responseHeaders', 'statusCode']);
  const judge = (functions) => {
    const given = (facts) => ({
      method: facts.method,
      headers: facts.headers,
      postData: facts.postData,
      statusCode: facts.statusCode,
      responseHeaders: facts.responseHeaders ?? {},
    });
    return async (facts) => {
      for (const [name, fits] of functions) {
        if (OF_RESPONSE.has(name) && facts.statusCode === undefined) continue;
        if (!(await fits(given(facts)[name]))) return null;
      }
      return { kind: 'matches' };
    };
  };
  own.defineBrowser('mock', async (url, filter = {}) => {
    const { method, requestHeaders, headers = requestHeaders, responseHeaders, statusCode, postData } = filter;
    const given = Object.entries({ method, headers, responseHeaders, statusCode, postData });
    const functions = given.filter(([, value]) => typeof value === 'function');
    const values = Object.fromEntries(given.filter(([, value]) => typeof value !== 'function'));
    const asks = functions.length > 0 ? { token: ask(judge(functions), false).token } : {};
    const needsResponse = functions.some(([name]) => OF_RESPONSE.has(name));
    const text =
      typeof url === 'string' ? url : url instanceof RegExp ? url : url?.pathname ? `*${url.pathname}` : String(url);
    const id = await call('mock', { url: expression(text), ...values, ...asks, needsResponse });
    const mock = new Mock(id, url);
    mocks.add(mock);
    return mock;
  });
  own.defineBrowser('mockClearAll', () => call('mockClear', {}));
  own.forgetMocks = () => {
    for (const mock of mocks) mock.isRestored = true;
    mocks.clear();
  };
  own.defineBrowser('mockRestoreAll', async () => {
    own.forgetMocks();
    await call('mockRestore', {});
  });
};
