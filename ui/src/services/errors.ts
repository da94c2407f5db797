import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from './http';
import type { Annotation } from './server';

/** Errors of runs, grouped by what they say and where. */

export type ErrorKind = 'step' | 'console' | 'request';

export interface ErrorGroup {
  fingerprint: string;
  kind: ErrorKind;
  message: string;
  step: string | null;
  host: string | null;
  file: string | null;
  firstSeen: string;
  lastSeen: string;
  firstRun: string | null;
  lastRun: string | null;
  isNew: boolean;
  count: number;
  monitors: Record<string, number>;
  trend: number[];
}

export interface Together {
  deployments: Annotation[];
  errors: ErrorGroup[];
  revisions: { what: string; monitor: string; from: string | null; to: string | null }[];
  changed: string | null;
}

export interface Asked {
  from: string;
  to: string;
  monitor?: string | undefined;
}

const query = ({ from, to, monitor }: Asked) => new URLSearchParams({ from, to, ...(monitor ? { monitor } : {}) });

export const useErrors = (asked: Asked) =>
  useQuery({
    queryKey: ['errors', asked],
    queryFn: ({ signal }) => get<{ groups: ErrorGroup[]; partial: boolean }>(`/api/v1/errors?${query(asked)}`, signal),
    placeholderData: keepPreviousData,
    meta: { live: true },
  });

export const useError = (fingerprint: string, asked: Asked) =>
  useQuery({
    queryKey: ['errors', fingerprint, asked],
    queryFn: ({ signal }) =>
      get<{ group: ErrorGroup; together: Together }>(
        `/api/v1/errors/${encodeURIComponent(fingerprint)}?${query(asked)}`,
        signal,
      ),
    retry: false,
  });
