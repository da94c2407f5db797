// `fetch`, as Node has it, to the hosts that the monitor allows. A redirect to another host is refused by the browser's
// side, which carries it out.
(own) => {
  const { call } = own;
  class Headers {
    #entries = new Map();
    constructor(given = []) {
      const pairs = given instanceof Headers ? given : Array.isArray(given) ? given : Object.entries(given ?? {});
      for (const [name, value] of pairs) this.append(name, value);
    }
    append(name, value) {
      const key = String(name).toLowerCase();
      this.#entries.set(key, this.#entries.has(key) ? `${this.#entries.get(key)}, ${value}` : String(value));
    }
    set(name, value) {
      this.#entries.set(String(name).toLowerCase(), String(value));
    }
    get(name) {
      return this.#entries.get(String(name).toLowerCase()) ?? null;
    }
    has(name) {
      return this.#entries.has(String(name).toLowerCase());
    }
    delete(name) {
      this.#entries.delete(String(name).toLowerCase());
    }
    forEach(callback) {
      for (const [name, value] of this.#entries) callback(value, name, this);
    }
    entries() {
      return this.#entries.entries();
    }
    keys() {
      return this.#entries.keys();
    }
    values() {
      return this.#entries.values();
    }
    [Symbol.iterator]() {
      return this.#entries.entries();
    }
  }
  class Response {
    #body;
    constructor({ url, status, statusText, headers, body }) {
      this.url = url;
      this.status = status;
      this.statusText = statusText;
      this.headers = new Headers(headers);
      this.ok = status >= 200 && status < 300;
      this.redirected = false;
      this.bodyUsed = false;
      this.#body = body;
    }
    #bytes() {
      if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read');
      this.bodyUsed = true;
      return globalThis.Buffer.from(this.#body, 'base64');
    }
    async text() {
      return this.#bytes().toString();
    }
    async json() {
      return JSON.parse(this.#bytes().toString());
    }
    async bytes() {
      return new Uint8Array(this.#bytes());
    }
    async arrayBuffer() {
      return new Uint8Array(this.#bytes()).buffer;
    }
  }
  globalThis.Headers = Headers;
  globalThis.Response = Response;
  globalThis.fetch = (address, { method, headers, body, signal } = {}) =>
    own.watch(
      (async () => {
        signal?.throwIfAborted?.();
        const sent = new Headers(headers);
        let bytes;
        if (body instanceof globalThis.URLSearchParams) {
          if (!sent.has('content-type')) sent.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
          bytes = globalThis.Buffer.from(String(body));
        } else if (body !== undefined && body !== null) {
          if (typeof body === 'string' && !sent.has('content-type'))
            sent.set('content-type', 'text/plain;charset=UTF-8');
          bytes = globalThis.Buffer.from(body);
        }
        const url = String(address?.href ?? address);
        const answer = await call('fetch', { url, method, headers: [...sent], body: bytes?.toString('base64') });
        return new Response(answer);
      })(),
    );
};
