// setTimeout and its kin. In the blocking style nobody polls the host's futures, so timers are kept here and fired by
// whoever waits.
(own) => {
  const { host, style } = own;
  const blocking = style === 'blocking';
  const timers = new Map();
  let nextId = 1;

  class Timeout {
    constructor(id) {
      this.id = id;
    }
    ref() {
      return this;
    }
    unref() {
      return this;
    }
    hasRef() {
      return true;
    }
    refresh() {
      return this;
    }
    close() {
      timers.delete(this.id);
      return this;
    }
    [Symbol.toPrimitive]() {
      return this.id;
    }
  }

  const fire = (timer) => {
    if (!timers.has(timer.id)) return;
    if (timer.repeat) timer.due = Date.now() + timer.delay;
    else timers.delete(timer.id);
    try {
      timer.callback(...timer.args);
    } catch (error) {
      own.uncaught(error);
    }
    if (timer.repeat && !blocking) wait(timer);
  };
  const wait = async (timer) => {
    await host.sleep(timer.delay);
    fire(timer);
  };
  const start = (callback, delay, repeat, args) => {
    if (typeof callback !== 'function')
      throw new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`);
    const milliseconds = Math.min(Math.max(repeat ? 1 : 0, Number(delay) || 0), 2 ** 31 - 1);
    const timer = { id: nextId++, callback, delay: milliseconds, due: Date.now() + milliseconds, repeat, args };
    timers.set(timer.id, timer);
    if (!blocking) wait(timer);
    return new Timeout(timer.id);
  };
  const stop = (timeout) => {
    timers.delete(Number(timeout));
  };

  own.timers = {
    start,
    // Runs the first timer that is due; whether there was one.
    fire: () => {
      const now = Date.now();
      let due;
      for (const timer of timers.values()) if (timer.due <= now && (!due || timer.due < due.due)) due = timer;
      if (due) fire(due);
      return Boolean(due);
    },
    next: () => {
      let next;
      for (const timer of timers.values()) if (next === undefined || timer.due < next) next = timer.due;
      return next;
    },
  };
  let uncaught = null;
  own.uncaught = (error) => {
    uncaught ??= error;
  };
  own.takeUncaught = () => {
    const error = uncaught;
    uncaught = null;
    return error;
  };

  globalThis.setTimeout = (callback, delay, ...args) => start(callback, delay, false, args);
  globalThis.setInterval = (callback, delay, ...args) => start(callback, delay, true, args);
  globalThis.setImmediate = (callback, ...args) => start(callback, 0, false, args);
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = stop;
};
