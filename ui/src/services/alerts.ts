import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Alerts, NewMaintenance, NewSilence, Text, Trace, Trial, TrialOf } from './api';
import { get, post, send } from './http';
import type { Answer } from './search';
import { search } from './search';

/** The listener: incidents from the search API, what a person does to them by its own. */

export interface Notice {
  id: string;
  kind: string;
  channel: string;
  recipients?: string[];
  state: 'pending' | 'sending' | 'sent' | 'dead';
  madeAt: string;
  sentAt?: string;
  attempts: number;
  error?: string;
  uncertain?: boolean;
}

export interface Transition {
  at: string;
  what: string;
  by?: string;
  text?: string;
}

export interface Incident {
  title: string;
  description: string;
  score: number;
  incidents: number;
  repetition: number;
  startTime: string;
  lastTime: string;
  open: boolean;
  // The ones of the established product have no more than these.
  since?: string;
  rule?: string;
  key?: string;
  state?: 'open' | 'acknowledged' | 'closed';
  closedAt?: string;
  acknowledgedBy?: string;
  sentence?: string;
  value?: number;
  limit?: number;
  cause?: string;
  blame?: {
    party: string;
    detail: string;
    uuid: string;
    monitor: string;
    screenshot?: string;
    facts?: [string, string][];
  };
  monitors?: string[];
  members?: Record<string, { since: string; last: string; sentence: string }>;
  documents?: Record<string, unknown>[];
  reopened?: number;
  late?: boolean;
  told?: boolean;
  held?: string;
  transitions?: Transition[];
  notices?: Notice[];
}

export interface StoredIncident extends Incident {
  id: string;
}

const INDEX = 'c.listener.queue';

const stored = (answer: Answer): StoredIncident[] =>
  answer.hits.hits.map((hit) => ({ ...(hit._source as unknown as Incident), id: hit._id }));

/** Incidents of a state, newest first. */
export const useIncidents = (state: 'open' | 'closed', range?: { from: string; to: string }) =>
  useQuery({
    queryKey: ['incidents', state, range],
    queryFn: async ({ signal }) => {
      const filter: object[] = [{ term: { open: state === 'open' } }];
      if (range) filter.push({ range: { startTime: { gte: range.from, lte: range.to } } });
      const body = {
        size: 200,
        track_total_hits: true,
        query: { bool: { filter } },
        sort: [{ startTime: { order: 'desc', unmapped_type: 'date' } }],
        _source: { excludes: ['documents', 'transitions'] },
      };
      return stored(await search(INDEX, body, signal));
    },
    refetchInterval: 10_000,
  });

export const useIncident = (id: string) =>
  useQuery({
    queryKey: ['incidents', 'one', id],
    queryFn: async ({ signal }) => {
      const found = stored(await search(INDEX, { size: 1, query: { ids: { values: [id] } } }, signal));
      return found[0] ?? null;
    },
    refetchInterval: 5000,
  });

export const useAlerts = () =>
  useQuery({
    queryKey: ['alerts'],
    queryFn: ({ signal }) => get<Alerts>('/api/v1/alerts', signal),
    refetchInterval: 10_000,
  });

/** Changes something of the listener, then shows how it is. */
export function useAlertChange<T>(change: (wanted: T) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ['incidents'] });
      await client.invalidateQueries({ queryKey: ['alerts'] });
    },
  });
}

const path = (id: string, action: string) => `/api/v1/incidents/${encodeURIComponent(id)}/${action}`;

export const acknowledge = ({ id, text }: { id: string; text: string }) => post(path(id, 'acknowledge'), { text });
export const addNote = ({ id, text }: { id: string; text: string }) => post(path(id, 'note'), { text });
export const retryNotices = (id: string) => post(path(id, 'retry'), {});

export const addSilence = (silence: NewSilence) => post('/api/v1/silences', silence);
export const endSilence = (id: string) => send(`/api/v1/silences/${encodeURIComponent(id)}`, { method: 'DELETE' });
export const addMaintenance = (window: NewMaintenance) => post('/api/v1/maintenance', window);
export const removeMaintenance = (id: string) =>
  send(`/api/v1/maintenance/${encodeURIComponent(id)}`, { method: 'DELETE' });

export const useTrace = (title: string) =>
  useQuery({
    queryKey: ['alerts', 'trace', title],
    queryFn: ({ signal }) =>
      get<Trace>(`/api/v1/rules/trace?${new URLSearchParams({ title, from: 'now-24h', to: 'now' })}`, signal),
    staleTime: 60_000,
  });

export const tryChannel = (name: string) => post(`/api/v1/channels/${encodeURIComponent(name)}/try`, {});

export const useStoredRules = () =>
  useQuery({
    queryKey: ['alerts', 'stored'],
    queryFn: async ({ signal }) => (await get<Text>('/api/v1/rules', signal)).text,
    // What a person edits must not change under their hands.
    refetchOnWindowFocus: false,
  });

export const storeRules = (text: string) => post('/api/v1/rules', { text }, undefined, 'PUT');

export const tryRules = (wanted: TrialOf) => post<Trial>('/api/v1/rules/try', wanted);
