/** The search API. Telemetry is read only through it, so that a cluster can stand in for the embedded store. */

export type Source = Record<string, unknown>;
export interface Hit<T = Source> {
  _id: string;
  _index: string;
  _source: T;
  sort?: unknown[];
}
export interface SearchAnswer<T = Source> {
  took: number;
  hits: { total?: { value: number; relation: 'eq' | 'gte' }; hits: Hit<T>[] };
  aggregations?: Record<string, Aggregation>;
}
export interface Bucket {
  key: string | number;
  key_as_string?: string;
  doc_count: number;
  [name: string]: unknown;
}
export interface Aggregation {
  buckets?: Bucket[];
  value?: number | null;
}

export class RequestError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function request<T>(path: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
    });
  } catch {
    throw new RequestError(0, 'The server does not answer. Is it still running?');
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new RequestError(response.status, reason(body) ?? `The server answered ${response.status}.`);
  return body as T;
}

function reason(body: unknown): string | undefined {
  const error = (body as { error?: { reason?: string; message?: string } } | null)?.error;
  return error?.reason ?? error?.message;
}

/** Daily indices that do not exist yet are no error: nothing has been written. */
export function search<T = Source>(index: string, body: object): Promise<SearchAnswer<T>> {
  return request<SearchAnswer<T>>(`/${encodeURIComponent(index)}/_search?ignore_unavailable=true`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
}

export const byTime = (order: 'asc' | 'desc') => ({ timestamp: { order, unmapped_type: 'date' } });
