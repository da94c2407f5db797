import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type {
  Annotations,
  Saved as Answer,
  Created,
  Fields,
  InForce,
  Monitors,
  QueuedRun,
  SavedList,
  Status,
  Storage,
  Written,
} from './api';
import { get, post, send } from './http';

/** What the server says besides telemetry. */

export const useStatus = () =>
  useQuery({
    queryKey: ['status'],
    queryFn: ({ signal }) => get<Status>('/api/v1/status', signal),
    refetchInterval: 60_000,
  });

export const useInForce = (enabled: boolean) =>
  useQuery({
    queryKey: ['configuration'],
    queryFn: ({ signal }) => get<InForce>('/api/v1/configuration', signal),
    enabled,
  });

export const useMonitors = () =>
  useQuery({
    queryKey: ['monitors'],
    queryFn: async ({ signal }) => (await get<Monitors>('/api/v1/monitors', signal)).monitors,
    refetchInterval: 10_000,
    meta: { live: true },
  });

export const useFields = (index: string) =>
  useQuery({
    queryKey: ['fields', index],
    queryFn: async ({ signal }) =>
      (await get<Fields>(`/api/v1/fields?index=${encodeURIComponent(index)}`, signal)).fields,
    staleTime: 60_000,
  });

export const useAnnotations = (range: { from: string; to: string }, monitor?: string) =>
  useQuery({
    queryKey: ['annotations', range, monitor],
    queryFn: async ({ signal }) => {
      const query = new URLSearchParams({ ...range, ...(monitor ? { monitor } : {}) });
      return (await get<Annotations>(`/api/v1/annotations?${query}`, signal)).annotations;
    },
  });

/** Changes monitors, then shows them as they are. */
export function useMonitorAction() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, action }: { id: string; action: 'run' | 'pause' | 'resume' }) =>
      post<Partial<QueuedRun> | undefined>(`/api/v1/monitors/${encodeURIComponent(id)}/${action}`, {}),
    onSettled: () => client.invalidateQueries({ queryKey: ['monitors'] }),
  });
}

export function useAddUrl() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (url: string) => post<Created>('/api/v1/monitors', { url }),
    onSettled: () => client.invalidateQueries({ queryKey: ['monitors'] }),
  });
}

/** One kept thing; the server has checked its body. */
export type Saved<Body> = Omit<Answer, 'body'> & { body: Body };

type Kind = 'dashboards' | 'searches';

export const useSavedList = (kind: Kind) =>
  useQuery({
    queryKey: ['saved', kind],
    queryFn: async ({ signal }) => (await get<SavedList>(`/api/v1/saved/${kind}`, signal)).saved,
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
      post<Written>(`/api/v1/saved/${kind}/${encodeURIComponent(id)}`, { body, seqNo }, undefined, 'PUT'),
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
