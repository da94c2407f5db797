import type { ReactNode } from 'react';
import type { Loaded } from '../services/live';
import type { Outcome as OutcomeName, Verdict } from '../services/model';

export function Loading() {
  return (
    <p className="face" role="status">
      <span className="spinner" /> Loading…
    </p>
  );
}

export function Failure({ message, retry }: { message: string; retry?: () => void }) {
  return (
    <div className="face failure" role="alert">
      <p>{message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="face">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Shows what a load has come to. */
export function Show<T>({
  loaded,
  retry,
  children,
}: {
  loaded: Loaded<T>;
  retry: () => void;
  children: (value: T) => ReactNode;
}) {
  if (loaded.state === 'loading') return <Loading />;
  if (loaded.state === 'failed') return <Failure message={loaded.message} retry={retry} />;
  return <>{children(loaded.value)}</>;
}

const SIGNS: Record<OutcomeName | 'running', string> = { passed: '✓', failed: '✗', broken: '!', running: '…' };

/** The outcome by sign, word and color: none of them alone. */
export function Outcome({ verdict, running }: { verdict?: Verdict | undefined; running?: boolean }) {
  const outcome = running || !verdict ? 'running' : verdict.outcome;
  const cause = verdict?.cause ? ` · ${verdict.cause}` : '';
  return (
    <span className={`outcome ${outcome}`}>
      <span aria-hidden="true">{SIGNS[outcome]}</span> {outcome}
      {cause}
    </span>
  );
}
