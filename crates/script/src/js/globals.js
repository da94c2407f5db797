// What every JavaScript environment has and QuickJS lacks. What needs a library is loaded when it is first touched.
(own) => {
  const { host } = own;
  const libraries = new Map();
  // While the library that provides a global is evaluated, the global is not there yet.
  const loading = new Set();
  own.library = (name) => {
    if (!libraries.has(name)) {
      loading.add(name);
      try {
        libraries.set(name, host.library(name));
      } finally {
        loading.delete(name);
      }
    }
    return libraries.get(name);
  };
  own.line = (text) => host.line(text);
  // A global that is made when it is first used, and that a script may replace.
  own.lazy = (name, make, target = globalThis) => {
    Object.defineProperty(target, name, {
      configurable: true,
      enumerable: false,
      get() {
        if (loading.has('node')) return undefined;
        const value = make();
        Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
        return value;
      },
      set(value) {
        Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable: false });
      },
    });
  };
  const node = (name) => () => own.library('node')[name];
  own.inspect = (value, options) => own.library('node').inspection.inspect(value, { depth: 2, ...options });
  own.format = (...values) =>
    values.every((value) => typeof value === 'string') && !(values.length > 1 && values[0].includes('%'))
      ? values.join(' ')
      : own.library('node').inspection.format(...values);

  let indent = '';
  const write =
    (level) =>
    (...values) => {
      const text = own.format(...values);
      host.log(
        level,
        indent
          ? text
              .split('\n')
              .map((line) => indent + line)
              .join('\n')
          : text,
      );
    };
  const counts = new Map();
  const started = new Map();
  globalThis.console = {
    log: write('info'),
    info: write('info'),
    debug: write('debug'),
    warn: write('warn'),
    error: write('error'),
    dir: (value, options) => host.log('info', own.inspect(value, options)),
    trace: (...values) => host.log('error', `Trace: ${own.format(...values)}\n${own.userFrames(new Error().stack)}`),
    assert: (ok, ...rest) => {
      if (!ok) write('error')(rest.length ? `Assertion failed: ${own.format(...rest)}` : 'Assertion failed');
    },
    table: (rows, columns) =>
      write('info')(
        own
          .library('node')
          .inspection.inspect(
            columns ? rows.map((row) => Object.fromEntries(columns.map((name) => [name, row[name]]))) : rows,
          ),
      ),
    group: (...values) => {
      if (values.length) write('info')(...values);
      indent += '  ';
    },
    groupEnd: () => {
      indent = indent.slice(2);
    },
    count: (name = 'default') => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      write('info')(`${name}: ${counts.get(name)}`);
    },
    countReset: (name = 'default') => {
      counts.delete(name);
    },
    time: (name = 'default') => {
      started.set(name, Date.now());
    },
    timeLog: (name = 'default', ...rest) =>
      write('info')(`${name}: ${Date.now() - (started.get(name) ?? Date.now())}ms`, ...rest),
    timeEnd: (name = 'default') => {
      globalThis.console.timeLog(name);
      started.delete(name);
    },
  };
  globalThis.console.groupCollapsed = globalThis.console.group;

  const begun = Date.now();
  const env = JSON.parse(host.environment());
  const refuse = (what) => () => {
    throw new Error(`process.${what} is not available: a monitor script starts and ends no process`);
  };
  globalThis.process = {
    env,
    argv: ['node', 'canarytrace'],
    execArgv: [],
    platform: 'linux',
    arch: 'x64',
    pid: 1,
    title: 'canarytrace',
    version: 'v20.0.0',
    versions: { node: '20.0.0' },
    exitCode: undefined,
    cwd: () => '/',
    uptime: () => (Date.now() - begun) / 1000,
    hrtime: Object.assign(
      (since) => {
        const now = Date.now() - begun;
        const [seconds, nanoseconds] = since ?? [0, 0];
        const all = now * 1e6 - (seconds * 1e9 + nanoseconds);
        return [Math.floor(all / 1e9), all % 1e9];
      },
      { bigint: () => BigInt(Date.now() - begun) * 1_000_000n },
    ),
    memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0 }), { rss: () => 0 }),
    nextTick: (callback, ...args) => queueMicrotask(() => callback(...args)),
    emitWarning: (warning) => globalThis.console.warn(`Warning: ${warning?.message ?? warning}`),
    on() {
      return this;
    },
    once() {
      return this;
    },
    off() {
      return this;
    },
    removeListener() {
      return this;
    },
    emit: () => false,
    stdout: {
      write: (text) => {
        host.log('info', String(text).replace(/\n$/, ''));
        return true;
      },
      isTTY: false,
      columns: 80,
    },
    stderr: {
      write: (text) => {
        host.log('error', String(text).replace(/\n$/, ''));
        return true;
      },
      isTTY: false,
      columns: 80,
    },
    exit: refuse('exit'),
    kill: refuse('kill'),
    abort: refuse('abort'),
    chdir: refuse('chdir'),
    release: { name: 'node' },
    features: {},
  };
  globalThis.global = globalThis;

  for (const name of ['Buffer', 'AbortController', 'AbortSignal']) own.lazy(name, node(name));
  // core-js defines these when its bundle runs.
  for (const name of ['URL', 'URLSearchParams', 'structuredClone'])
    own.lazy(name, () => {
      delete globalThis[name];
      own.library('node');
      return globalThis[name];
    });
  // The languages are loaded when a script first formats for one; the engine itself knows none.
  const speak = () => {
    delete globalThis.Intl;
    own.library('intl');
    return globalThis.Intl;
  };
  own.lazy('Intl', speak);
  for (const [prototype, names] of [
    [Number.prototype, ['toLocaleString']],
    [Date.prototype, ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString']],
  ])
    for (const name of names)
      Object.defineProperty(prototype, name, {
        configurable: true,
        writable: true,
        value(...args) {
          // Loading it puts the real one in this place.
          void globalThis.Intl;
          return prototype[name].apply(this, args);
        },
      });
  globalThis.TextEncoder = class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text = '') {
      return new Uint8Array(host.encodeText(String(text)));
    }
    encodeInto(text, target) {
      const bytes = this.encode(text).subarray(0, target.length);
      target.set(bytes);
      return { read: text.length, written: bytes.length };
    }
  };
  globalThis.TextDecoder = class TextDecoder {
    #options;
    constructor(encoding = 'utf-8', options = {}) {
      if (!/^(utf-?8|unicode-1-1-utf-8|latin1|iso-8859-1|windows-1252|ascii|us-ascii)$/i.test(encoding))
        throw new RangeError(`The "${encoding}" encoding is not supported`);
      this.encoding = /utf/i.test(encoding) ? 'utf-8' : 'windows-1252';
      this.#options = options;
    }
    get fatal() {
      return Boolean(this.#options.fatal);
    }
    decode(data = new Uint8Array()) {
      const bytes =
        data instanceof ArrayBuffer
          ? new Uint8Array(data)
          : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      if (this.encoding !== 'utf-8') return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
      const text = host.decodeText(bytes, this.fatal);
      if (text === null) throw new TypeError('The encoded data was not valid for encoding utf-8');
      return text;
    }
  };
  const unsupported = (name, why) =>
    own.lazy(name, () => {
      throw new Error(`${name} is not available: ${why}`);
    });
  unsupported('WebAssembly', 'the script engine runs JavaScript only');
  unsupported('Worker', 'a monitor script has one thread');
  delete globalThis.WebAssembly;
  delete globalThis.Worker;
};
