import { Link, useNavigate, useSearch as useParameters, useParams } from '@tanstack/react-router';
import { Empty, Failure, Known, Loading } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge } from '../components/outcome';
import { TimePicker } from '../components/time-picker';
import { Trend } from '../components/trend';
import type { ErrorGroup, Together } from '../services/api';
import { type Asked, useError } from '../services/errors';
import { ago, count, dateTime } from '../services/format';
import { ApiError } from '../services/http';
import { ErrorTable, kindName } from './errors';
import './errors.css';
import { common } from '../strings/common';
import { error as say } from '../strings/error';
import { fill } from '../strings/fill';

/** One error: since when, how often, whom it concerns, and what began with it. */
export function ErrorView() {
  const { fingerprint } = useParams({ from: '/errors/$fingerprint' });
  const parameters = useParameters({ from: '/errors/$fingerprint' });
  const navigate = useNavigate({ from: '/errors/$fingerprint' });
  const { from = 'now-24h', to = 'now', monitor } = parameters;
  const asked = { from, to, monitor };
  const query = useError(fingerprint, asked);
  const isUnknown = query.error instanceof ApiError && query.error.status === 404;
  return (
    <>
      <PageHead title={common.error}>
        <Link to="/errors" search={{ from, to, ...(monitor ? { monitor } : {}) }} className="button">
          {say.allErrors}
        </Link>
        <TimePicker
          range={{ from, to }}
          onChange={(next) => void navigate({ search: (old) => ({ ...old, from: next.from, to: next.to }) })}
        />
      </PageHead>
      {query.isPending && <Loading />}
      {isUnknown && (
        <Empty title={say.thisErrorWasNotSeen}>
          <p>{say.chooseALongerTime}</p>
        </Empty>
      )}
      {query.isError && !isUnknown && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.data && (
        <>
          <What group={query.data.group} />
          <Began together={query.data.together} group={query.data.group} asked={asked} />
        </>
      )}
    </>
  );
}

function What({ group }: { group: ErrorGroup }) {
  const rows: [string, React.ReactNode][] = [
    [common.kind, kindName(group.kind)],
    [common.step, group.step],
    [common.host, group.host],
    [say.file, group.file],
    [say.firstSeen, <Seen key="first" at={group.firstSeen} run={group.firstRun} />],
    [say.lastSeen, <Seen key="last" at={group.lastSeen} run={group.lastRun} />],
    [common.count, say.withinTheChosenTime(count(group.count))],
    [
      common.monitors,
      Object.entries(group.monitors)
        .sort(([, one], [, other]) => other - one)
        .map(([name, times], position) => (
          <span key={name}>
            {position > 0 && ', '}
            <Link to="/monitors/$id" params={{ id: name }}>
              {name}
            </Link>{' '}
            <span className="soft">×{count(times)}</span>
          </span>
        )),
    ],
  ];
  return (
    <section className="card stack" aria-label={say.whatIsKnown}>
      <h2 className="error-message">{group.message}</h2>
      {group.isNew && (
        <p>
          <Badge state="failed">{say.isNew}</Badge> {say.itWasNotSeenIn}
        </p>
      )}
      <div className="error-trend">
        <Trend counts={group.trend} label={say.overTheChosenTime} />
      </div>
      <Known rows={rows.filter(([, value]) => value !== null)} />
    </section>
  );
}

function Seen({ at, run }: { at: string; run: string | null }) {
  return (
    <>
      {dateTime(at)} ({ago(at)})
      {run && (
        <>
          {' · '}
          <Link to="/runs/$uuid" params={{ uuid: run }}>
            {say.theRun}
          </Link>
        </>
      )}
    </>
  );
}

const VERSIONS: Record<string, string> = {
  revision: 'script',
  browserVersion: 'browser',
  version: 'canarytrace',
};

/** A git revision is told apart by its beginning. */
const version = (text: string | null): string => (text === null ? 'none' : text.length > 20 ? text.slice(0, 10) : text);

function Began({ together, group, asked }: { together: Together; group: ErrorGroup; asked: Asked }) {
  const { deployments, revisions, errors, changed } = together;
  const nothing = deployments.length + revisions.length + errors.length === 0 && !changed;
  return (
    <>
      <section className="card stack" aria-label={say.whatBeganWithIt}>
        <h2>{say.whatBeganWithIt}</h2>
        {nothing && <p className="soft">{say.noDeploymentNoOtherVersion}</p>}
        <ul className="together">
          {deployments.map((mark) => (
            <li key={`${mark.timestamp}${mark.text}`}>
              {dateTime(mark.timestamp)}: {mark.kind} “{mark.text}”{mark.monitor && say.ofMonitor(mark.monitor)}
              {mark.revision && ` (${mark.revision})`}
            </li>
          ))}
          {revisions.map((own) => (
            <li key={own.what}>
              {fill(
                say.theOfWentFromTo,
                VERSIONS[own.what] ?? own.what,
                own.monitor,
                <code>{version(own.from)}</code>,
                <code>{version(own.to)}</code>,
              )}
            </li>
          ))}
          {changed && (
            <li>
              {changed}{' '}
              {group.firstRun && (
                <Link to="/compare" search={{ run: group.firstRun }}>
                  {common.compare}
                </Link>
              )}
            </li>
          )}
        </ul>
      </section>
      {errors.length > 0 && (
        <section className="card flush" aria-label={say.errorsThatBeganAtThe}>
          <header>
            <h2>{say.errorsThatBeganWithinHalf}</h2>
          </header>
          <ErrorTable groups={errors} asked={asked} />
        </section>
      )}
    </>
  );
}
