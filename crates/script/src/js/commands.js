// The queue of commands: issued in order, whether awaited or not, with the place in the script they were issued at.
(() => {
  const host = globalThis.__host;
  let last = Promise.resolve();
  let stray = null;
  // Commands issued by the code of another one (a condition of waitUntil, a custom command, an expectation) must not wait
  // for it: they run inside it.
  let nested = 0;

  const userFrames = (stack) => (stack ?? '').split('\n').filter((line) => line && !line.includes('(canarytrace:') && !line.includes('at canarytrace:')).join('\n');

  class CommandError extends Error {
    constructor(kind, name, message, stack) {
      super(message);
      this.kind = kind;
      this.name = name;
      this.stack = stack;
    }
  }

  const hostCall = async (name, args, stack) => {
    const answer = JSON.parse(await host.command(name, JSON.stringify(args)));
    if (answer.error) throw new CommandError(answer.error.kind, answer.error.name, answer.error.message, stack);
    return answer.value;
  };

  // Puts `action` into the queue; the promise that comes back may be awaited or not. `issuing`: it issues commands itself.
  const enqueue = (action, issuing = false) => {
    const stack = userFrames(new Error().stack);
    const call = (name, args) => hostCall(name, args, stack);
    const run = async () => {
      if (issuing) nested += 1;
      try {
        return await action(call);
      } catch (error) {
        if (error instanceof Error && !userFrames(error.stack)) error.stack = stack;
        throw error;
      } finally {
        if (issuing) nested -= 1;
      }
    };
    const promise = nested > 0 ? run() : last.then(run, run);
    if (nested === 0) last = promise.catch(() => {});
    let handled = false;
    promise.catch((error) => { if (!handled) stray ??= error; });
    return {
      then(resolve, reject) { handled = true; return promise.then(resolve, reject); },
      catch(reject) { handled = true; return promise.catch(reject); },
      finally(callback) { handled = true; return promise.finally(callback); },
    };
  };

  globalThis.__settle = async () => {
    let seen;
    do {
      seen = last;
      await seen;
      await null;
    } while (seen !== last);
    const error = stray;
    stray = null;
    return error;
  };
  globalThis.__commands = { enqueue, CommandError, sleep: (milliseconds) => host.sleep(milliseconds), userFrames };
})();
