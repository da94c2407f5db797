import { useNavigate } from '@tanstack/react-router';
import type { MouseEvent } from 'react';
import type { RunDocument, Verdict } from '../services/api';
import { dateTime, milliseconds } from '../services/format';
import './outcome.css';
import { outcome as say } from '../strings/outcome';

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
  if (running || !verdict) return <Badge state="running">{say.running}</Badge>;
  return (
    <Badge state={verdict.outcome}>
      {verdict.outcome}
      {verdict.cause ? ` · ${causeName(verdict.cause)}` : ''}
    </Badge>
  );
}

const CAUSES: Record<string, string> = {
  site: 'site',
  'third-party': say.thirdParty,
  network: 'network',
  login: 'log-in',
  script: 'script',
  browser: 'browser',
  runner: say.runnerHost,
  configuration: 'configuration',
  inconclusive: 'inconclusive',
};

export const causeName = (cause: string): string => CAUSES[cause] ?? cause;

/** Whose trouble it is: what is ours must not wake the people of the site. */
export const isOurs = (cause: string): boolean => ['script', 'browser', 'runner', 'configuration'].includes(cause);

/**
 * Runs as slots, oldest first; a click opens one. Slots are too small and too many for keys and fingers: whoever uses those
 * finds the same runs in the list of the monitor's page.
 */
export function Strip({ runs, slots = 40 }: { runs: RunDocument[]; slots?: number }) {
  const navigate = useNavigate();
  const shown = runs.slice(0, slots).reverse();
  const tally = (outcome: string) => shown.filter((run) => run.verdict.outcome === outcome).length;
  const said = ['passed', 'failed', 'broken'].map((outcome) => `${tally(outcome)} ${outcome}`).join(', ');
  const open = (event: MouseEvent<HTMLElement>) => {
    const uuid = (event.target as HTMLElement).dataset.run;
    if (uuid) void navigate({ to: '/runs/$uuid', params: { uuid } });
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the same runs are links on the page of the monitor
    <div className="strip" role="img" aria-label={say.theLastRuns(shown.length, said)} onClick={open}>
      {Array.from({ length: Math.max(0, slots - shown.length) }, (_, position) => (
        <span key={position} className="slot" />
      ))}
      {shown.map((run) => (
        <span
          key={run.uuid}
          data-run={run.uuid}
          className={`slot ${run.verdict.outcome}`}
          title={`${dateTime(run.startedAt)} · ${run.verdict.outcome}${run.verdict.detail ? `: ${run.verdict.detail}` : ''} · ${milliseconds(run.durationMs)}`}
        />
      ))}
    </div>
  );
}
