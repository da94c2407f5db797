// How commands run. In the async style they are put into a queue, so that they run in the order they were issued in,
// awaited or not; in the blocking style a command returns when it is done.
(own) => {
  const { host, style } = own;
  const { parse, stringify } = JSON;
  const blocking = style === 'blocking';
  let last = Promise.resolve();
  let stray = null;
  // Commands issued by a custom command's own code must not wait for it: they run inside it.
  let nested = 0;
  const pending = new Set();

  const isOurs = (line) =>
    line.includes('(canarytrace:') || line.includes('at canarytrace:') || line.includes('(native)');
  const userFrames = (stack) =>
    String(stack ?? '')
      .split('\n')
      .filter((line) => line.trim().startsWith('at ') && !isOurs(line))
      .join('\n');

  // `kind` tells the judge whose fault it is: element, timeout, navigation, browser, script.
  class CommandError extends Error {
    constructor(kind, message, name = 'Error') {
      super(message);
      this.kind = kind;
      this.name = name;
    }
  }
  Object.defineProperty(CommandError.prototype, 'constructor', { value: Error });

  const answered = (text) => {
    const answer = parse(text);
    if (answer.error)
      throw Object.assign(
        new CommandError(answer.error.kind, answer.error.message, answer.error.name),
        answer.error.code ? { code: answer.error.code } : {},
      );
    return answer.value;
  };
  // One request to the side that owns the browser.
  const call = async (name, args) => {
    if (own.sessionDeleted) throw own.sessionIsGone(name, args);
    const given = stringify(args ?? {});
    const told = own.tellOfCommand?.(name, args);
    const text = blocking ? host.commandNow(name, given) : await host.command(name, given);
    own.deliverEvents?.();
    own.tellOfCalls?.();
    if (told) own.browser.emit('result', { ...told, result: parse(text) });
    return answered(text);
  };

  const withPlace = (error, stack) => {
    if (error instanceof Error && !userFrames(error.stack)) {
      try {
        error.stack = stack;
      } catch {
        /* a frozen error keeps its own */
      }
    }
    return error;
  };

  // Runs jobs and timers until a promise is settled: how a blocking command waits.
  const block = (promise) => {
    let state = 0;
    let value;
    Promise.resolve(promise).then(
      (result) => {
        state = 1;
        value = result;
      },
      (error) => {
        state = 2;
        value = error;
      },
    );
    while (state === 0) {
      if (host.runJob()) continue;
      if (own.timers.fire()) continue;
      const next = own.timers.next();
      if (next === undefined) throw new CommandError('script', 'this waits for a promise that nothing can settle');
      host.sleepNow(Math.max(0, next - Date.now()));
    }
    if (state === 2) throw value;
    return value;
  };

  const track = (promise, stack) => {
    pending.add(promise);
    let handled = false;
    const done = () => pending.delete(promise);
    promise.then(done, (error) => {
      done();
      if (!handled) stray ??= withPlace(error, stack);
    });
    const seen = (promised) => {
      handled = true;
      return promised;
    };
    return {
      then: (resolve, reject) => seen(promise.then(resolve, reject)),
      catch: (reject) => seen(promise.catch(reject)),
      finally: (callback) => seen(promise.finally(callback)),
      [Symbol.toStringTag]: 'Promise',
    };
  };

  // `holds`: what is issued later waits for it. `issues`: it runs code of the script that issues commands itself.
  const command = (action, { holds = true, issues = false } = {}) => {
    const stack = userFrames(new Error().stack);
    if (blocking) {
      try {
        return block(action());
      } catch (error) {
        throw withPlace(error, stack);
      }
    }
    const run = async () => {
      if (issues) nested += 1;
      try {
        return await action();
      } catch (error) {
        throw withPlace(error, stack);
      } finally {
        if (issues) nested -= 1;
      }
    };
    const promise = nested > 0 ? run() : last.then(run, run);
    if (nested === 0 && holds) last = promise.catch(() => {});
    return track(promise, stack);
  };
  // A promise that the script may leave alone: it is waited for before the step ends.
  const watch = (promise) => (blocking ? block(promise) : track(promise, userFrames(new Error().stack)));

  // Waits for everything that was issued; answers the error nobody looked at.
  const settle = async () => {
    while (pending.size > 0) {
      await Promise.allSettled([...pending]);
      await null;
    }
    const error = stray;
    stray = null;
    return error;
  };

  const sleep = (milliseconds) =>
    new Promise((resolve) => {
      own.timers.start(resolve, Math.max(0, Number(milliseconds) || 0), false, []);
    });
  // Polls `check` until it answers true; answers what it answered.
  const poll = async (check, { timeout, interval, message }) => {
    const { waitforTimeout, waitforInterval } = own.options;
    const limit = typeof timeout === 'number' ? timeout : waitforTimeout;
    const pause = typeof interval === 'number' ? interval : waitforInterval;
    const end = Date.now() + limit;
    for (;;) {
      const answer = await check();
      if (answer) return answer;
      if (Date.now() >= end)
        throw Object.assign(new CommandError('timeout', message(limit)), { code: 'WAIT_UNTIL_TIMEOUT' });
      await sleep(Math.min(pause, Math.max(0, end - Date.now())));
    }
  };

  Object.assign(own, {
    blocking,
    call,
    command,
    watch,
    block,
    settle,
    sleep,
    poll,
    CommandError,
    userFrames,
    withPlace,
  });
};
