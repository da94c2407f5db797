import type { ReactNode } from 'react';
import { Empty, Outcome, Show } from '../components/faces';
import { Link } from '../components/layout';
import { Waterfall } from '../components/waterfall';
import { explain } from '../services/facts';
import { attachment, bytes, dateTime, milliseconds, time } from '../services/format';
import { useLive } from '../services/live';
import { setQuery, useLocation } from '../services/location';
import type { ConsoleDocument, ReportDocument, RequestDocument, RunDocument } from '../services/model';
import { type Hit, type Source, search } from '../services/search';

const INDICES = /run-|report-|request-log-|console-/;

interface State {
  run?: RunDocument | undefined;
  report: ReportDocument[];
  requests: RequestDocument[];
  console: ConsoleDocument[];
}

async function load(uuid: string): Promise<State> {
  const of = <T,>(index: string, sort: string, size: number) =>
    search<T>(index, {
      size,
      query: { term: { uuid } },
      sort: [{ [sort]: { order: 'asc', unmapped_type: 'long' } }],
    }).then((answer) => answer.hits.hits.map((hit) => hit._source));
  const [runs, report, requests, console] = await Promise.all([
    of<RunDocument>('c.run-*', 'timestamp', 1),
    of<ReportDocument>('c.report-*', 'sequence', 1000),
    of<RequestDocument>('c.request-log-*', 'sequence', 5000),
    of<ConsoleDocument>('c.console-*', 'sequence', 1000),
  ]);
  return { run: runs[0], report, requests, console };
}

export function RunView({ uuid }: { uuid: string }) {
  const [loaded, reload] = useLive(() => load(uuid), [uuid], INDICES);
  return (
    <Show loaded={loaded} retry={reload}>
      {(state) =>
        state.report.length === 0 && !state.run ? <Waiting uuid={uuid} /> : <Run uuid={uuid} state={state} />
      }
    </Show>
  );
}

function Waiting({ uuid }: { uuid: string }) {
  return (
    <Empty title="The run is being prepared">
      <p>
        <span className="spinner" /> A fresh browser is starting. This page shows the run as soon as it begins.
      </p>
      <p className="muted">Run {uuid}</p>
    </Empty>
  );
}

const TABS = ['requests', 'console', 'documents'] as const;

function Run({ uuid, state }: { uuid: string; state: State }) {
  const { query } = useLocation();
  const { run, report } = state;
  const start = report.find((event) => event.event === 'testStart');
  const tab = query.get('tab') ?? 'requests';
  return (
    <article>
      <p className="crumbs">
        <Link to={`/runs?monitor=${encodeURIComponent(run?.monitor ?? start?.monitor ?? '')}`}>
          {run?.monitor ?? start?.monitor ?? 'runs'}
        </Link>{' '}
        · {run ? dateTime(run.startedAt) : start && dateTime(start.timestamp)}
      </p>
      <VerdictBox run={run} />
      {run && <Figures run={run} />}
      <Steps report={report} uuid={uuid} attachments={run?.attachments ?? []} />
      <div className="tabs" role="tablist">
        {TABS.map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={tab === name}
            onClick={() => setQuery({ tab: name })}
          >
            {title(name, state)}
          </button>
        ))}
      </div>
      <div role="tabpanel">
        {tab === 'requests' &&
          (state.requests.length > 0 ? (
            <Waterfall requests={state.requests} />
          ) : (
            <p className="muted">No requests have been seen.</p>
          ))}
        {tab === 'console' && <Console events={state.console} />}
        {tab === 'documents' && <Documents uuid={uuid} />}
      </div>
    </article>
  );
}

function title(name: (typeof TABS)[number], state: State): string {
  if (name === 'requests') return `Requests (${state.requests.length})`;
  if (name === 'console') return `Console (${state.console.length})`;
  return 'Documents';
}

function VerdictBox({ run }: { run: RunDocument | undefined }) {
  if (!run) {
    return (
      <section className="verdict running" aria-live="polite">
        <Outcome running />
        <p>The run is going on; steps appear as they happen.</p>
      </section>
    );
  }
  const facts = explain(run.verdict.facts ?? {});
  return (
    <section className={`verdict ${run.verdict.outcome}`} aria-live="polite">
      <Outcome verdict={run.verdict} />
      <h1>{run.verdict.detail ?? 'Everything was as it should be'}</h1>
      {facts.length > 0 && (
        <dl className="facts">
          {facts.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="break lines">{text}</dd>
            </div>
          ))}
        </dl>
      )}
      <Evidence run={run} />
    </section>
  );
}

const EVIDENCE: [string, string][] = [
  ['.har', 'HAR of the run'],
  ['.dom.html', 'Copy of the page'],
];

/** Links to what was kept of the run beside its pictures. */
function Evidence({ run }: { run: RunDocument }) {
  const links = (run.attachments ?? []).flatMap((name) => {
    const known = EVIDENCE.find(([ending]) => name.endsWith(ending));
    return known ? [{ name, label: known[1] }] : [];
  });
  if (links.length === 0) return null;
  return (
    <p className="evidence">
      {links.map(({ name, label }) => (
        <a key={name} href={attachment(run.uuid, name)} download={name}>
          {label}
        </a>
      ))}
    </p>
  );
}

