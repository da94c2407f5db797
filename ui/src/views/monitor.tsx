import { Link, useNavigate, useSearch as useParameters, useParams } from '@tanstack/react-router';
import type { EChartsCoreOption } from 'echarts/core';
import { useCallback, useMemo } from 'react';
import { Chart, type ClickedPoint, type Colors } from '../components/chart';
import { Empty, Failure, Loading } from '../components/faces';
import { PageHead } from '../components/layout';
import { Outcome, Strip } from '../components/outcome';
import { TimePicker } from '../components/time-picker';
import { type Line, lines } from '../panels/answer';
import { timeOption, tip } from '../panels/draw';
import type { TimeChart } from '../panels/model';
import { request } from '../panels/request';
import type { Annotation, RunDocument } from '../services/api';
import { isExactly } from '../services/filters';
import { count, fullDateTime, milliseconds, percent } from '../services/format';
import { timeZone } from '../services/preferences';
import { type Answer, type Bucket, both, buckets, inner, kql, type Query, useSearch } from '../services/search';
import { useAnnotations, useMonitorAction, useMonitors } from '../services/server';
import { useMayEdit } from '../services/session';
import { rangeQuery, resolve, type TimeRange } from '../services/time';
import { MonitorConfiguration } from './configuration';
import { nextRun } from './overview';
import { RunTable } from './runs';
import './monitor.css';
import { common } from '../strings/common';
import { monitor as say } from '../strings/monitor';

const MOST_POINTS = 2000;

export function MonitorView() {
  const { id } = useParams({ from: '/monitors/$id' });
  const parameters = useParameters({ from: '/monitors/$id' });
  const navigate = useNavigate({ from: '/monitors/$id' });
  const range = useMemo(
    () => ({ from: parameters.from ?? 'now-24h', to: parameters.to ?? 'now' }),
    [parameters.from, parameters.to],
  );
  const query = useMemo(() => both(kql(isExactly('monitor', id))), [id]);
  const runs = useSearch<RunDocument>(
    'c.run-*',
    {
      size: MOST_POINTS,
      query: both(query, rangeQuery(range, 'startedAt')),
      sort: [{ startedAt: { order: 'desc', unmapped_type: 'date' } }],
      track_total_hits: true,
      _source: { excludes: ['verdict.facts', 'overhead', 'attachments'] },
      aggs: { outcomes: { terms: { field: 'verdict.outcome', size: 3 } } },
    },
    { live: true },
  );
  const found = useMemo(() => runs.data?.hits.hits.map((hit) => hit._source) ?? [], [runs.data]);
  const go = (next: TimeRange) => void navigate({ search: (old) => ({ ...old, ...next }) });
  return (
    <>
      <PageHead title={id} crumbs={<Link to="/">{common.overview}</Link>}>
        <Actions id={id} />
        <TimePicker range={range} onChange={go} />
      </PageHead>
      <About id={id} runs={found} answer={runs.data} />
      {runs.isError && <Failure error={runs.error} retry={() => void runs.refetch()} />}
      {runs.isPending && <Loading />}
      {runs.data && found.length === 0 && (
        <Empty title={say.noRunInThisTime}>
          <p>{say.chooseALongerTimeOr}</p>
        </Empty>
      )}
      {found.length > 0 && (
        <>
          <Charts runs={found} query={query} range={range} id={id} setRange={go} />
          <Steps query={query} range={range} />
          <section className="card flush" aria-label={say.latestRuns}>
            <header className="spread">
              <h2>{say.latestRuns}</h2>
              <Link to="/runs" search={{ monitor: id, from: range.from, to: range.to }}>
                {say.all(count(runs.data?.hits.total?.value))}
              </Link>
            </header>
            <RunTable runs={found.slice(0, 15)} withMonitor={false} />
          </section>
          <MonitorConfiguration id={id} />
        </>
      )}
    </>
  );
}

