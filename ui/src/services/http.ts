import { http as say } from '../strings/http';
import { embedHeaders } from './embed';

/** Requests to our own server, the only one that this page talks to. */

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly hint?: string,
    /** Characters of a query before what is not understood. */
    readonly position?: number,
  ) {
    super(message);
  }
}

interface Refusal {
  error?: { message?: string; hint?: string | null; position?: number; reason?: string } | string;
}

async function refusal(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as Refusal;
    if (typeof error === 'object') {
      const message = error.message ?? error.reason ?? response.statusText;
      return new ApiError(message, response.status, error.hint ?? undefined, error.position);
    }
  } catch {
    // Not our shape: the text says what it can.
  }
  return new ApiError(text.slice(0, 300) || say.theServerAnswered(response.status), response.status);
}

export async function send(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...options, headers: { ...options.headers, ...embedHeaders } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(say.theServerCannotBeReached, 0, say.isCanarytraceServeStillRunning);
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

export async function post<T>(path: string, body: unknown, signal?: AbortSignal, method = 'POST'): Promise<T> {
  const response = await send(path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Asks for a file and hands it to the person. */
export async function download(path: string, body: unknown): Promise<void> {
  const response = await send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? 'download';
  handOver(await response.blob(), name);
}

/** Lets the person's browser keep a file. */
export function handOver(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
