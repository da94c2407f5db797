import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Empty, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge } from '../components/outcome';
import { TimePicker } from '../components/time-picker';
import type { Family, Storage } from '../services/api';
import { bytes, count, dateTime, milliseconds } from '../services/format';
import { both, buckets, inner, useSearch } from '../services/search';
import { useMonitors, useStatus, useStorage } from '../services/server';
import { rangeQuery, type TimeRange } from '../services/time';
import { ConfigurationInForce } from './configuration';
import './stack.css';
import { common } from '../strings/common';
import { stack as say } from '../strings/stack';

export function Stack() {
  const parameters = useParameters({ from: '/stack' });
  const navigate = useNavigate({ from: '/stack' });
  const range = useMemo(
    () => ({ from: parameters.from ?? 'now-24h', to: parameters.to ?? 'now' }),
    [parameters.from, parameters.to],
  );
  const storage = useStorage();
  return (
    <>
      <PageHead title={say.stack}>
        <TimePicker range={range} onChange={(next) => void navigate({ search: (old) => ({ ...old, ...next }) })} />
      </PageHead>
      <Show query={storage}>
        {(found) => (
          <>
            <Components storage={found} />
            <Ledger range={range} />
            <Hosts range={range} />
            <Families storage={found} />
            <ConfigurationInForce />
          </>
        )}
      </Show>
    </>
  );
}

function Components({ storage }: { storage: Storage }) {
  const status = useStatus();
  const monitors = useMonitors();
  const running = monitors.data?.filter((monitor) => monitor.state === 'running').length ?? 0;
  const forecast = storage.forecastBytes;
  return (
    <dl className="totals stack-totals">
      <div className="card">
        <dt>{say.store}</dt>
        <dd>
          <Badge state={storage.health === 'green' ? 'passed' : storage.health === 'yellow' ? 'slow' : 'failed'}>
            {storage.health}
          </Badge>
        </dd>
        <dd className="small soft">
          {status.data?.store ?? ''} · {storage.store}
        </dd>
      </div>
      <div className="card">
        <dt>{say.scheduler}</dt>
        <dd>
          <Badge state={status.data?.configurationProblem ? 'failed' : status.data?.scheduler ? 'passed' : 'neutral'}>
            {status.data?.configurationProblem
              ? say.configurationNotInForce
              : status.data?.scheduler
                ? 'running'
                : say.notHere}
          </Badge>
        </dd>
        <dd className="small soft">{say.monitorsRunning(count(monitors.data?.length ?? 0), running)}</dd>
      </div>
      <div className="card">
        <dt>{say.reports}</dt>
        <dd>
          <Badge state={status.data?.renders ? 'passed' : 'neutral'}>
            {status.data?.renders ? say.canBeDrawn : say.noBrowserHere}
          </Badge>
        </dd>
        <dd className="small soft">{say.pdfAndPngDrawnBy}</dd>
      </div>
      <div className="card">
        <dt>{say.stored}</dt>
        <dd className="big">{bytes(storage.bytes)}</dd>
        <dd className="small soft">{say.growsByADay(bytes(storage.bytesPerDay))}</dd>
      </div>
      <div className="card">
        <dt>{say.forecast}</dt>
        <dd className="big">{forecast === null ? '–' : bytes(forecast)}</dd>
        <dd className="small soft">
          {storage.retentionDays === null ? say.nothingIsDeletedByAge : say.whenDaysAreKept(storage.retentionDays)}
        </dd>
      </div>
      <div className="card">
        <dt>{say.version}</dt>
        <dd className="big">{status.data?.version ?? ''}</dd>
        <dd className="small soft">
          <Link to="/components">{say.componentsOfThisUi}</Link>
        </dd>
      </div>
    </dl>
  );
}

const EVENTS: [string, string][] = [
  ['expected', say.expected],
  ['started', say.started],
  ['finished', say.finished],
  ['skipped', say.skipped],
];

