import { Empty, Outcome, Show } from '../components/faces';
import { Link } from '../components/layout';
import { rangeFilter, TimeRange } from '../components/time-range';
import { dateTime, milliseconds } from '../services/format';
import { useLive } from '../services/live';
import { setQuery, useLocation } from '../services/location';
import type { ReportDocument, RunDocument } from '../services/model';
import { byTime, type Hit, search } from '../services/search';

const INDICES = /run-|report-/;
const PAGE = 100;
const OUTCOMES = ['passed', 'failed', 'broken'] as const;

interface State {
  total: number;
  ended: Hit<RunDocument>[];
  running: ReportDocument[];
  monitors: string[];
}

async function load(query: URLSearchParams): Promise<State> {
  const filter: object[] = [rangeFilter(query.get('range') ?? '24h')];
  const monitor = query.get('monitor');
  const outcome = query.get('outcome');
  const text = query.get('q');
  if (monitor) filter.push({ term: { monitor } });
  if (outcome) filter.push({ term: { 'verdict.outcome': outcome } });
  if (text) filter.push({ query_string: { query: text, default_operator: 'AND' } });
  const [answer, started] = await Promise.all([
    search<RunDocument>('c.run-*', {
      size: PAGE,
      query: { bool: { filter } },
      sort: [byTime('desc')],
      track_total_hits: true,
      aggs: { monitors: { terms: { field: 'monitor', size: 500, order: { _key: 'asc' } } } },
    }),
    outcome || text ? Promise.resolve(undefined) : startedRuns(monitor),
  ]);
  const ended = new Set(answer.hits.hits.map((hit) => hit._source.uuid));
  return {
    total: answer.hits.total?.value ?? 0,
    ended: answer.hits.hits,
    running: (started ?? []).filter((start) => !ended.has(start.uuid)),
    monitors: (answer.aggregations?.monitors?.buckets ?? []).map((bucket) => String(bucket.key)),
  };
}

/** Runs that began within ten minutes; those without a run document are going on. */
async function startedRuns(monitor: string | null): Promise<ReportDocument[]> {
  const filter: object[] = [{ term: { event: 'testStart' } }, { range: { timestamp: { gte: 'now-10m' } } }];
  if (monitor) filter.push({ term: { monitor } });
  const answer = await search<ReportDocument>('c.report-*', {
    size: 20,
    query: { bool: { filter } },
    sort: [byTime('desc')],
  });
  return answer.hits.hits.map((hit) => hit._source);
}

export function RunsView() {
  const { query } = useLocation();
  const [loaded, reload] = useLive(() => load(query), [query.toString()], INDICES);
  return (
    <>
      <h1>Runs</h1>
      <form className="controls" onSubmit={(event) => event.preventDefault()}>
        <input
          key={query.get('q') ?? ''}
          type="search"
          aria-label="Search runs"
          placeholder="Search: timeout, verdict.cause:site, vitals.lcp:>2500 …"
          defaultValue={query.get('q') ?? ''}
          onKeyDown={(event) => event.key === 'Enter' && setQuery({ q: event.currentTarget.value })}
        />
        <label className="control">
          <span className="hidden">Monitor</span>
          <select value={query.get('monitor') ?? ''} onChange={(event) => setQuery({ monitor: event.target.value })}>
            <option value="">All monitors</option>
            {options(loaded.state === 'ready' ? loaded.value.monitors : [], query.get('monitor')).map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <label className="control">
          <span className="hidden">Outcome</span>
          <select value={query.get('outcome') ?? ''} onChange={(event) => setQuery({ outcome: event.target.value })}>
            <option value="">All outcomes</option>
            {OUTCOMES.map((outcome) => (
              <option key={outcome}>{outcome}</option>
            ))}
          </select>
        </label>
        <TimeRange value={query.get('range') ?? '24h'} onChange={(range) => setQuery({ range })} />
      </form>
      <Show loaded={loaded} retry={reload}>
        {(state) => (state.total + state.running.length === 0 ? <Nothing /> : <RunTable state={state} />)}
      </Show>
    </>
  );
}

const options = (ids: string[], chosen: string | null) => (chosen && !ids.includes(chosen) ? [chosen, ...ids] : ids);

function Nothing() {
  return (
    <Empty title="No run matches">
      <p>Choose a longer time range or remove a filter. Runs appear here while they run.</p>
    </Empty>
  );
}

function RunTable({ state }: { state: State }) {
  return (
    <div className="table-scroll">
      <p className="muted">
        {state.total} runs{state.total > PAGE && `, the latest ${PAGE} are shown`}
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Started</th>
            <th scope="col">Monitor</th>
            <th scope="col">Outcome</th>
            <th scope="col">Reason</th>
            <th scope="col" className="number">
              Load
            </th>
            <th scope="col" className="number">
              LCP
            </th>
            <th scope="col" className="number">
              Run
            </th>
          </tr>
        </thead>
        <tbody>
          {state.running.map((start) => (
            <tr key={start.uuid}>
              <td>
                <Link to={`/runs/${start.uuid}`}>{dateTime(start.timestamp)}</Link>
              </td>
              <td>{start.monitor}</td>
              <td>
                <Outcome running />
              </td>
              <td colSpan={4} />
            </tr>
          ))}
          {state.ended.map(({ _source: run }) => (
            <tr key={run.uuid}>
              <td>
                <Link to={`/runs/${run.uuid}`}>{dateTime(run.startedAt)}</Link>
              </td>
              <td>{run.monitor}</td>
              <td>
                <Outcome verdict={run.verdict} />
              </td>
              <td className="reason">{run.verdict.detail}</td>
              <td className="number">{milliseconds(run.vitals?.load)}</td>
              <td className="number">{milliseconds(run.vitals?.lcp)}</td>
              <td className="number">{milliseconds(run.durationMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
