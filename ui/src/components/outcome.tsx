import { Link } from '@tanstack/react-router';
import { clock, dateTime, milliseconds } from '../services/format';
import type { RunDocument, Verdict } from '../services/model';
import './outcome.css';

export type Role = 'passed' | 'slow' | 'failed' | 'broken' | 'neutral' | 'running';

const SIGNS: Record<Role, string> = { passed: '✓', slow: '◔', failed: '✗', broken: '!', neutral: '–', running: '…' };

/** By sign, word and color: none of them alone. */
export function Badge({ state, children }: { state: Role; children: React.ReactNode }) {
  return (
    <span className={`badge ${state}`}>
      <span aria-hidden="true">{SIGNS[state]}</span> {children}
    </span>
  );
}

export function Outcome({ verdict, running }: { verdict?: Verdict | undefined; running?: boolean }) {
  if (running || !verdict) return <Badge state="running">running</Badge>;
  return (
    <Badge state={verdict.outcome}>
      {verdict.outcome}
      {verdict.cause ? ` · ${causeName(verdict.cause)}` : ''}
    </Badge>
  );
}

const CAUSES: Record<string, string> = {
  site: 'site',
  'third-party': 'third party',
  network: 'network',
  login: 'log-in',
  script: 'script',
  browser: 'browser',
  runner: 'runner host',
  configuration: 'configuration',
  inconclusive: 'inconclusive',
};

export const causeName = (cause: string): string => CAUSES[cause] ?? cause;

/** Whose trouble it is: what is ours must not wake the people of the site. */
export const isOurs = (cause: string): boolean => ['script', 'browser', 'runner', 'configuration'].includes(cause);

/** Runs as slots, oldest first; each opens. */
export function Strip({ runs, slots = 40 }: { runs: RunDocument[]; slots?: number }) {
  const shown = runs.slice(0, slots).reverse();
  return (
    <ol className="strip" aria-label={`The last ${shown.length} runs, oldest first`}>
      {Array.from({ length: Math.max(0, slots - shown.length) }, (_, position) => (
        <li key={position} className="slot" aria-hidden="true" />
      ))}
      {shown.map((run) => (
        <li key={run.uuid}>
          <Link
            to="/runs/$uuid"
            params={{ uuid: run.uuid }}
            className={`slot ${run.verdict.outcome}`}
            title={`${dateTime(run.startedAt)} · ${run.verdict.outcome}${run.verdict.detail ? `: ${run.verdict.detail}` : ''} · ${milliseconds(run.durationMs)}`}
          >
            <span className="visually-hidden">
              {clock(run.startedAt)} {run.verdict.outcome}
            </span>
          </Link>
        </li>
      ))}
    </ol>
  );
}