/** Every run that was due, and what became of it. */
function Ledger({ range }: { range: TimeRange }) {
  const query = useSearch('c.ledger-*', {
    size: 8,
    track_total_hits: true,
    query: both(rangeQuery(range)),
    sort: [{ timestamp: { order: 'desc', unmapped_type: 'date' } }],
    aggs: {
      events: {
        terms: { field: 'event', size: 10 },
        aggs: { delay: { percentiles: { field: 'delayMs', percents: [95] } } },
      },
      skipped: {
        filter: { term: { event: 'skipped' } },
        aggs: {
          reasons: { terms: { field: 'reason.keyword', size: 10 } },
          last: { top_hits: { size: 5, sort: [{ timestamp: 'desc' }] } },
        },
      },
    },
  });
  return (
    <section className="card flush" aria-label={say.ledgerOfRuns}>
      <header className="spread">
        <h2>{say.ledgerOfRuns}</h2>
        <Link to="/discover" search={{ index: 'c.ledger-*', from: range.from, to: range.to }}>
          {say.allEntries}
        </Link>
      </header>
      <Show query={query}>
        {(answer) => {
          const events = buckets(answer.aggregations?.events);
          if (events.length === 0) return <Empty title={say.noRunWasDueIn} />;
          const skipped = answer.aggregations?.skipped as unknown as
            | Record<string, ReturnType<typeof inner>>
            | undefined;
          const reasons = buckets(skipped?.reasons);
          const started = events.find((event) => event.key === 'started');
          return (
            <div className="ledger">
              <dl className="run-counts">
                {EVENTS.map(([event, name]) => (
                  <div key={event}>
                    <dt>{name}</dt>
                    <dd>{count(events.find((own) => own.key === event)?.doc_count ?? 0)}</dd>
                  </div>
                ))}
                <div>
                  <dt>{say.delayP95}</dt>
                  <dd>{milliseconds(started && Object.values(inner(started, 'delay')?.values ?? {})[0])}</dd>
                </div>
              </dl>
              {reasons.length > 0 && (
                <table>
                  <thead>
                    <tr>
                      <th scope="col">{say.whyRunsWereSkipped}</th>
                      <th scope="col" className="number">
                        {common.runs}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {reasons.map((reason) => (
                      <tr key={String(reason.key)}>
                        <td className="break">{reason.key}</td>
                        <td className="number">{count(reason.doc_count)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
              <p className="small soft" style={{ padding: '0 var(--space-4) var(--space-3)' }}>
                {say.lastEntry(answer.hits.hits[0] ? dateTime(String(answer.hits.hits[0]._source.timestamp)) : '–')}
              </p>
            </div>
          );
        }}
      </Show>
    </section>
  );
}

/** What watching costs, and what browsers run. */
function Hosts({ range }: { range: TimeRange }) {
  const query = useSearch('c.run-*', {
    size: 0,
    query: both(rangeQuery(range)),
    aggs: {
      browsers: { terms: { field: 'browserVersion', size: 10 } },
      versions: { terms: { field: 'version', size: 10 } },
      runner: { avg: { field: 'overhead.runnerCpuS' } },
      browser: { avg: { field: 'overhead.browserCpuS' } },
      memory: { max: { field: 'overhead.runnerPeakRssBytes' } },
      dropped: { sum: { field: 'overhead.droppedEvents' } },
    },
  });
  const all = query.data?.aggregations;
  const versions = (name: string) =>
    buckets(all?.[name])
      .map((bucket) => `${bucket.key} (${count(bucket.doc_count)})`)
      .join(', ') || '–';
  const rows: [string, string][] = [
    [say.browsers, versions('browsers')],
    ['canarytrace', versions('versions')],
    [say.cpuOfTheRunnerA, `${(all?.runner?.value ?? 0).toFixed(3)} s`],
    [say.cpuOfTheBrowserA, `${(all?.browser?.value ?? 0).toFixed(2)} s`],
    [say.mostMemoryOfARunner, bytes(all?.memory?.value)],
    [say.devToolsEventsThatWereDropped, count(all?.dropped?.value)],
  ];
  return (
    <section className="card flush" aria-label={say.browsersAndWhatWatchingCosts}>
      <header>
        <h2>{say.browsersHeading}</h2>
      </header>
      <table>
        <tbody>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="break">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Families({ storage }: { storage: Storage }) {
  const families = [...storage.families].sort((a, b) => b.bytes - a.bytes);
  const largest = Math.max(...families.map((family) => family.bytes), 1);
  return (
    <section className="card flush" aria-label={say.indices}>
      <header>
        <h2>{say.whatIsStored}</h2>
      </header>
      {families.length === 0 ? (
        <Empty title={say.nothingIsStoredYet} />
      ) : (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">{say.indices}</th>
                <th scope="col" className="number">
                  {say.days}
                </th>
                <th scope="col" className="number">
                  {common.documents}
                </th>
                <th scope="col" className="number">
                  {common.size}
                </th>
                <th scope="col" className="wide-bar">
                  <span className="visually-hidden">{say.share}</span>
                </th>
                <th scope="col" className="number">
                  {say.aDay}
                </th>
                <th scope="col">{say.growth}</th>
              </tr>
            </thead>
            <tbody>
              {families.map((family) => (
                <tr key={family.name}>
                  <td>{family.name}</td>
                  <td className="number">{count(family.indices)}</td>
                  <td className="number">{count(family.documents)}</td>
                  <td className="number">{bytes(family.bytes)}</td>
                  <td className="wide-bar">
                    <span className="share">
                      <span style={{ width: `${(family.bytes / largest) * 100}%` }} />
                    </span>
                  </td>
                  <td className="number">{bytes(family.bytesPerDay)}</td>
                  <td>
                    <Growth family={family} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Growth({ family }: { family: Family }) {
  const days = Object.entries(family.days).slice(-30);
  const most = Math.max(...days.map(([, size]) => size), 1);
  if (days.length < 2) return null;
  return (
    <span className="growth" role="img" aria-label={say.bytesOfEachOfThe(days.length)}>
      {days.map(([day, size]) => (
        <span key={day} title={`${day}: ${bytes(size)}`} style={{ height: `${Math.max((size / most) * 100, 4)}%` }} />
      ))}
    </span>
  );
}
