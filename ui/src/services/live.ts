import type { Query, QueryClient } from '@tanstack/react-query';
import { isEmbedded } from './embed';

/** News from the server: one connection for all views; searches that are live load again when their index was written to. */

/** Writes become visible within a second; news that come meanwhile are taken together. */
const SETTLE_MS = 1500;
const RETRY_MS = 3000;

function matches(pattern: string, name: string): boolean {
  return pattern.split(',').some((part) => (part.endsWith('*') ? name.startsWith(part.slice(0, -1)) : part === name));
}

function concerns(query: Query, names: ReadonlySet<string>): boolean {
  const [kind, index] = query.queryKey;
  if (query.meta?.live !== true) return false;
  if (names.size === 0 || kind !== 'search' || typeof index !== 'string') return true;
  return [...names].some((name) => matches(index, name));
}

export function listen(client: QueryClient): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let again: number | undefined;
  const names = new Set<string>();
  let everything = false;
  let missed = false;

  const reload = () => {
    timer = undefined;
    const changed = everything ? new Set<string>() : new Set(names);
    names.clear();
    everything = false;
    void client.invalidateQueries({ predicate: (query) => concerns(query, changed) });
  };
  const plan = () => {
    timer ??= window.setTimeout(reload, SETTLE_MS);
  };
  const connect = () => {
    // Such a connection carries no token; a frame is as fresh as its refresh says.
    if (source || isEmbedded) return;
    source = new EventSource('/api/v1/events');
    // What changed while there was no connection was told to nobody.
    source.addEventListener('open', () => {
      if (!missed) return;
      missed = false;
      everything = true;
      plan();
    });
    // A refusal (nobody is logged in yet, the server starts again) ends a source for good: a new one is tried.
    source.addEventListener('error', () => {
      missed = true;
      if (source?.readyState !== EventSource.CLOSED) return;
      source = undefined;
      again = window.setTimeout(connect, RETRY_MS);
    });
    source.addEventListener('change', (event) => {
      const { indices } = JSON.parse((event as MessageEvent<string>).data) as { indices: string[] };
      everything ||= indices.length === 0;
      for (const name of indices) names.add(name);
      plan();
    });
  };
  // A page in the back-forward cache keeps its connection, and a browser allows six to a host.
  const leave = () => {
    missed = true;
    source?.close();
    source = undefined;
  };
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', connect);
  connect();
  return () => {
    window.removeEventListener('pagehide', leave);
    window.removeEventListener('pageshow', connect);
    window.clearTimeout(timer);
    window.clearTimeout(again);
    leave();
  };
}

/** Tells reports and tests when nothing is being loaded any more: `data-complete` of the document. */
export function tellWhenComplete(client: QueryClient): () => void {
  const QUIET_MS = 500;
  const tell = (complete: boolean) => {
    document.documentElement.dataset.complete = complete ? 'yes' : 'no';
  };
  let timer: number | undefined;
  const look = () => {
    window.clearTimeout(timer);
    if (client.isFetching() > 0) {
      tell(false);
      return;
    }
    timer = window.setTimeout(() => tell(client.isFetching() === 0), QUIET_MS);
  };
  tell(false);
  look();
  return client.getQueryCache().subscribe(look);
}
