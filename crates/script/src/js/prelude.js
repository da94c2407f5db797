// What every JavaScript environment has and QuickJS lacks: console, timers, process.env.
(() => {
  const host = globalThis.__host;

  const describeValue = (value, depth) => {
    if (typeof value === 'string') return depth === 0 ? value : JSON.stringify(value);
    if (value instanceof Error) return value.stack ? `${value.name}: ${value.message}\n${value.stack}` : `${value.name}: ${value.message}`;
    if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
    if (typeof value !== 'object' || value === null) return String(value);
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return '[object with a cycle]';
    }
  };
  const write = (level) => (...values) => host.log(level, values.map((value) => describeValue(value, 0)).join(' '));
  globalThis.console = {
    log: write('info'), info: write('info'), debug: write('debug'), trace: write('debug'), warn: write('warn'),
    error: write('error'), dir: write('info'), table: write('info'), assert: (ok, ...rest) => ok || write('error')(...rest),
  };

  let nextTimer = 1;
  const timers = new Set();
  const start = (repeat) => (callback, delay = 0, ...args) => {
    const id = nextTimer++;
    timers.add(id);
    const tick = async () => {
      await host.sleep(Math.max(0, Number(delay) || 0));
      if (!timers.has(id)) return;
      if (!repeat) timers.delete(id);
      callback(...args);
      if (repeat) tick();
    };
    tick();
    return id;
  };
  const stop = (id) => timers.delete(id);
  globalThis.setTimeout = start(false);
  globalThis.setInterval = start(true);
  globalThis.setImmediate = (callback, ...args) => globalThis.setTimeout(callback, 0, ...args);
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = stop;

  globalThis.process = {
    env: JSON.parse(host.environment()),
    argv: [], platform: 'linux', version: 'v20.0.0', versions: { node: '20.0.0' }, cwd: () => '/', on: () => {}, nextTick: (fn, ...args) => queueMicrotask(() => fn(...args)),
  };
  globalThis.global = globalThis;
})();
