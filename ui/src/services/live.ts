import { useCallback, useEffect, useRef, useState } from 'react';

type Listener = (indices: string[]) => void;

/** One connection for all views; the server names the indices that were written to. */
const listeners = new Set<Listener>();
let source: EventSource | undefined;

function listen(listener: Listener): () => void {
  listeners.add(listener);
  source ??= connect();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      source?.close();
      source = undefined;
    }
  };
}

function connect(): EventSource {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('change', (event) => {
    const { indices } = JSON.parse((event as MessageEvent<string>).data) as { indices: string[] };
    for (const listener of listeners) listener(indices);
  });
  return events;
}

// A page in the back-forward cache keeps its connection, and a browser allows six to a host.
window.addEventListener('pagehide', () => {
  source?.close();
  source = undefined;
});
window.addEventListener('pageshow', (event) => {
  if (event.persisted && listeners.size > 0) source ??= connect();
});

export type Loaded<T> = { state: 'loading' } | { state: 'failed'; message: string } | { state: 'ready'; value: T };

const SETTLE_MS = 1100;

/**
 * Loads and, when one of the indices has news, loads again. Writes become visible within a second, so a reload waits
 * that long and takes together what comes meanwhile.
 */
export function useLive<T>(
  load: () => Promise<T>,
  dependencies: readonly unknown[],
  indices: RegExp,
): [Loaded<T>, () => void] {
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: 'loading' });
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  const reload = useCallback(() => {
    turn.current += 1;
    const own = turn.current;
    latest
      .current()
      .then((value) => own === turn.current && setLoaded({ state: 'ready', value }))
      .catch(
        (error: unknown) =>
          own === turn.current &&
          setLoaded({ state: 'failed', message: error instanceof Error ? error.message : String(error) }),
      );
  }, []);
  useEffect(() => {
    reload();
    // What was written just before the page opened becomes visible now, and nobody announces it again.
    const timer = window.setTimeout(reload, SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [reload, ...dependencies]);
  useEffect(() => {
    let timer: number | undefined;
    const stop = listen((names) => {
      if (timer === undefined && (names.length === 0 || names.some((name) => indices.test(name)))) {
        timer = window.setTimeout(() => {
          timer = undefined;
          reload();
        }, SETTLE_MS);
      }
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [reload, indices]);
  return [loaded, reload];
}
