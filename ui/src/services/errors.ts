import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ErrorDetail, ErrorGroups } from './api';
import { get } from './http';

/** Errors of runs, grouped by what they say and where. */

export interface Asked {
  from: string;
  to: string;
  monitor?: string | undefined;
}

const query = ({ from, to, monitor }: Asked) => new URLSearchParams({ from, to, ...(monitor ? { monitor } : {}) });

export const useErrors = (asked: Asked) =>
  useQuery({
    queryKey: ['errors', asked],
    queryFn: ({ signal }) => get<ErrorGroups>(`/api/v1/errors?${query(asked)}`, signal),
    placeholderData: keepPreviousData,
    meta: { live: true },
  });

export const useError = (fingerprint: string, asked: Asked) =>
  useQuery({
    queryKey: ['errors', fingerprint, asked],
    queryFn: ({ signal }) =>
      get<ErrorDetail>(`/api/v1/errors/${encodeURIComponent(fingerprint)}?${query(asked)}`, signal),
    retry: false,
  });
