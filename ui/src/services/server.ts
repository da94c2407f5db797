import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, post, send } from './http';
import type { Monitor } from './model';

/** What the server says besides telemetry. */

export interface Status {
  version: string;
  scheduler: boolean;
  configurationProblem: string | null;
  prefix: string;
  renders: boolean;
  /** Whether pages of other sites may show dashboards in a frame. */
  embeds: boolean;
  /** Where else a run is known; addresses with placeholders. */
  runLinks: { title: string; url: string }[];
  store: 'embedded' | 'cluster';
}

export const useStatus = () =>
  useQuery({
    queryKey: ['status'],
    queryFn: ({ signal }) => get<Status>('/api/v1/status', signal),
    refetchInterval: 60_000,
  });

/** Arguments, variables and canarytrace.yaml, without secrets; only those who may edit are told. */
export interface InForce {
  arguments: Record<string, unknown>;
  variables: Record<string, string>;
  file: { path: string; text?: string; problem?: string; monitors?: Record<string, string> } | null;
}

export const useInForce = (enabled: boolean) =>
  useQuery({
    queryKey: ['configuration'],
    queryFn: ({ signal }) => get<InForce>('/api/v1/configuration', signal),
    enabled,
  });

export const useMonitors = () =>
  useQuery({
    queryKey: ['monitors'],
    queryFn: async ({ signal }) => (await get<{ monitors: Monitor[] }>('/api/v1/monitors', signal)).monitors,
    refetchInterval: 10_000,
    meta: { live: true },
  });

export interface Field {
  name: string;
  type: string;
  aggregatable: boolean;
}

export const useFields = (index: string) =>
  useQuery({
    queryKey: ['fields', index],
    queryFn: async ({ signal }) =>
      (await get<{ fields: Field[] }>(`/api/v1/fields?index=${encodeURIComponent(index)}`, signal)).fields,
    staleTime: 60_000,
  });

export interface Annotation {
  kind: 'deployment' | 'configuration' | 'maintenance' | 'note';
  text: string;
  timestamp: string;
  until?: string;
  monitor?: string;
  revision?: string;
  url?: string;
}

export const useAnnotations = (range: { from: string; to: string }, monitor?: string) =>
  useQuery({
    queryKey: ['annotations', range, monitor],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams({ ...range, ...(monitor ? { monitor } : {}) });
      return (await get<{ annotations: Annotation[] }>(`/api/v1/annotations?${query}`, signal)).annotations;
    },
  });

/** Changes monitors, then shows them as they are. */
export function useMonitorAction() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, action }: { id: string; action: 'run' | 'pause' | 'resume' }) =>
      post<{ uuid?: string } | undefined>(`/api/v1/monitors/${encodeURIComponent(id)}/${action}`, {}),
    onSettled: () => client.invalidateQueries({ queryKey: ['monitors'] }),
  });
}

export function useAddUrl() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (url: string) => post<{ id: string }>('/api/v1/monitors', { url }),
    onSettled: () => client.invalidateQueries({ queryKey: ['monitors'] }),
  });
}

export interface SavedTitle {
  id: string;
  title: string;
  description?: string;
  builtIn: boolean;
  updatedAt?: string;
}

export interface Saved<T> extends SavedTitle {
  seqNo?: number;
  body: T;
}

type Kind = 'dashboards' | 'searches';

export const useSavedList = (kind: Kind) =>
  useQuery({
    queryKey: ['saved', kind],
    queryFn: async ({ signal }) => (await get<{ saved: SavedTitle[] }>(`/api/v1/saved/${kind}`, signal)).saved,
  });

export const useSaved = <T>(kind: Kind, id: string) =>
  useQuery({
    queryKey: ['saved', kind, id],
    queryFn: ({ signal }) => get<Saved<T>>(`/api/v1/saved/${kind}/${encodeURIComponent(id)}`, signal),
    // What a person edits must not change under their hands.
    refetchOnWindowFocus: false,
  });

export function useSave<T>(kind: Kind) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, body, seqNo }: { id: string; body: T; seqNo?: number | undefined }) =>
      post<{ seqNo: number }>(`/api/v1/saved/${kind}/${encodeURIComponent(id)}`, { body, seqNo }, undefined, 'PUT'),
    onSuccess: () => client.invalidateQueries({ queryKey: ['saved', kind] }),
  });
}

export function useRemove(kind: Kind) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => send(`/api/v1/saved/${kind}/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['saved', kind] }),
  });
}

export interface Family {
  name: string;
  indices: number;
  documents: number;
  bytes: number;
  bytesPerDay: number;
  days: Record<string, number>;
}

export interface Storage {
  health: string;
  store: string;
  families: Family[];
  bytes: number;
  bytesPerDay: number;
  retentionDays: number | null;
  forecastBytes: number | null;
}

export const useStorage = () =>
  useQuery({
    queryKey: ['storage'],
    queryFn: ({ signal }) => get<Storage>('/api/v1/storage', signal),
    refetchInterval: 30_000,
  });

/** An id for something new, from its title. */
export const newId = (title: string): string => {
  const plain = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 60);
  return `${plain || 'untitled'}-${crypto.randomUUID().slice(0, 8)}`;
};
