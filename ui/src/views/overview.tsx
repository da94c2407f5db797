import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { type FormEvent, useEffect, useMemo, useState } from 'react';
import { Empty, Failure, Loading, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge, causeName, isOurs, type Role, Strip } from '../components/outcome';
import { useIncidents } from '../services/alerts';
import type { Monitor, RunDocument } from '../services/api';
import { ago, count, milliseconds, percent, until } from '../services/format';
import { type Answer, type Bucket, buckets, inner, useSearch } from '../services/search';
import { useAddUrl, useMonitors } from '../services/server';
import { shortUrl } from '../services/url';
import { IncidentTable } from './incidents';
import './overview.css';
import { common } from '../strings/common';
import { fill } from '../strings/fill';
import { overview as say } from '../strings/overview';

const WINDOWS: Record<string, [string, string]> = {
  '24h': ['now-24h', 'now-6h'],
  '7d': ['now-7d', 'now-1d'],
  '30d': ['now-30d', 'now-3d'],
};
const SLOTS = 40;

/** A monitor as the overview knows it: from its runs, and from the scheduler where one runs here. */
interface Watched {
  id: string;
  monitor?: Monitor;
  runs: RunDocument[];
  total: number;
  failed: number;
  broken: number;
  load: number | null;
}

const RUN_FIELDS = [
  'uuid',
  'monitor',
  'startedAt',
  'durationMs',
  'passed',
  'verdict.outcome',
  'verdict.cause',
  'verdict.detail',
];

const runsBody = (from: string) => ({
  size: 0,
  track_total_hits: true,
  query: { range: { startedAt: { gte: from } } },
  aggs: {
    monitors: {
      terms: { field: 'monitor', size: 500, order: { _key: 'asc' } },
      aggs: {
        outcomes: { terms: { field: 'verdict.outcome', size: 3 } },
        load: { percentiles: { field: 'vitals.load', percents: [75] } },
        last: { top_hits: { size: SLOTS, sort: [{ startedAt: { order: 'desc' } }], _source: RUN_FIELDS } },
      },
    },
  },
});

function watched(answer: Answer | undefined, monitors: Monitor[]): Watched[] {
  const known = new Map<string, Watched>();
  for (const bucket of buckets(answer?.aggregations?.monitors)) {
    const outcome = (name: string) =>
      buckets(inner(bucket, 'outcomes')).find((own) => own.key === name)?.doc_count ?? 0;
    known.set(String(bucket.key), {
      id: String(bucket.key),
      runs: (inner(bucket, 'last')?.hits?.hits ?? []).map((hit) => hit._source as unknown as RunDocument),
      total: bucket.doc_count,
      failed: outcome('failed'),
      broken: outcome('broken'),
      load: Object.values(inner(bucket, 'load')?.values ?? {})[0] ?? null,
    });
  }
  for (const monitor of monitors) {
    const own = known.get(monitor.id) ?? { id: monitor.id, runs: [], total: 0, failed: 0, broken: 0, load: null };
    known.set(monitor.id, { ...own, monitor });
  }
  return [...known.values()];
}

/** What ours broke says nothing about the site. */
const availability = (own: { total: number; failed: number; broken: number }): number | null => {
  const counted = own.total - own.broken;
  return counted > 0 ? ((counted - own.failed) / counted) * 100 : null;
};

const stateOf = (own: Watched): Role => {
  const outcome = own.runs[0]?.verdict.outcome;
  if (own.monitor?.state === 'paused') return 'neutral';
  return outcome ?? 'neutral';
};

const RANK: Role[] = ['failed', 'broken', 'slow', 'neutral', 'passed', 'running'];

