import { type FormEvent, useEffect, useState } from 'react';
import { Sparkline, Strip } from '../components/charts';
import { Empty, Outcome, Show } from '../components/faces';
import { Link } from '../components/layout';
import { until } from '../services/format';
import { useLive } from '../services/live';
import { navigate } from '../services/location';
import type { Monitor, RunDocument } from '../services/model';
import { byTime, request, search } from '../services/search';

const INDICES = /run-|ledger-|report-/;
const RUNS = 30;

interface Row {
  id: string;
  monitor?: Monitor | undefined;
  runs: RunDocument[];
}
interface State {
  rows: Row[];
  scheduler: boolean;
  problem: string | null;
}

/** Monitors of this machine, and those whose runs are in the store. */
async function load(): Promise<State> {
  const [{ monitors }, status, answer] = await Promise.all([
    request<{ monitors: Monitor[] }>('/api/v1/monitors'),
    request<{ scheduler: boolean; configurationProblem: string | null }>('/api/v1/status'),
    search<RunDocument>('c.run-*', {
      size: 2000,
      query: { range: { timestamp: { gte: 'now-7d' } } },
      sort: [byTime('desc')],
    }),
  ]);
  const runs = new Map<string, RunDocument[]>();
  for (const { _source: run } of answer.hits.hits) {
    const list = runs.get(run.monitor) ?? [];
    if (list.length < RUNS) list.push(run);
    runs.set(run.monitor, list);
  }
  const ids = [...new Set([...monitors.map((monitor) => monitor.id), ...runs.keys()])];
  const rows = ids.map((id) => ({
    id,
    monitor: monitors.find((monitor) => monitor.id === id),
    runs: runs.get(id) ?? [],
  }));
  const weight = (row: Row) => ({ broken: 0, failed: 1, passed: 2 })[row.runs[0]?.verdict.outcome ?? 'passed'];
  rows.sort((a, b) => weight(a) - weight(b) || a.id.localeCompare(b.id));
  return { rows, scheduler: status.scheduler, problem: status.configurationProblem };
}

export function MonitorsView() {
  const [loaded, reload] = useLive(load, [], INDICES);
  const now = useNow();
  return (
    <>
      <h1>Monitors</h1>
      <Show loaded={loaded} retry={reload}>
        {(state) => (
          <>
            {state.problem && (
              <p className="notice" role="alert">
                The changed configuration is invalid; the old one stays in force. {state.problem}
              </p>
            )}
            {state.rows.length === 0 ? (
              <Empty title="Nothing is watched yet">
                <p>
                  Type the first address to watch. A real browser opens it at once and every five minutes from then on.
                </p>
                <AddUrl added={reload} disabled={!state.scheduler} />
                <p className="muted">
                  For scripts, schedules and more write a <code>canarytrace.yaml</code> and start{' '}
                  <code>canarytrace serve --config canarytrace.yaml</code>.
                </p>
              </Empty>
            ) : (
              <>
                <ul className="monitors">
                  {state.rows.map((row) => (
                    <MonitorRow key={row.id} row={row} now={now} />
                  ))}
                </ul>
                {state.scheduler && <AddUrl added={reload} disabled={false} />}
              </>
            )}
          </>
        )}
      </Show>
    </>
  );
}

function MonitorRow({ row, now }: { row: Row; now: number }) {
  const last = row.runs[0];
  const running = row.monitor?.state === 'running';
  const loads = row.runs.map((run) => run.vitals?.load).filter((value): value is number => typeof value === 'number');
  return (
    <li className={`monitor ${last?.verdict.outcome ?? ''}`}>
      <div className="who">
        <h2>
          <Link to={`/runs?monitor=${encodeURIComponent(row.id)}`}>{row.id}</Link>
        </h2>
        <p className="muted break">{row.monitor?.target ?? last?.spec}</p>
      </div>
      <div className="what">
        {last ? <Outcome verdict={last.verdict} /> : <span className="muted">no run yet</span>}
        {last?.verdict.detail && (
          <p className="reason">
            <Link to={`/runs/${last.uuid}`}>{last.verdict.detail}</Link>
          </p>
        )}
      </div>
      <Strip runs={row.runs} />
      <Sparkline values={loads.reverse()} />
      <div className="next">
        <span className="muted">{when(row.monitor, now)}</span>
        {row.monitor && <RunNow id={row.id} disabled={running || row.monitor.state === 'queued'} />}
      </div>
    </li>
  );
}

function when(monitor: Monitor | undefined, now: number): string {
  if (!monitor) return 'not scheduled here';
  if (monitor.state === 'running') return 'running now';
  if (monitor.state === 'queued') return 'queued';
  return monitor.nextRun ? `next ${until(monitor.nextRun, now)}` : 'runs when asked';
}

function RunNow({ id, disabled }: { id: string; disabled: boolean }) {
  const [problem, setProblem] = useState<string>();
  const run = () => {
    request<{ uuid: string }>(`/api/v1/monitors/${encodeURIComponent(id)}/run`, { method: 'POST' })
      .then(({ uuid }) => navigate(`/runs/${uuid}`))
      .catch((error: Error) => setProblem(error.message));
  };
  return (
    <>
      <button type="button" onClick={run} disabled={disabled} aria-label={`Run ${id} now`}>
        Run now
      </button>
      {problem && <span role="alert">{problem}</span>}
    </>
  );
}

function AddUrl({ added, disabled }: { added: () => void; disabled: boolean }) {
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const url = String(new FormData(form).get('url') ?? '').trim();
    setProblem(undefined);
    request<{ id: string }>('/api/v1/monitors', { method: 'POST', body: JSON.stringify({ url }) })
      .then(({ id }) => request<{ uuid: string }>(`/api/v1/monitors/${id}/run`, { method: 'POST' }))
      .then(({ uuid }) => {
        form.reset();
        added();
        navigate(`/runs/${uuid}`);
      })
      .catch((error: Error) => setProblem(error.message));
  };
  return (
    <form className="add" onSubmit={submit}>
      <label htmlFor="new-url" className="hidden">
        Address to watch
      </label>
      <input id="new-url" name="url" type="url" required placeholder="https://shop.example/" disabled={disabled} />
      <button type="submit" disabled={disabled}>
        Watch it
      </button>
      {disabled && <p className="muted">No scheduler runs in this server.</p>}
      {problem && <p role="alert">{problem}</p>}
    </form>
  );
}

/** The current time, renewed each second for countdowns. */
function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}
