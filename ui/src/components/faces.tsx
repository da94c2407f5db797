import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { ApiError } from '../services/http';
import './faces.css';
import { faces as say } from '../strings/faces';

/** The faces that every view has beside its full one. */

/** Nothing for 300 ms, then a sign that something is coming. */
export function Loading({ label = say.loading }: { label?: string }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), 300);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <p className="face loading" role="status">
      {late && (
        <>
          <span className="spinner" aria-hidden="true" /> {label}…
        </>
      )}
    </p>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const message = error instanceof Error ? error.message : String(error);
  const refused = error instanceof ApiError && (error.status === 401 || error.status === 403);
  return (
    <div className="face failure" role="alert">
      <h2>{refused ? say.youMayNotSeeThis : say.thisCannotBeShown}</h2>
      <p className="break">{message}</p>
      {error instanceof ApiError && error.hint && <p className="soft">{error.hint}</p>}
      {retry && (
        <button type="button" className="button" onClick={retry}>
          {say.tryAgain}
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="face empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Names and what is known of them. */
export function Known({ rows, wide = false }: { rows: [string, ReactNode][]; wide?: boolean }) {
  return (
    <dl className={wide ? 'known wide' : 'known'}>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt className="small">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Shows what a load has come to. */
export function Show<T>({ query, children }: { query: UseQueryResult<T>; children: (value: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Loading />;
}
