/** Requests on one time axis. Pure. */

import { phases as say } from '../strings/phases';
import type { RequestDocument } from './api';
import { hostOf } from './url';

export const PHASES = ['blocked', 'dns', 'connect', 'ssl', 'send', 'wait', 'receive'] as const;
export type Phase = (typeof PHASES)[number];

export const PHASE_NAMES: Record<Phase, string> = {
  blocked: say.blocked,
  dns: 'DNS',
  connect: say.connect,
  ssl: 'TLS',
  send: say.send,
  wait: say.wait,
  receive: say.receive,
};

export interface Row {
  document: RequestDocument;
  /** Milliseconds after the first request. */
  start: number;
  duration: number;
  /** Phases that took time, in order; TLS is within connect. */
  phases: [Phase, number][];
  host: string;
  isThird: boolean;
  isBad: boolean;
}

export interface Wanted {
  type?: string | undefined;
  host?: string | undefined;
  status?: string | undefined;
  text?: string | undefined;
  step?: string | undefined;
}

/** The registrable domain, as far as it can be told without a list. */
function site(host: string): string {
  const name = host.replace(/:\d+$/, '');
  if (/^[\d.]+$/.test(name) || name === 'localhost' || name.startsWith('[')) return host;
  const labels = name.split('.');
  const sold =
    labels.length > 2 &&
    (labels.at(-1)?.length ?? 0) === 2 &&
    /^(co|com|org|net|gov|ac|edu|or)$/.test(labels.at(-2) ?? '');
  return labels.slice(sold ? -3 : -2).join('.');
}

/** Connect without TLS, then TLS: as they follow each other. */
function phases(document: RequestDocument): [Phase, number][] {
  const { har } = document;
  if (!har) return [];
  return PHASES.flatMap((phase): [Phase, number][] => {
    const value = phase === 'connect' ? har.connect - Math.max(har.ssl, 0) : har[phase];
    return value > 0 ? [[phase, value]] : [];
  });
}

export function waterfall(requests: RequestDocument[]): { rows: Row[]; total: number } {
  const begin = Math.min(...requests.map((document) => document.request.timestamp));
  const page = requests.find((document) => document.request.type === 'Document');
  const own = site(hostOf(page?.url ?? requests[0]?.url ?? ''));
  const rows = requests.map((document): Row => {
    const ended = document.response?.timestamp;
    const status = Number(document.response?.status ?? 0);
    const host = hostOf(document.url);
    return {
      document,
      start: (document.request.timestamp - begin) * 1000,
      duration: document.har?.time ?? (ended ? (ended - document.request.timestamp) * 1000 : 0),
      phases: phases(document),
      host,
      isThird: host !== '' && site(host) !== own,
      isBad: document.failure !== undefined || status > 399,
    };
  });
  return { rows, total: Math.max(...rows.map((row) => row.start + row.duration), 1) };
}

/** Words of addresses: they are the same in every language. */
export const THIRD_PARTIES = 'third parties';
export const NO_ANSWER = 'no answer';

/** DevTools' own name of what it has no type for. */
export const typeOf = ({ document }: Row): string => document.request.type ?? 'Other';

export const statusClass = (row: Row): string => {
  if (row.document.failure) return 'failed';
  const status = Number(row.document.response?.status ?? 0);
  return status ? `${Math.floor(status / 100)}xx` : NO_ANSWER;
};

export function matches(row: Row, wanted: Wanted): boolean {
  const { document } = row;
  return (
    (!wanted.type || typeOf(row) === wanted.type) &&
    (!wanted.host || (wanted.host === THIRD_PARTIES ? row.isThird : row.host === wanted.host)) &&
    (!wanted.status || statusClass(row) === wanted.status) &&
    (!wanted.step || document.uuidAction === wanted.step) &&
    (!wanted.text || document.url.toLowerCase().includes(wanted.text.toLowerCase()))
  );
}
