import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch as useParameters, useParams } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { Empty, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Menu } from '../components/menu';
import { Badge, causeName, isOurs, Outcome } from '../components/outcome';
import { type Mark, Waterfall } from '../components/waterfall';
import type { ReportDocument, RequestDocument, RunDocument } from '../services/api';
import { explain } from '../services/facts';
import { bytes, count, dateTime, milliseconds } from '../services/format';
import { download } from '../services/http';
import type { ConsoleDocument } from '../services/model';
import { sources } from '../services/search';
import { useStatus } from '../services/server';
import { attachment } from '../services/url';
import type { Wanted } from '../services/waterfall';
import { Console, Coverage, Documents, Log, Memory, PageCopy } from './run-evidence';
import './run.css';
import { common } from '../strings/common';
import { run as say } from '../strings/run';

interface Evidence {
  run: RunDocument | undefined;
  report: ReportDocument[];
  requests: RequestDocument[];
  console: ConsoleDocument[];
  vitals: VitalsDocument[];
}

interface VitalsDocument {
  uuidAction: string;
  url: string;
  fcp?: number;
  lcp?: number;
  load?: number;
  domContentLoaded?: number;
  timestamp: string;
}

const bySequence = (uuid: string, size: number, more: object = {}) => ({
  size,
  query: { term: { uuid } },
  sort: [{ sequence: { order: 'asc', unmapped_type: 'long' } }, { timestamp: { order: 'asc', unmapped_type: 'date' } }],
  ...more,
});

const MOST_REQUESTS = 10_000;

async function evidence(uuid: string, signal: AbortSignal): Promise<Evidence> {
  const [runs, report, requests, console, vitals] = await Promise.all([
    sources<RunDocument>('c.run-*', { size: 1, query: { term: { uuid } } }, signal),
    sources<ReportDocument>('c.report-*', bySequence(uuid, 2000), signal),
    sources<RequestDocument>('c.request-log-*', bySequence(uuid, MOST_REQUESTS), signal),
    sources<ConsoleDocument>('c.console-*', bySequence(uuid, 2000), signal),
    sources<VitalsDocument>('c.vitals-*', { size: 500, query: { term: { uuid } }, sort: ['timestamp'] }, signal),
  ]);
  return { run: runs[0], report, requests, console, vitals };
}

export function RunView() {
  const { uuid } = useParams({ from: '/runs/$uuid' });
  const query = useQuery({
    queryKey: ['search', 'c.*', 'run', uuid],
    queryFn: ({ signal }) => evidence(uuid, signal),
    meta: { live: true },
    // What ended does not change any more.
    refetchInterval: ({ state }) => (state.data?.run ? false : 2000),
  });
  return (
    <Show query={query}>
      {(found) =>
        found.report.length === 0 && !found.run ? <Waiting uuid={uuid} /> : <Run uuid={uuid} found={found} />
      }
    </Show>
  );
}

function Waiting({ uuid }: { uuid: string }) {
  return (
    <Empty title={say.theRunIsBeingPrepared}>
      <p>
        <span className="spinner" aria-hidden="true" /> {say.aFreshBrowserIsStarting}
      </p>
      <p className="small soft">{say.runIfItIsOlder(uuid)}</p>
    </Empty>
  );
}

const TABS = ['requests', 'console', 'log', 'page', 'memory', 'coverage', 'documents'] as const;
type Tab = (typeof TABS)[number];

