import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { post } from './http';

/** Searches: Elasticsearch's bodies, with `{kql: '…'}` wherever a query may stand. */

export type Source = Record<string, unknown>;

export interface Hit<T = Source> {
  _index: string;
  _id: string;
  _source: T;
  sort?: (string | number | null)[];
}

export interface Bucket {
  key: string | number;
  key_as_string?: string;
  doc_count: number;
  [name: string]: unknown;
}

export interface Aggregation {
  buckets?: Bucket[] | Record<string, Bucket>;
  value?: number | null;
  values?: Record<string, number | null>;
  doc_count?: number;
  hits?: { hits: Hit[] };
  [name: string]: unknown;
}

export interface Answer<T = Source> {
  took: number;
  hits: { total?: { value: number; relation: 'eq' | 'gte' }; hits: Hit<T>[] };
  aggregations?: Record<string, Aggregation>;
}

export type Query = object;

export const kql = (text: string): Query => ({ kql: text });

export const both = (...filter: (Query | undefined | false | '')[]): Query => ({
  bool: { filter: filter.filter(Boolean) },
});

export const search = <T = Source>(index: string, body: object, signal?: AbortSignal): Promise<Answer<T>> =>
  post(`/api/v1/search?index=${encodeURIComponent(index)}`, body, signal);

export const sources = async <T>(index: string, body: object, signal?: AbortSignal): Promise<T[]> =>
  (await search<T>(index, body, signal)).hits.hits.map((hit) => hit._source);

/** Buckets of a list. */
export const buckets = (aggregation: Aggregation | undefined): Bucket[] =>
  Array.isArray(aggregation?.buckets) ? aggregation.buckets : [];

/** An aggregation within a bucket. */
export const inner = (bucket: Bucket | Record<string, Aggregation>, name: string): Aggregation | undefined =>
  bucket[name] as Aggregation | undefined;

export interface SearchOptions {
  /** Load again when the index is written to. */
  live?: boolean;
  enabled?: boolean;
  /** Show what was there while something new is loaded. */
  keep?: boolean;
  refreshSeconds?: number;
}

/** The key begins with the index, so that news about it reloads the search. */
export function useSearch<T = Source>(
  index: string,
  body: object,
  options: SearchOptions = {},
): UseQueryResult<Answer<T>> {
  return useQuery({
    queryKey: ['search', index, body],
    queryFn: ({ signal }) => search<T>(index, body, signal),
    enabled: options.enabled ?? true,
    meta: { live: options.live ?? false },
    ...(options.keep === false ? {} : { placeholderData: keepPreviousData }),
    ...(options.refreshSeconds ? { refetchInterval: options.refreshSeconds * 1000 } : {}),
  });
}