function Figure({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Figures({ run }: { run: RunDocument }) {
  const vitals = run.vitals ?? {};
  return (
    <dl className="figures">
      <Figure name="Load">{milliseconds(vitals.load)}</Figure>
      <Figure name="LCP">{milliseconds(vitals.lcp)}</Figure>
      <Figure name="FCP">{milliseconds(vitals.fcp)}</Figure>
      <Figure name="TTFB">{milliseconds(vitals.ttfb)}</Figure>
      <Figure name="CLS">{vitals.cls?.toFixed(3) ?? '–'}</Figure>
      <Figure name="Requests">
        {run.requests}
        {run.requestsFailed > 0 && <small> {run.requestsFailed} failed</small>}
      </Figure>
      <Figure name="Transferred">{bytes(run.transferBytes)}</Figure>
      <Figure name="Run">{milliseconds(run.durationMs)}</Figure>
      <Figure name="Browser">{run.browserVersion ?? '–'}</Figure>
    </dl>
  );
}

/** `<step>-film-<milliseconds>.jpg`, in the order of time. */
function Filmstrip({ uuid, action, attachments }: { uuid: string; action: string; attachments: string[] }) {
  const start = `${action}-film-`;
  const pictures = attachments.filter((name) => name.startsWith(start)).sort();
  if (pictures.length === 0) return null;
  return (
    <ol className="filmstrip" aria-label="Filmstrip">
      {pictures.map((name) => {
        const at = milliseconds(Number.parseInt(name.slice(start.length), 10));
        return (
          <li key={name}>
            <a href={attachment(uuid, name)} target="_blank" rel="noreferrer">
              <img src={attachment(uuid, name)} alt={`The page after ${at}`} loading="lazy" />
            </a>
            <small className="muted">{at}</small>
          </li>
        );
      })}
    </ol>
  );
}

function Steps({ report, uuid, attachments }: { report: ReportDocument[]; uuid: string; attachments: string[] }) {
  const ends = new Map(
    report.filter((event) => event.event === 'testStepEnd').map((event) => [event.uuidAction, event]),
  );
  const steps = report.filter((event) => event.event === 'testStepStart');
  const longest = Math.max(...[...ends.values()].map((end) => end.testStepDuration ?? 0), 1);
  if (steps.length === 0) return null;
  return (
    <section>
      <h2>Steps</h2>
      <ol className="steps">
        {steps.map((step) => {
          const end = ends.get(step.uuidAction);
          const picture = end?.attachments && end.attachments !== 'no' ? end.attachments : undefined;
          return (
            <li key={step.uuidAction}>
              <div className="step">
                <Outcome verdict={end?.verdict} running={!end} />
                <span className="break">{step.title}</span>
                <span className="number">{milliseconds(end?.testStepDuration)}</span>
                <span className="meter" aria-hidden="true">
                  <span style={{ width: `${((end?.testStepDuration ?? 0) / longest) * 100}%` }} />
                </span>
              </div>
              {end?.errMessage && <p className="error">{end.errMessage}</p>}
              <Filmstrip uuid={uuid} action={step.uuidAction ?? ''} attachments={attachments} />
              {picture && (
                <a href={attachment(uuid, picture)} target="_blank" rel="noreferrer">
                  <img
                    className="screenshot"
                    src={attachment(uuid, picture)}
                    alt={`The page when “${step.title}” ended`}
                    loading="lazy"
                  />
                </a>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Console({ events }: { events: ConsoleDocument[] }) {
  if (events.length === 0) return <p className="muted">The console stayed empty.</p>;
  return (
    <ul className="console">
      {events.map((event) => (
        <li
          key={event.sequence}
          className={event.level ?? (event.eventType === 'Runtime.exceptionThrown' ? 'error' : '')}
        >
          <span className="muted">{time(event.timestamp)}</span>
          <span>{event.level ?? event.type ?? 'exception'}</span>
          <span className="break">
            {event.exception?.description ?? event.text ?? '(arguments in Documents)'}
            {event.url && <small className="muted"> {event.url}</small>}
          </span>
          <small className="muted">{event.eventType}</small>
        </li>
      ))}
    </ul>
  );
}

const loadDocuments = async (uuid: string): Promise<Hit[]> => {
  const answer = await search<Source>('c.*', {
    size: 500,
    query: { term: { uuid } },
    sort: [{ timestamp: { order: 'asc', unmapped_type: 'date' } }],
  });
  return answer.hits.hits;
};

function Documents({ uuid }: { uuid: string }) {
  const [loaded, reload] = useLive(() => loadDocuments(uuid), [uuid], INDICES);
  return (
    <Show loaded={loaded} retry={reload}>
      {(hits) => (
        <ul className="documents">
          {hits.map((hit) => (
            <li key={hit._id}>
              <details>
                <summary>
                  <code>{hit._index}</code>{' '}
                  {String(hit._source.event ?? hit._source.url ?? hit._source.name ?? hit._source.text ?? '').slice(
                    0,
                    120,
                  )}
                </summary>
                <pre>{JSON.stringify(hit._source, null, 2)}</pre>
              </details>
            </li>
          ))}
        </ul>
      )}
    </Show>
  );
}