function Run({ uuid, found }: { uuid: string; found: Evidence }) {
  const parameters = useParameters({ from: '/runs/$uuid' });
  const navigate = useNavigate({ from: '/runs/$uuid' });
  const { run, report } = found;
  const start = report.find((event) => event.event === 'testStart');
  const monitor = run?.monitor ?? start?.monitor ?? start?.spec ?? '';
  const go = (changes: Partial<typeof parameters>) =>
    void navigate({ search: (old) => ({ ...old, ...changes }), replace: true, resetScroll: false });
  const tab = TABS.find((own) => own === parameters.tab) ?? 'requests';
  const names: Record<Tab, string> = {
    requests: say.requests(count(found.requests.length)),
    console: say.console(count(found.console.length)),
    log: say.log,
    page: common.page,
    memory: say.memory,
    coverage: say.coverage,
    documents: common.documents,
  };
  return (
    <>
      <PageHead
        title={run ? dateTime(run.startedAt) : common.run}
        crumbs={
          <>
            <Link to="/monitors/$id" params={{ id: monitor }}>
              {monitor}
            </Link>{' '}
            · {uuid}
          </>
        }
      >
        {run && (
          <>
            <Link className="button primary" to="/compare" search={{ run: uuid }}>
              {say.compareWithTheLastGood}
            </Link>
            <Downloads run={run} />
            <Elsewhere run={run} monitor={monitor} />
          </>
        )}
      </PageHead>
      <Verdict run={run} />
      {run && <Figures run={run} />}
      <Steps
        report={report}
        run={run}
        uuid={uuid}
        chosen={parameters.step}
        choose={(step) => go({ step: step ?? '' })}
      />
      <section className="card flush" aria-label={say.evidence}>
        <div className="tabs" role="tablist" aria-label={say.evidence}>
          {TABS.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`tab-${name}`}
              aria-controls="evidence"
              aria-selected={tab === name}
              onClick={() => go({ tab: name })}
            >
              {names[name]}
            </button>
          ))}
        </div>
        <div role="tabpanel" id="evidence" aria-labelledby={`tab-${tab}`} className="tab-panel">
          {tab === 'requests' && <Requests found={found} parameters={parameters} go={go} />}
          {tab === 'console' && <Console events={found.console} />}
          {tab === 'log' && <Log run={run} uuid={uuid} />}
          {tab === 'page' && <PageCopy run={run} uuid={uuid} />}
          {tab === 'memory' && <Memory uuid={uuid} />}
          {tab === 'coverage' && <Coverage uuid={uuid} />}
          {tab === 'documents' && <Documents uuid={uuid} />}
        </div>
      </section>
    </>
  );
}

/** The same run where others know it by its id. */
function Elsewhere({ run, monitor }: { run: RunDocument; monitor: string }) {
  const status = useStatus();
  const values: Record<string, string> = { uuid: run.uuid, monitor, from: run.startedAt, to: run.endedAt };
  const address = (url: string) =>
    url.replaceAll(/\{(uuid|monitor|from|to)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
  return status.data?.runLinks.map(({ title, url }) => (
    <a key={title} className="button" href={address(url)} target="_blank" rel="noreferrer">
      {title} ↗
    </a>
  ));
}

function Downloads({ run }: { run: RunDocument }) {
  const status = useStatus();
  const [problem, setProblem] = useState<unknown>();
  const har = run.attachments?.find((name) => name.endsWith('.har'));
  const report = (format: 'pdf' | 'png') => {
    const path = `/runs/${run.uuid}?kiosk=yes&theme=light`;
    download('/api/v1/render', { path, title: `run-${run.uuid}`, format, width: 1300 }).catch(setProblem);
  };
  return (
    <>
      <Menu
        label={say.download}
        items={[
          {
            id: 'zip',
            text: say.everythingAsZip,
            action: () => window.location.assign(`/api/v1/runs/${run.uuid}/archive.zip`),
          },
          {
            id: 'har',
            text: 'HAR',
            disabled: !har,
            action: () => window.location.assign(attachment(run.uuid, har ?? '')),
          },
          { id: 'pdf', text: say.reportAsPdf, disabled: !status.data?.renders, action: () => report('pdf') },
          { id: 'png', text: say.pictureAsPng, disabled: !status.data?.renders, action: () => report('png') },
        ]}
      />
      {problem !== undefined && <span className="query-error small">{String(problem)}</span>}
    </>
  );
}

function Verdict({ run }: { run: RunDocument | undefined }) {
  if (!run)
    return (
      <section className="card verdict running" aria-live="polite">
        <Outcome running />
        <p>{say.theRunIsGoingOn}</p>
      </section>
    );
  const { outcome, cause, detail } = run.verdict;
  const { excerpt, ...rest } = (run.verdict.facts ?? {}) as { excerpt?: unknown };
  const facts = explain(rest);
  return (
    <section className={`card verdict ${outcome}`} aria-label={say.verdict} aria-live="polite">
      <div className="row">
        <Outcome verdict={run.verdict} />
        {cause && <span className="small soft">{whose(cause)}</span>}
      </div>
      <h2 className="break">{detail ?? say.everythingWasAsItShould}</h2>
      {facts.length > 0 && (
        <dl className="facts">
          {facts.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="break">{text}</dd>
            </div>
          ))}
        </dl>
      )}
      {excerpt !== undefined && <Excerpt excerpt={excerpt} />}
    </section>
  );
}

const whose = (cause: string): string => {
  if (cause === 'inconclusive') return say.itCannotBeToldYet;
  return isOurs(cause) ? say.thisIsOnOurSide(causeName(cause)) : say.thisIsNotOnOur(causeName(cause));
};

