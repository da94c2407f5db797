// The modules of Node that scripts use, and the packages that the runner itself stands for. Files are those of the
// clone, read only; paths start at its root.
(own) => {
  const { host } = own;
  const node = () => own.library('node');
  const lazily = (make) => {
    let value;
    return () => (value ??= make());
  };
  const absent = (module, what) => () => {
    throw Object.assign(new Error(`${module}.${what} is not available: a monitor script writes no file`), {
      code: 'EROFS',
    });
  };

  const bytesOf = (data, encoding) =>
    typeof data === 'string'
      ? globalThis.Buffer.from(data, encoding)
      : ArrayBuffer.isView(data)
        ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
        : new Uint8Array(data);
  const encoded = (bytes, encoding) => {
    const buffer = globalThis.Buffer.from(bytes);
    return encoding && encoding !== 'buffer' ? buffer.toString(encoding) : buffer;
  };
  class Hash {
    constructor(algorithm, key) {
      this.algorithm = String(algorithm).toLowerCase().replace('-', '');
      this.key = key;
      this.parts = [];
      if (!['md5', 'sha1', 'sha256', 'sha384', 'sha512'].includes(this.algorithm))
        throw new Error(`crypto: hash \`${algorithm}\` is not available; md5, sha1, sha256, sha384 and sha512 are`);
    }
    update(data, encoding) {
      this.parts.push(bytesOf(data, encoding));
      return this;
    }
    digest(encoding) {
      return encoded(
        host.digest(this.algorithm, this.key ?? null, new Uint8Array(globalThis.Buffer.concat(this.parts))),
        encoding,
      );
    }
    copy() {
      const copy = new Hash(this.algorithm, this.key);
      copy.parts = [...this.parts];
      return copy;
    }
  }
  const random = (count) => new Uint8Array(host.randomBytes(count));
  const crypto = lazily(() => {
    const randomUUID = () => {
      const bytes = random(16);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      return globalThis.Buffer.from(bytes)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    };
    const randomBytes = (count, callback) => {
      const bytes = globalThis.Buffer.from(random(count));
      if (!callback) return bytes;
      queueMicrotask(() => callback(null, bytes));
      return undefined;
    };
    const getRandomValues = (array) => {
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(random(array.byteLength));
      return array;
    };
    const randomInt = (low, high) => {
      const [from, to] = high === undefined ? [0, low] : [low, high];
      return from + Math.floor((globalThis.Buffer.from(random(6)).readUIntBE(0, 6) / 2 ** 48) * (to - from));
    };
    const subtle = {
      digest: async (algorithm, data) =>
        new Uint8Array(
          host.digest(
            String(algorithm.name ?? algorithm)
              .toLowerCase()
              .replace('-', ''),
            null,
            bytesOf(data),
          ),
        ).buffer,
    };
    return {
      createHash: (algorithm) => new Hash(algorithm),
      createHmac: (algorithm, key) => new Hash(algorithm, bytesOf(key)),
      randomUUID,
      randomBytes,
      randomInt,
      getRandomValues,
      randomFillSync: getRandomValues,
      pseudoRandomBytes: randomBytes,
      getHashes: () => ['md5', 'sha1', 'sha256', 'sha384', 'sha512'],
      timingSafeEqual: (one, two) => {
        if (one.length !== two.length) throw new RangeError('Input buffers must have the same byte length');
        let different = 0;
        for (let index = 0; index < one.length; index += 1) different |= one[index] ^ two[index];
        return different === 0;
      },
      hash: (algorithm, data, encoding = 'hex') => new Hash(algorithm).update(data).digest(encoding),
      subtle,
      webcrypto: { subtle, getRandomValues, randomUUID },
    };
  });
  own.lazy('crypto', () => crypto().webcrypto);

  const errors = {
    ENOENT: 'no such file or directory',
    EISDIR: 'illegal operation on a directory',
    EACCES: 'permission denied',
  };
  const asked = (operation, path) => {
    const name = path && typeof path === 'object' && path.href ? path.pathname : String(path);
    const answer = host.file(operation, decodeURIComponent(name));
    if (answer.error)
      throw Object.assign(
        new Error(`${answer.error}: ${errors[answer.error] ?? answer.error}, ${operation} '${name}'`),
        { code: answer.error, path: name, syscall: operation },
      );
    return answer;
  };
  const fs = lazily(() => {
    const encodingOf = (options) => (typeof options === 'string' ? options : options?.encoding);
    const statOf = ({ kind, size, modified }) => ({
      size,
      mtimeMs: modified,
      mtime: new Date(modified),
      isFile: () => kind === 'file',
      isDirectory: () => kind === 'directory',
      isSymbolicLink: () => false,
    });
    const sync = {
      readFileSync: (path, options) => encoded(new Uint8Array(asked('open', path).data), encodingOf(options)),
      existsSync: (path) => {
        try {
          asked('stat', path);
          return true;
        } catch {
          return false;
        }
      },
      statSync: (path, options) => {
        try {
          return statOf(asked('stat', path));
        } catch (error) {
          if (options?.throwIfNoEntry === false) return undefined;
          throw error;
        }
      },
      accessSync: (path) => {
        asked('stat', path);
      },
      readdirSync: (path, options) => {
        const { names } = asked('scandir', path);
        return options?.withFileTypes
          ? names.map((name) => ({ name, ...statOf(asked('stat', `${path}/${name}`)) }))
          : names;
      },
      realpathSync: (path) => node().path.resolve('/', String(path)),
    };
    sync.lstatSync = sync.statSync;
    const WRITES = [
      'writeFile',
      'appendFile',
      'mkdir',
      'unlink',
      'rm',
      'rmdir',
      'rename',
      'copyFile',
      'chmod',
      'symlink',
      'truncate',
      'createWriteStream',
      'mkdtemp',
    ];
    const promises = Object.fromEntries(
      Object.entries(sync).map(([name, action]) => [name.replace('Sync', ''), async (...args) => action(...args)]),
    );
    const callbacks = Object.fromEntries(
      Object.entries(promises).map(([name, action]) => [
        name,
        (...args) => {
          const callback = args.pop();
          action(...args).then(
            (value) => callback(null, value),
            (error) => callback(error),
          );
        },
      ]),
    );
    for (const name of WRITES) {
      promises[name] = async () => absent('fs', name)();
      callbacks[name] = absent('fs', name);
      sync[`${name}Sync`] = absent('fs', `${name}Sync`);
    }
    return { ...callbacks, ...sync, promises, constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1 } };
  });

  const util = lazily(() => {
    const { inspect, format, formatWithOptions, stripVTControlCharacters } = node().inspection;
    const custom = Symbol.for('nodejs.util.promisify.custom');
    const promisify = (fn) =>
      fn[custom] ??
      function promised(...args) {
        return new Promise((resolve, reject) => {
          fn.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
        });
      };
    promisify.custom = custom;
    const tag = (value) => Object.prototype.toString.call(value).slice(8, -1);
    const isDeepStrictEqual = (one, two) => {
      try {
        node().assert.deepStrictEqual(one, two);
        return true;
      } catch {
        return false;
      }
    };
    return {
      inspect,
      format,
      formatWithOptions,
      stripVTControlCharacters,
      promisify,
      isDeepStrictEqual,
      TextEncoder,
      TextDecoder,
      callbackify:
        (fn) =>
        (...args) => {
          const callback = args.pop();
          fn(...args).then((value) => callback(null, value), callback);
        },
      inherits: (child, parent) => {
        Object.setPrototypeOf(child.prototype, parent.prototype);
        child.super_ = parent;
      },
      deprecate: (fn) => fn,
      debuglog: () => () => {},
      toUSVString: (text) => String(text).toWellFormed(),
      isArray: Array.isArray,
      isString: (value) => typeof value === 'string',
      isFunction: (value) => typeof value === 'function',
      isRegExp: (value) => tag(value) === 'RegExp',
      isDate: (value) => tag(value) === 'Date',
      isError: (value) => value instanceof Error,
      types: {
        isPromise: (value) => tag(value) === 'Promise',
        isRegExp: (value) => tag(value) === 'RegExp',
        isDate: (value) => tag(value) === 'Date',
        isMap: (value) => tag(value) === 'Map',
        isSet: (value) => tag(value) === 'Set',
        isNativeError: (value) => tag(value) === 'Error',
        isTypedArray: (value) => ArrayBuffer.isView(value) && !(value instanceof DataView),
        isUint8Array: (value) => tag(value) === 'Uint8Array',
        isArrayBuffer: (value) => tag(value) === 'ArrayBuffer',
        isAnyArrayBuffer: (value) => tag(value).endsWith('ArrayBuffer'),
        isAsyncFunction: (value) => tag(value) === 'AsyncFunction',
        isGeneratorFunction: (value) => tag(value) === 'GeneratorFunction',
        isProxy: () => false,
      },
    };
  });
  const url = lazily(() => ({
    URL: globalThis.URL,
    URLSearchParams: globalThis.URLSearchParams,
    fileURLToPath: (value) => decodeURIComponent(new URL(value).pathname),
    pathToFileURL: (path) => new URL(`file://${node().path.resolve('/', path)}`),
    parse: (text, query) => {
      const parsed = new URL(text, 'http://localhost');
      const relative = !/^[a-z]+:/i.test(text);
      return {
        href: text,
        protocol: relative ? null : parsed.protocol,
        host: relative ? null : parsed.host,
        hostname: relative ? null : parsed.hostname,
        port: parsed.port || null,
        pathname: parsed.pathname,
        search: parsed.search || null,
        hash: parsed.hash || null,
        query: query ? Object.fromEntries(parsed.searchParams) : parsed.search.slice(1) || null,
        path: parsed.pathname + parsed.search,
        auth: parsed.username ? `${parsed.username}:${parsed.password}` : null,
      };
    },
    format: (value) =>
      typeof value === 'string'
        ? value
        : (value.href ??
          `${value.protocol ?? 'http:'}//${value.host ?? value.hostname}${value.pathname ?? ''}${value.search ?? ''}${value.hash ?? ''}`),
    resolve: (base, path) => new URL(path, base).href,
  }));
  const querystring = lazily(() => ({
    parse: (text) => {
      const parsed = {};
      for (const [key, value] of new URLSearchParams(text))
        parsed[key] = key in parsed ? [parsed[key], value].flat() : value;
      return parsed;
    },
    stringify: (object) =>
      Object.entries(object)
        .flatMap(([key, value]) => [value].flat().map((one) => `${encodeURIComponent(key)}=${encodeURIComponent(one)}`))
        .join('&'),
    escape: encodeURIComponent,
    unescape: decodeURIComponent,
  }));
  const promisedTimers = {
    setTimeout: (delay, value) =>
      new Promise((resolve) => {
        setTimeout(resolve, delay, value);
      }),
    setImmediate: (value) =>
      new Promise((resolve) => {
        setImmediate(resolve, value);
      }),
    scheduler: {
      wait: (delay) =>
        new Promise((resolve) => {
          setTimeout(resolve, delay);
        }),
    },
  };
  const wdio = () => ({
    browser: own.browserProxy,
    driver: own.browserProxy,
    $: globalThis.$,
    $$: globalThis.$$,
    expect: globalThis.expect,
    multiremotebrowser: undefined,
  });
  const available = {
    assert: () => node().assert,
    'assert/strict': () => node().assert.strict,
    buffer: () => ({ Buffer: globalThis.Buffer, constants: { MAX_LENGTH: 2 ** 31 - 1 }, kMaxLength: 2 ** 31 - 1 }),
    console: () => globalThis.console,
    crypto,
    events: () => Object.assign(node().EventEmitter, { EventEmitter: node().EventEmitter }),
    fs,
    'fs/promises': () => fs().promises,
    path: () => node().path,
    'path/posix': () => node().path,
    process: () => globalThis.process,
    querystring,
    timers: () => ({
      setTimeout,
      setInterval,
      setImmediate,
      clearTimeout,
      clearInterval,
      clearImmediate,
      promises: promisedTimers,
    }),
    'timers/promises': () => promisedTimers,
    url,
    util,
    'util/types': () => util().types,
    os: () => ({
      EOL: '\n',
      platform: () => 'linux',
      type: () => 'Linux',
      arch: () => 'x64',
      hostname: () => 'localhost',
      tmpdir: () => '/tmp',
      homedir: () => '/',
      cpus: () => [],
      totalmem: () => 0,
      freemem: () => 0,
      release: () => '',
      userInfo: () => ({ username: '' }),
    }),
    perf_hooks: () => ({ performance: globalThis.performance }),
    module: () => ({
      builtinModules: Object.keys(available),
      createRequire: (base) => (name) =>
        globalThis.__require(
          String(base)
            .replace(/^file:\/\//, '')
            .replace(/^\//, ''),
          name,
        ),
    }),
    constants: () => ({}),
    'graceful-fs': fs,
    string_decoder: () => ({
      StringDecoder: class {
        constructor(encoding = 'utf8') {
          this.encoding = encoding;
        }
        write(data) {
          return globalThis.Buffer.from(data).toString(this.encoding);
        }
        end(data) {
          return data ? this.write(data) : '';
        }
      },
    }),
    '@wdio/globals': wdio,
    webdriverio: () => ({
      ...wdio(),
      Key: own.Key,
      remote: absentRemote,
      attach: absentRemote,
      multiremote: absentRemote,
      SevereServiceError: Error,
    }),
    'expect-webdriverio': () => ({
      expect: globalThis.expect,
      setOptions: own.expectOptions,
      setDefaultOptions: own.expectOptions,
      matchers: new Map(),
    }),
    chai: () => own.library('chai'),
    mocha: () => own.mocha,
    '@wdio/logger': () =>
      Object.assign(
        (name) =>
          Object.fromEntries(
            ['trace', 'debug', 'info', 'warn', 'error'].map((level) => [
              level,
              (...values) => globalThis.console[level === 'trace' ? 'debug' : level](`${name}:`, ...values),
            ]),
          ),
        { setLevel: () => {} },
      ),
  };
  const absentRemote = () => {
    throw new Error('webdriverio.remote is not available: the runner has opened the browser; use the global `browser`');
  };
  const loaded = new Map();
  // The module of that name; undefined when there is none.
  own.builtin = (given) => {
    const name = given.replace(/^node:/, '');
    if (!Object.hasOwn(available, name)) return undefined;
    if (!loaded.has(name)) loaded.set(name, available[name]());
    return loaded.get(name);
  };
  // Names that may be imported of a module; what the library bundles ask for as well.
  const exportNames = (value) => {
    const names = new Set();
    for (
      let object = value;
      object && object !== Object.prototype && object !== Function.prototype;
      object = Object.getPrototypeOf(object)
    )
      for (const name of Object.getOwnPropertyNames(object)) names.add(name);
    return JSON.stringify(
      [...names].filter(
        (name) =>
          /^[A-Za-z_$][\w$]*$/.test(name) &&
          name !== 'default' &&
          !['length', 'name', 'prototype', 'arguments', 'caller', 'constructor'].includes(name),
      ),
    );
  };
  Object.defineProperty(globalThis, '__builtin', { value: own.builtin });
  Object.defineProperty(globalThis, '__exportNames', { value: exportNames });
};