export function Overview() {
  const { window = '24h', q = '', rotate, kiosk } = useParameters({ from: '/' });
  const navigate = useNavigate({ from: '/' });
  const [from, recent] = WINDOWS[window] ?? ['now-24h', 'now-6h'];
  const body = useMemo(() => runsBody(from), [from]);
  const query = useSearch('c.run-*', body, { live: true });
  const monitors = useMonitors();
  // They stand above the rest, so the page waits for them instead of moving down.
  const incidents = useIncidents('open');
  useRotation(rotate, window, (next) => void navigate({ search: (old) => ({ ...old, window: next }), replace: true }));

  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const all = watched(query.data, monitors.data ?? []);
  const shown = all
    .filter((own) => own.id.includes(q.toLowerCase()))
    .sort((a, b) => RANK.indexOf(stateOf(a)) - RANK.indexOf(stateOf(b)) || a.id.localeCompare(b.id));
  return (
    <>
      <PageHead title={common.overview}>
        <fieldset className="segments">
          <legend className="visually-hidden">{common.time}</legend>
          {Object.keys(WINDOWS).map((name) => (
            <label key={name} className={name === window ? 'on' : undefined}>
              <input
                type="radio"
                name="window"
                className="visually-hidden"
                checked={name === window}
                onChange={() => void navigate({ search: (old) => ({ ...old, window: name }) })}
              />
              {name}
            </label>
          ))}
        </fieldset>
        {!kiosk && (
          <button
            type="button"
            className="button"
            onClick={() => void navigate({ search: (old) => ({ ...old, kiosk: 'yes' }) })}
          >
            {say.wallScreen}
          </button>
        )}
      </PageHead>
      <Show query={query}>
        {() =>
          incidents.isPending ? (
            <Loading />
          ) : all.length === 0 ? (
            <FirstUrl />
          ) : (
            <>
              <Totals all={all} />
              <OpenIncidents />
              <Failing all={all} />
              <section className="card flush" aria-label={common.monitors}>
                <header className="spread">
                  <h2>{common.monitors}</h2>
                  {!kiosk && (
                    <input
                      type="search"
                      className="input find"
                      aria-label={say.findAMonitor}
                      placeholder={say.findAMonitor}
                      value={q}
                      onChange={(event) =>
                        void navigate({ search: (old) => ({ ...old, q: event.target.value }), replace: true })
                      }
                    />
                  )}
                </header>
                <MonitorTable shown={shown} />
              </section>
              <Pages from={from} recent={recent} window={window} />
              {!kiosk && monitors.data && monitors.data.length > 0 && <AddUrl />}
            </>
          )
        }
      </Show>
    </>
  );
}

/** A wall screen goes through the times by itself: `?rotate=30`. */
function useRotation(seconds: string | undefined, window: string, go: (window: string) => void) {
  useEffect(() => {
    const pause = Number(seconds ?? 0) * 1000;
    if (!pause) return;
    const names = Object.keys(WINDOWS);
    const timer = globalThis.setTimeout(
      () => go(names[(names.indexOf(window) + 1) % names.length] ?? '24h'),
      Math.max(pause, 5000),
    );
    return () => globalThis.clearTimeout(timer);
  });
}