/** The lines of the script around the one that failed. */
function Excerpt({ excerpt }: { excerpt: unknown }) {
  const text = Array.isArray(excerpt)
    ? excerpt.map(String).join('\n')
    : typeof excerpt === 'string'
      ? excerpt
      : JSON.stringify(excerpt, null, 2);
  return <pre className="small">{text}</pre>;
}

function Figures({ run }: { run: RunDocument }) {
  const vitals = run.vitals ?? {};
  const figures: [string, ReactNode][] = [
    [common.load, milliseconds(vitals.load)],
    ['LCP', milliseconds(vitals.lcp)],
    ['FCP', milliseconds(vitals.fcp)],
    ['TTFB', milliseconds(vitals.ttfb)],
    ['CLS', vitals.cls?.toFixed(3) ?? '–'],
    [common.requests, `${count(run.requests)}${run.requestsFailed > 0 ? say.failed(run.requestsFailed) : ''}`],
    [say.transferred, bytes(run.transferBytes)],
    [common.run, milliseconds(run.durationMs)],
    [common.browser, run.browserVersion ?? '–'],
    ...(run.revision ? [[say.revision, run.revision.slice(0, 10)] as [string, ReactNode]] : []),
    [say.measured, run.overhead?.class ?? '–'],
  ];
  return (
    <dl className="card run-figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Step {
  action: string;
  title: string;
  start: number;
  duration: number | undefined;
  end: ReportDocument | undefined;
}

function stepsOf(report: ReportDocument[]): Step[] {
  const ends = new Map(
    report.filter((event) => event.event === 'testStepEnd').map((event) => [event.uuidAction, event]),
  );
  return report
    .filter((event) => event.event === 'testStepStart')
    .map((event) => {
      const end = ends.get(event.uuidAction);
      return {
        action: event.uuidAction ?? '',
        title: event.fullTitle ?? event.title ?? '',
        start: new Date(event.timestamp).getTime(),
        duration: end?.testStepDuration,
        end,
      };
    });
}

/** Steps on one time line; each can be chosen to see only what belongs to it. */
function Steps({
  report,
  run,
  uuid,
  chosen,
  choose,
}: {
  report: ReportDocument[];
  run: RunDocument | undefined;
  uuid: string;
  chosen: string | undefined;
  choose: (step: string | undefined) => void;
}) {
  const steps = stepsOf(report);
  if (steps.length === 0) return null;
  const from = steps[0]?.start ?? 0;
  const to = Math.max(...steps.map((step) => step.start + (step.duration ?? 0)), from + 1);
  const failing = steps.find((step) => step.end?.passed === false);
  const open = steps.find((step) => step.action === chosen) ?? failing ?? steps.at(-1);
  return (
    <section className="card flush" aria-label={common.steps}>
      <header className="spread">
        <h2>{common.steps}</h2>
        <span className="small soft">{say.stepsInTime(steps.length, milliseconds(to - from))}</span>
      </header>
      <div className="steps">
        <ol className="step-list">
          {steps.map((step) => (
            <li key={step.action}>
              <button
                type="button"
                className={`plain step${step === open ? ' chosen' : ''}`}
                aria-pressed={step.action === chosen}
                onClick={() => choose(step.action === chosen ? undefined : step.action)}
              >
                <span className="step-name">
                  <Badge
                    state={
                      step.end ? (step.end.verdict?.outcome ?? (step.end.passed ? 'passed' : 'failed')) : 'running'
                    }
                  >
                    {milliseconds(step.duration)}
                  </Badge>
                  <span className="break">{step.title}</span>
                </span>
                <span className="step-line">
                  <span
                    className={step.end?.passed === false ? 'failed' : 'passed'}
                    style={{
                      left: `${((step.start - from) / (to - from)) * 100}%`,
                      width: `${Math.max(((step.duration ?? 0) / (to - from)) * 100, 0.5)}%`,
                    }}
                  />
                </span>
              </button>
              {step.end?.errMessage && <p className="step-error break small">{step.end.errMessage}</p>}
            </li>
          ))}
        </ol>
        {open && <Pictures step={open} run={run} uuid={uuid} />}
      </div>
    </section>
  );
}

/** The picture of a step, with the filmstrip on the step's own time line. */
function Pictures({ step, run, uuid }: { step: Step; run: RunDocument | undefined; uuid: string }) {
  const parameters = useParameters({ from: '/runs/$uuid' });
  const navigate = useNavigate({ from: '/runs/$uuid' });
  const start = `${step.action}-film-`;
  const frames = (run?.attachments ?? [])
    .filter((name) => name.startsWith(start))
    .sort()
    .map((name) => ({ name, at: Number.parseInt(name.slice(start.length), 10) }));
  const own = step.end?.attachments && step.end.attachments !== 'no' ? step.end.attachments : undefined;
  const chosen = frames.find((frame) => String(frame.at) === parameters.frame);
  const picture = chosen?.name ?? own ?? frames.at(-1)?.name;
  const [gone, setGone] = useState<string>();
  if (!picture) return null;
  if (gone === picture)
    return (
      <div className="pictures">
        <p className="small soft">{say.thePictureOfThisStep}</p>
      </div>
    );
  return (
    <div className="pictures">
      <a href={attachment(uuid, picture)} target="_blank" rel="noreferrer">
        <img
          className="screenshot"
          onError={() => setGone(picture)}
          src={attachment(uuid, picture)}
          alt={chosen ? say.thePageAfterTheStep(milliseconds(chosen.at)) : say.thePageAtTheEnd(step.title)}
        />
      </a>
      {frames.length > 0 && (
        <ol className="filmstrip" aria-label={say.filmstrip}>
          {frames.map((frame) => (
            <li key={frame.name}>
              <button
                type="button"
                className="plain"
                aria-pressed={frame === chosen}
                onClick={() =>
                  void navigate({
                    search: (old) => ({ ...old, step: step.action, frame: frame === chosen ? '' : String(frame.at) }),
                    replace: true,
                    resetScroll: false,
                  })
                }
              >
                <img src={attachment(uuid, frame.name)} alt={say.after(milliseconds(frame.at))} loading="lazy" />
                <small className="soft">{milliseconds(frame.at)}</small>
              </button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

const useRun = () => useParameters({ from: '/runs/$uuid' });
type Parameters = ReturnType<typeof useRun>;

function Requests({
  found,
  parameters,
  go,
}: {
  found: Evidence;
  parameters: Parameters;
  go: (changes: Partial<Parameters>) => void;
}) {
  const { type, host, status, q, step } = parameters;
  const wanted: Wanted = useMemo(() => ({ type, host, status, text: q, step }), [type, host, status, q, step]);
  const requests = useMemo(
    () => (step ? found.requests.filter((request) => request.uuidAction === step) : found.requests),
    [found.requests, step],
  );
  const marks = useMemo(() => pageMarks(requests, found.vitals), [requests, found.vitals]);
  if (found.requests.length === 0) return <Empty title={say.noRequestsHaveBeenSeen} />;
  if (requests.length === 0)
    return (
      <Empty title={say.thisStepAskedForNothing}>
        <button type="button" className="button" onClick={() => go({ step: '' })}>
          {say.showAllRequests}
        </button>
      </Empty>
    );
  return (
    <>
      {step && (
        <p className="row small">
          {say.onlyTheChosenStep}
          <button type="button" className="plain link" onClick={() => go({ step: '' })}>
            {say.showAll}
          </button>
        </p>
      )}
      <Waterfall
        requests={requests}
        marks={marks}
        wanted={wanted}
        onWanted={(changes) =>
          go({
            ...('type' in changes ? { type: changes.type ?? '' } : {}),
            ...('host' in changes ? { host: changes.host ?? '' } : {}),
            ...('status' in changes ? { status: changes.status ?? '' } : {}),
            ...('text' in changes ? { q: changes.text ?? '' } : {}),
          })
        }
        open={parameters.request}
        onOpen={(sequence) => go({ request: sequence ?? '' })}
      />
    </>
  );
}

/** Marks of the first page, from the request that opened it. */
function pageMarks(requests: RequestDocument[], vitals: VitalsDocument[]): Mark[] {
  const [first] = requests;
  const page = vitals.find((own) => own.uuidAction === first?.uuidAction);
  if (!first || !page) return [];
  const begin = Math.min(...requests.map((request) => request.request.timestamp));
  const opened = requests.find((request) => request.request.type === 'Document') ?? first;
  const offset = (opened.request.timestamp - begin) * 1000;
  const named: [string, number | undefined][] = [
    ['FCP', page.fcp],
    ['LCP', page.lcp],
    [common.load, page.load],
  ];
  return named.flatMap(([name, at]) => (at === undefined ? [] : [{ name, at: offset + at }]));
}