function Actions({ id }: { id: string }) {
  const monitors = useMonitors();
  const act = useMonitorAction();
  const navigate = useNavigate();
  const own = monitors.data?.find((monitor) => monitor.id === id);
  const mayEdit = useMayEdit();
  if (!own || !mayEdit) return null;
  const paused = own.state === 'paused';
  return (
    <>
      {own.schedule !== null || paused ? (
        <button
          type="button"
          className="button"
          onClick={() => act.mutate({ id, action: paused ? 'resume' : 'pause' })}
        >
          {paused ? say.resume : say.pause}
        </button>
      ) : null}
      <button
        type="button"
        className="button primary"
        disabled={act.isPending}
        onClick={() =>
          act.mutate(
            { id, action: 'run' },
            {
              onSuccess: (answer) =>
                answer?.uuid && void navigate({ to: '/runs/$uuid', params: { uuid: answer.uuid } }),
            },
          )
        }
      >
        {say.runNow}
      </button>
      {act.isError && <span className="query-error small">{act.error.message}</span>}
    </>
  );
}

function About({ id, runs, answer }: { id: string; runs: RunDocument[]; answer: Answer<RunDocument> | undefined }) {
  const monitors = useMonitors();
  const own = monitors.data?.find((monitor) => monitor.id === id);
  const outcome = (name: string) =>
    buckets(answer?.aggregations?.outcomes).find((bucket) => bucket.key === name)?.doc_count ?? 0;
  const [failed, broken, passed] = [outcome('failed'), outcome('broken'), outcome('passed')];
  const counted = failed + passed;
  const [last] = runs;
  const labels = [...new Set(runs.flatMap((run) => run.labels ?? []))].slice(0, 8);
  return (
    <section className="card about" aria-label={say.aboutThisMonitor}>
      <dl className="about-figures">
        <div>
          <dt>{say.now}</dt>
          <dd>{last ? <Outcome verdict={last.verdict} /> : '–'}</dd>
        </div>
        <div>
          <dt>{say.availability}</dt>
          <dd>{counted > 0 ? percent((passed / counted) * 100, 2) : '–'}</dd>
        </div>
        <div>
          <dt>{common.runs}</dt>
          <dd>
            {count(passed + failed + broken)}
            {broken > 0 && <small className="soft">{say.brokenOnOurSide(broken)}</small>}
          </dd>
        </div>
        {own && (
          <>
            <div>
              <dt>{say.schedule}</dt>
              <dd>{own.schedule ?? (own.state === 'paused' ? 'paused' : say.whenAsked)}</dd>
            </div>
            <div>
              <dt>{say.nextRun}</dt>
              <dd>{nextRun(own)}</dd>
            </div>
            <div>
              <dt>{own.kind === 'smoke' ? say.addresses : say.script}</dt>
              <dd className="break">{own.target}</dd>
            </div>
          </>
        )}
        {last?.revision && (
          <div>
            <dt>{say.revision}</dt>
            <dd className="mono">{last.revision.slice(0, 10)}</dd>
          </div>
        )}
        {last?.browserVersion && (
          <div>
            <dt>{common.browser}</dt>
            <dd>{last.browserVersion}</dd>
          </div>
        )}
      </dl>
      <Strip runs={runs} slots={80} />
      {labels.length > 0 && (
        <ul className="row" aria-label={say.labels}>
          {labels.map((label) => (
            <li key={label} className="pill">
              {label}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const LOAD: TimeChart = {
  kind: 'time',
  index: 'c.run-*',
  series: [
    {
      metric: {
        aggregation: 'percentile',
        field: 'vitals.load',
        percent: 50,
        label: say.loadMedian,
        unit: 'milliseconds',
      },
      band: [5, 95],
    },
  ],
};
const VITALS: TimeChart = {
  kind: 'time',
  index: 'c.run-*',
  series: [
    { metric: { aggregation: 'percentile', percent: 75, field: 'vitals.lcp', label: 'LCP p75', unit: 'milliseconds' } },
    { metric: { aggregation: 'percentile', percent: 75, field: 'vitals.fcp', label: 'FCP p75', unit: 'milliseconds' } },
    {
      metric: { aggregation: 'percentile', percent: 75, field: 'vitals.ttfb', label: 'TTFB p75', unit: 'milliseconds' },
    },
    { metric: { aggregation: 'percentile', percent: 75, field: 'vitals.cls', label: 'CLS p75' }, rightAxis: true },
  ],
};
const AVAILABILITY: TimeChart = {
  kind: 'time',
  index: 'c.run-*',
  series: (['passed', 'failed', 'broken'] as const).map((outcome) => ({
    metric: { aggregation: 'count', query: `verdict.outcome: ${outcome}`, label: outcome },
    style: 'bar',
    stacked: true,
  })),
};

const NO_ANNOTATIONS: Annotation[] = [];

function Charts({
  runs,
  query,
  range,
  id,
  setRange,
}: {
  runs: RunDocument[];
  query: Query;
  range: TimeRange;
  id: string;
  setRange: (range: TimeRange) => void;
}) {
  const scope = useMemo(() => ({ range, filters: [query], width: 900, timeZone: timeZone() }), [range, query]);
  const bounds = useMemo(() => ({ from: resolve(range.from) ?? 0, to: resolve(range.to) ?? 0 }), [range]);
  const annotations = useAnnotations(range, id).data ?? NO_ANNOTATIONS;
  const navigate = useNavigate();
  const load = useSearch(
    'c.run-*',
    useMemo(() => request(LOAD, scope), [scope]),
  );
  const vitals = useSearch(
    'c.run-*',
    useMemo(() => request(VITALS, scope), [scope]),
  );
  const outcomes = useSearch(
    'c.run-*',
    useMemo(() => request(AVAILABILITY, scope), [scope]),
  );
  const draw = useCallback(
    (colors: Colors) =>
      withRuns(timeOption(load.data ? lines(LOAD, load.data) : [], bounds, [], annotations, colors), runs, colors),
    [load.data, bounds, annotations, runs],
  );
  const drawVitals = useCallback(
    (colors: Colors) => timeOption(vitals.data ? lines(VITALS, vitals.data) : [], bounds, [], annotations, colors),
    [vitals.data, bounds, annotations],
  );
  const drawOutcomes = useCallback(
    (colors: Colors) => inRoles(outcomes.data ? lines(AVAILABILITY, outcomes.data) : [], bounds, annotations, colors),
    [outcomes.data, bounds, annotations],
  );
  const open = (point: ClickedPoint) => {
    const { uuid } = point.data as { uuid?: string };
    if (uuid) void navigate({ to: '/runs/$uuid', params: { uuid } });
  };
  const choose = (from: number, to: number) =>
    setRange({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  return (
    <>
      <section className="card" aria-label={say.loadTime}>
        <header className="spread">
          <h2>{say.loadTime}</h2>
          <span className="small soft">{say.medianWithTheBandFrom}</span>
        </header>
        <Chart label={say.loadTimeOfRuns(runs.length)} option={draw} height={240} onClick={open} onRange={choose} />
      </section>
      <div className="two">
        <section className="card" aria-label={say.webVitals}>
          <header>
            <h2>{say.webVitals}</h2>
          </header>
          <Chart label={say.webVitalsOverTime} option={drawVitals} height={200} onRange={choose} />
        </section>
        <section className="card" aria-label={say.outcomes}>
          <header>
            <h2>{say.outcomes}</h2>
          </header>
          <Chart label={say.outcomesOverTime} option={drawOutcomes} height={200} onRange={choose} />
        </section>
      </div>
    </>
  );
}

const SYMBOLS = { passed: 'circle', failed: 'diamond', broken: 'triangle' };

/** Each run as a point over the band. */
function withRuns(option: EChartsCoreOption, runs: RunDocument[], colors: Colors): EChartsCoreOption {
  const points = {
    name: '\u0000runs',
    type: 'scatter',
    z: 4,
    data: runs
      .filter((run) => run.vitals?.load !== undefined || !run.passed)
      .map((run) => ({
        value: [new Date(run.startedAt).getTime(), run.vitals?.load ?? 0],
        uuid: run.uuid,
        run,
        symbol: SYMBOLS[run.verdict.outcome],
        symbolSize: run.passed ? 5 : 10,
        itemStyle: { color: colors.role(run.verdict.outcome), opacity: run.passed ? 0.55 : 1 },
      })),
    tooltip: {
      trigger: 'item',
      formatter: ({ data }: { data: { run: RunDocument } }) =>
        tip(fullDateTime(data.run.startedAt), [
          [colors.role(data.run.verdict.outcome), data.run.verdict.outcome, milliseconds(data.run.vitals?.load)],
          ...(data.run.verdict.detail ? [[undefined, data.run.verdict.detail, ''] as [undefined, string, string]] : []),
        ]),
    },
  };
  return { ...option, series: [...(option.series as object[]), points] };
}

function inRoles(
  found: Line[],
  bounds: { from: number; to: number },
  annotations: Annotation[],
  colors: Colors,
): EChartsCoreOption {
  const option = timeOption(found, bounds, [], annotations, colors);
  const roles = ['passed', 'failed', 'broken'];
  const series = (option.series as Record<string, unknown>[]).map((own, at) => ({
    ...own,
    color: colors.role(roles[at] ?? 'neutral'),
  }));
  return { ...option, series };
}

const BEFORE = { aggs: { time: { percentiles: { field: 'testStepDuration', percents: [50, 95] } } } };

/** Each step now against the same length of time before. */
function Steps({ query, range }: { query: Query; range: TimeRange }) {
  const [earlier, middle] = useMemo(() => {
    const now = Date.now();
    const [from, to] = [resolve(range.from, now) ?? now, resolve(range.to, now) ?? now];
    return [new Date(2 * from - to).toISOString(), new Date(from).toISOString()];
  }, [range]);
  const steps = useSearch('c.report-*', {
    size: 0,
    query: both(query, { term: { event: 'testStepEnd' } }, { range: { timestamp: { gte: earlier } } }),
    aggs: {
      steps: {
        terms: { field: 'fullTitle', size: 100 },
        aggs: {
          order: { min: { field: 'sequence' } },
          before: { filter: { range: { timestamp: { lt: middle } } }, ...BEFORE },
          now: {
            filter: { range: { timestamp: { gte: middle } } },
            aggs: { ...BEFORE.aggs, failed: { filter: { term: { passed: false } } } },
          },
        },
      },
    },
  });
  const value = (bucket: Bucket, side: string, at: number): number | null =>
    Object.values((inner(bucket, side)?.time as { values?: Record<string, number | null> } | undefined)?.values ?? {})[
      at
    ] ?? null;
  const found = buckets(steps.data?.aggregations?.steps).sort(
    (a, b) => Number(inner(a, 'order')?.value ?? 0) - Number(inner(b, 'order')?.value ?? 0),
  );
  if (found.length === 0) return null;
  const longest = Math.max(...found.map((bucket) => value(bucket, 'now', 1) ?? 0), 1);
  return (
    <section className="card flush" aria-label={common.steps}>
      <header className="spread">
        <h2>{common.steps}</h2>
        <span className="small soft">{say.comparedWithTheSameLength}</span>
      </header>
      <div className="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">{common.step}</th>
              <th scope="col" className="wide-bar">
                {say.medianTo95ThPercentile}
              </th>
              <th scope="col" className="number">
                {say.median}
              </th>
              <th scope="col" className="number">
                {say.before}
              </th>
              <th scope="col" className="number">
                {common.change}
              </th>
              <th scope="col" className="number">
                {say.failed}
              </th>
            </tr>
          </thead>
          <tbody>
            {found.map((bucket) => {
              const [now, high, before] = [
                value(bucket, 'now', 0),
                value(bucket, 'now', 1),
                value(bucket, 'before', 0),
              ];
              const change = now !== null && before ? (now / before - 1) * 100 : null;
              const failed = Number(
                (inner(bucket, 'now')?.failed as { doc_count?: number } | undefined)?.doc_count ?? 0,
              );
              return (
                <tr key={String(bucket.key)}>
                  <td className="break">{bucket.key}</td>
                  <td className="wide-bar">
                    <span className="range-bar">
                      <span style={{ width: `${((high ?? 0) / longest) * 100}%` }} />
                      <span className="median" style={{ width: `${((now ?? 0) / longest) * 100}%` }} />
                    </span>
                  </td>
                  <td className="number">{milliseconds(now)}</td>
                  <td className="number">{milliseconds(before)}</td>
                  <td
                    className={`number ${change !== null && change > 20 ? 'worse' : change !== null && change < -20 ? 'better' : ''}`}
                  >
                    {change === null ? '–' : `${change > 0 ? '+' : ''}${change.toFixed(0)} %`}
                  </td>
                  <td className={`number ${failed > 0 ? 'worse' : ''}`}>{failed || '–'}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