function Totals({ all }: { all: Watched[] }) {
  const count_ = (role: Role) => all.filter((own) => stateOf(own) === role).length;
  const sum = all.reduce(
    (total, own) => ({
      total: total.total + own.total,
      failed: total.failed + own.failed,
      broken: total.broken + own.broken,
    }),
    { total: 0, failed: 0, broken: 0 },
  );
  const figures: [string, string, string][] = [
    [say.failingNow, String(count_('failed')), count_('failed') > 0 ? 'failed' : ''],
    [say.brokenOnOurSide, String(count_('broken')), count_('broken') > 0 ? 'broken' : ''],
    [say.passing, String(count_('passed')), ''],
    [say.availability, percent(availability(sum), 2), ''],
    [common.runs, count(sum.total), ''],
  ];
  return (
    <dl className="totals">
      {figures.map(([name, value, role]) => (
        <div key={name} className={`card total ${role}`}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What fails at this moment, by whose trouble it is. */
function Failing({ all }: { all: Watched[] }) {
  const failing = all.filter((own) => ['failed', 'broken'].includes(stateOf(own)));
  if (failing.length === 0) return null;
  const causes = Map.groupBy(failing, (own) => own.runs[0]?.verdict.cause ?? 'inconclusive');
  return (
    <section className="failing" aria-label={say.whatFailsNow}>
      {[...causes].map(([cause, list]) => (
        <article key={cause} className={`card ${isOurs(cause) ? 'ours' : 'theirs'}`}>
          <header className="spread">
            <h2>{causeName(cause)}</h2>
            <span className="small soft">
              {isOurs(cause) ? say.ourSide : cause === 'inconclusive' ? say.notYetClear : say.notOurSide} ·{' '}
              {list.length}
            </span>
          </header>
          <ul className="failing-list">
            {list.slice(0, 6).map((own) => (
              <li key={own.id}>
                <Link to="/runs/$uuid" params={{ uuid: own.runs[0]?.uuid ?? '' }}>
                  {own.id}
                </Link>
                <p className="small soft break">
                  {own.runs[0]?.verdict.detail} · {since(own)}
                </p>
              </li>
            ))}
            {list.length > 6 && <li className="small soft">{say.andMoreBelow(list.length - 6)}</li>}
          </ul>
        </article>
      ))}
    </section>
  );
}

/** Since when without a run that passed, as far as it is known. */
function since(own: Watched): string {
  const good = own.runs.findIndex((run) => run.passed);
  const first = own.runs[(good === -1 ? own.runs.length : good) - 1];
  return first ? say.lastsFor(good === -1 ? say.atLeast : '', ago(first.startedAt).replace(' ago', '')) : '';
}

function MonitorTable({ shown }: { shown: Watched[] }) {
  if (shown.length === 0) return <Empty title={say.noMonitorHasThisName} />;
  return (
    <div className="scroll-x">
      <table className="monitors">
        <thead>
          <tr>
            <th scope="col">{common.state}</th>
            <th scope="col">{common.monitor}</th>
            <th scope="col" className="wide">
              {say.lastRuns(SLOTS)}
            </th>
            <th scope="col" className="number">
              {say.availability}
            </th>
            <th scope="col" className="number minor">
              {say.loadP75}
            </th>
            <th scope="col" className="minor">
              {say.lastRun}
            </th>
            <th scope="col" className="minor">
              {say.next}
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((own) => (
            <tr key={own.id}>
              <td>
                <Badge state={own.monitor?.state === 'running' ? 'running' : stateOf(own)}>{stateWord(own)}</Badge>
              </td>
              <td>
                <Link to="/monitors/$id" params={{ id: own.id }}>
                  {own.id}
                </Link>
                {own.monitor && <div className="small soft clip target">{own.monitor.target}</div>}
              </td>
              <td className="wide">
                <Strip runs={own.runs} slots={SLOTS} />
              </td>
              <td className="number">{percent(availability(own), 2)}</td>
              <td className="number minor">{milliseconds(own.load)}</td>
              <td className="minor">
                {own.runs[0] ? (
                  <Link to="/runs/$uuid" params={{ uuid: own.runs[0].uuid }}>
                    {ago(own.runs[0].startedAt)}
                  </Link>
                ) : (
                  <span className="soft">{say.never}</span>
                )}
              </td>
              <td className="soft minor">{nextRun(own.monitor)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function stateWord(own: Watched): string {
  if (own.monitor?.state === 'running' || own.monitor?.state === 'paused') return own.monitor.state;
  const verdict = own.runs[0]?.verdict;
  if (!verdict) return say.noRunYet;
  return verdict.cause ? `${verdict.outcome} · ${causeName(verdict.cause)}` : verdict.outcome;
}

export function nextRun(monitor: Monitor | undefined): string {
  if (!monitor) return '';
  if (monitor.state === 'running' || monitor.state === 'queued' || monitor.state === 'paused') return monitor.state;
  return monitor.nextRun ? until(monitor.nextRun) : say.whenAsked;
}

const pagesBody = (from: string, recent: string) => ({
  size: 0,
  query: { range: { timestamp: { gte: from } } },
  aggs: {
    pages: {
      terms: { field: 'url', size: 200 },
      aggs: {
        before: {
          filter: { range: { timestamp: { lt: recent } } },
          aggs: { load: { percentiles: { field: 'load', percents: [75] } } },
        },
        now: {
          filter: { range: { timestamp: { gte: recent } } },
          aggs: { load: { percentiles: { field: 'load', percents: [75] } } },
        },
      },
    },
  },
});

const p75 = (bucket: Bucket, name: string): number | null =>
  Object.values(
    (inner(bucket, name)?.load as { values?: Record<string, number | null> } | undefined)?.values ?? {},
  )[0] ?? null;

/** Slowest pages, and those that changed most: the newest quarter of the time against what was before. */
function Pages({ from, recent, window }: { from: string; recent: string; window: string }) {
  const body = useMemo(() => pagesBody(from, recent), [from, recent]);
  const query = useSearch('c.vitals-*', body);
  const pages = buckets(query.data?.aggregations?.pages).map((bucket) => ({
    url: String(bucket.key),
    before: p75(bucket, 'before'),
    now: p75(bucket, 'now'),
  }));
  const slowest = pages.filter((page) => page.now !== null).sort((a, b) => (b.now ?? 0) - (a.now ?? 0));
  const change = (page: (typeof pages)[number]) =>
    page.now === null || page.before === null || page.before === 0 ? 0 : (page.now / page.before - 1) * 100;
  const changed = slowest
    .filter((page) => Math.abs(change(page)) > 5)
    .sort((a, b) => Math.abs(change(b)) - Math.abs(change(a)));
  if (slowest.length === 0) return null;
  const list = (title: string, chosen: typeof pages) => (
    <section className="card flush" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {chosen.length === 0 ? (
        <Empty title={say.nothingChangedByMoreThan} />
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">{common.page}</th>
              <th scope="col" className="number">
                {say.loadP75}
              </th>
              <th scope="col" className="number">
                {common.change}
              </th>
            </tr>
          </thead>
          <tbody>
            {chosen.slice(0, 6).map((page) => (
              <tr key={page.url}>
                <td className="break">
                  <Link
                    to="/discover"
                    search={{ index: 'c.vitals-*', filter: [`url: "${page.url}"`], from, to: 'now' }}
                    title={page.url}
                  >
                    {page.url.replace(/^https?:\/\//, '') || shortUrl(page.url)}
                  </Link>
                </td>
                <td className="number">{milliseconds(page.now)}</td>
                <td className={`number ${change(page) > 20 ? 'worse' : change(page) < -20 ? 'better' : ''}`}>
                  {page.before === null ? 'new' : `${change(page) > 0 ? '+' : ''}${change(page).toFixed(0)} %`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
  return (
    <div className="two">
      {list(say.slowestPages, slowest)}
      {list(say.mostChangedWithin(window), changed)}
    </div>
  );
}

/** What the listener has found and nobody has ended. */
function OpenIncidents() {
  const open = useIncidents('open');
  if (!open.data || open.data.length === 0) return null;
  return (
    <section className="card flush" aria-label={say.openIncidents}>
      <header className="spread">
        <h2>{say.openIncidents}</h2>
        <Link to="/incidents">{say.allIncidents}</Link>
      </header>
      <IncidentTable incidents={open.data.slice(0, 5)} />
    </section>
  );
}

function FirstUrl() {
  return (
    <Empty title={say.nothingIsWatchedYet}>
      <p>{say.giveAnAddressItIs}</p>
      <AddUrl />
      <p className="small soft">
        {fill(say.scriptsAndSchedulesAreWritten, <code>canarytrace.yaml</code>, <code>canarytrace init</code>)}
      </p>
    </Empty>
  );
}

function AddUrl() {
  const add = useAddUrl();
  const navigate = useNavigate();
  const [url, setUrl] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(url, {
      onSuccess: ({ id }) => void navigate({ to: '/monitors/$id', params: { id } }),
    });
  };
  return (
    <form className="row add-url" onSubmit={submit}>
      <label className="visually-hidden" htmlFor="new-url">
        {say.addressToWatch}
      </label>
      <input
        id="new-url"
        className="input"
        placeholder="https://shop.example/"
        value={url}
        onChange={(event) => setUrl(event.target.value)}
      />
      <button type="submit" className="button primary" disabled={add.isPending}>
        {say.watchThisPage}
      </button>
      {add.isError && (
        <p className="query-error small" role="alert">
          {add.error.message}
        </p>
      )}
    </form>
  );
}
