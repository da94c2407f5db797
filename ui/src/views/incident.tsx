import { Link, useSearch as useParameters, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { Empty, Failure, Known, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge, causeName, type Role } from '../components/outcome';
import {
  acknowledge,
  addNote,
  addSilence,
  type Notice,
  retryNotices,
  type StoredIncident,
  useAlertChange,
  useIncident,
} from '../services/alerts';
import { count, dateTime, duration } from '../services/format';
import { useMayEdit } from '../services/session';
import { IncidentState } from './incidents';
import './incidents.css';
import { common } from '../strings/common';
import { incident as say } from '../strings/incident';

/** One incident: what is known of it, what was done, and who was told. */
export function IncidentView() {
  const { id } = useParams({ from: '/incidents/$id' });
  const query = useIncident(id);
  return (
    <Show query={query}>
      {(incident) =>
        incident === null ? (
          <Empty title={say.thereIsNoSuchIncident}>
            <p>{say.itMayBeOlderThan}</p>
            <Link to="/incidents">{say.allIncidents}</Link>
          </Empty>
        ) : (
          <Full incident={incident} />
        )
      }
    </Show>
  );
}

function Full({ incident }: { incident: StoredIncident }) {
  const mayEdit = useMayEdit();
  return (
    <>
      <PageHead title={incident.title}>
        <IncidentState incident={incident} />
      </PageHead>
      <div className="two">
        <Facts incident={incident} />
        <Picture incident={incident} />
      </div>
      {mayEdit && <Actions incident={incident} />}
      <History incident={incident} />
      <Notices incident={incident} mayEdit={mayEdit} />
      <Documents incident={incident} />
    </>
  );
}

function Facts({ incident }: { incident: StoredIncident }) {
  const began = incident.since ?? incident.startTime;
  const end = incident.open ? new Date().toISOString() : incident.lastTime;
  const rows: [string, React.ReactNode][] = [
    [say.what, incident.description],
    [say.measured, incident.sentence],
    [common.cause, incident.blame?.party ?? (incident.cause && causeName(incident.cause))],
    [common.error, incident.blame?.detail],
    ...(incident.blame?.facts ?? []).map(([name, text]): [string, React.ReactNode] => [name, text]),
    [say.began, say.found(dateTime(began), dateTime(incident.startTime))],
    [say.lasted, duration(Date.parse(end) - Date.parse(began))],
    [say.seen, say.timesDocuments(count(incident.repetition), count(incident.incidents))],
    [say.heldBack, incident.held],
    [say.acknowledgedBy, incident.acknowledgedBy],
    [say.late, incident.late ? say.itsDocumentsArrivedAfterTheir : undefined],
    [
      common.monitors,
      incident.monitors && incident.monitors.length > 0
        ? incident.monitors.map((monitor, position) => (
            <span key={monitor}>
              {position > 0 && ', '}
              <Link to="/monitors/$id" params={{ id: monitor }}>
                {monitor}
              </Link>
            </span>
          ))
        : undefined,
    ],
    [
      say.rule,
      <Link key="rule" to="/rules" search={{ rule: incident.rule ?? incident.title }}>
        {incident.rule ?? incident.title}
      </Link>,
    ],
  ];
  return (
    <section className="card" aria-label={say.whatIsKnown}>
      <Known rows={rows.filter(([, value]) => value !== undefined && value !== '')} />
    </section>
  );
}

function Picture({ incident }: { incident: StoredIncident }) {
  const { blame } = incident;
  return (
    <section className="card stack" aria-label={say.theFailedRun}>
      <h2>{say.theFailedRun}</h2>
      {blame?.uuid ? (
        <>
          <p className="row">
            <Link to="/runs/$uuid" params={{ uuid: blame.uuid }} className="button">
              {say.openTheRun}
            </Link>
            <Link to="/compare" search={{ run: blame.uuid }} className="button">
              {common.whatChanged}
            </Link>
          </p>
          {blame.screenshot && (
            <a href={`/api/v1/attachments/${blame.uuid}/${encodeURIComponent(blame.screenshot)}`}>
              <img
                className="incident-picture"
                src={`/api/v1/attachments/${blame.uuid}/${encodeURIComponent(blame.screenshot)}`}
                alt={say.thePageWhenItFailed}
              />
            </a>
          )}
        </>
      ) : (
        <p className="soft">{say.thisRuleLooksAtDocuments}</p>
      )}
    </section>
  );
}

const SILENCES: [string, number][] = [
  ['1 hour', 1],
  ['4 hours', 4],
  ['1 day', 24],
  ['1 week', 168],
];

function Actions({ incident }: { incident: StoredIncident }) {
  const { silence: wanted } = useParameters({ from: '/incidents/$id' });
  const [text, setText] = useState('');
  const [hours, setHours] = useState(Number.parseInt(wanted ?? '1', 10) || 1);
  const take = useAlertChange(acknowledge);
  const write = useAlertChange(addNote);
  const quiet = useAlertChange(addSilence);
  const { id } = incident;
  const problem = take.error ?? write.error ?? quiet.error;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    write.mutate({ id, text }, { onSuccess: () => setText('') });
  };
  const silence = () =>
    quiet.mutate({
      incident: id,
      reason: text || 'known',
      until: new Date(Date.now() + hours * 3_600_000).toISOString(),
    });
  return (
    <section className="card stack" aria-label={say.whatToDo}>
      <form className="row" onSubmit={submit}>
        <label className="field grow">
          <span>{say.noteOrReason}</span>
          <input className="input" value={text} onChange={(event) => setText(event.target.value)} maxLength={1000} />
        </label>
        {incident.open && incident.state !== 'acknowledged' && (
          <button
            type="button"
            className="button primary"
            disabled={take.isPending}
            onClick={() => take.mutate({ id, text }, { onSuccess: () => setText('') })}
          >
            {say.acknowledge}
          </button>
        )}
        <button type="submit" className="button" disabled={text.trim() === ''}>
          {say.writeNote}
        </button>
        {incident.open && (
          <>
            <label className="field">
              <span>{say.silenceFor}</span>
              <select value={hours} onChange={(event) => setHours(Number(event.target.value))}>
                {SILENCES.map(([name, value]) => (
                  <option key={value} value={value}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <button type="button" className="button" disabled={quiet.isPending} onClick={silence}>
              {say.silence}
            </button>
          </>
        )}
      </form>
      {quiet.isSuccess && <p role="status">{say.silencedItIsToldIf}</p>}
      {problem && <Failure error={problem} />}
    </section>
  );
}

const WORDS: Record<string, [Role, string]> = {
  opened: ['failed', 'opened'],
  reopened: ['failed', say.openAgain],
  joined: ['failed', 'joined'],
  held: ['neutral', say.heldBackBadge],
  told: ['running', 'told'],
  acknowledged: ['slow', 'acknowledged'],
  escalated: ['slow', 'escalated'],
  reminded: ['running', 'reminded'],
  note: ['neutral', 'note'],
  closed: ['passed', 'closed'],
  undelivered: ['broken', 'undelivered'],
};

function History({ incident }: { incident: StoredIncident }) {
  return (
    <section className="card flush" aria-label={say.history}>
      <header>
        <h2>{say.history}</h2>
      </header>
      <ol className="history">
        {(incident.transitions ?? []).map((transition, position) => {
          const [role, word] = WORDS[transition.what] ?? ['neutral', transition.what];
          return (
            <li key={position}>
              <time dateTime={transition.at} className="soft">
                {dateTime(transition.at)}
              </time>
              <span>
                <Badge state={role as Role}>{word}</Badge>
              </span>
              <span className="break">
                {transition.by && <strong>{transition.by} </strong>}
                {transition.text}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

const STATES: Record<Notice['state'], Role> = {
  pending: 'running',
  sending: 'running',
  sent: 'passed',
  dead: 'failed',
};

function Notices({ incident, mayEdit }: { incident: StoredIncident; mayEdit: boolean }) {
  const retry = useAlertChange(retryNotices);
  const notices = incident.notices ?? [];
  const dead = notices.some((notice) => notice.state === 'dead');
  return (
    <section className="card flush" aria-label={say.notices}>
      <header className="spread">
        <h2>{say.notices}</h2>
        {dead && mayEdit && (
          <button type="button" className="button" onClick={() => retry.mutate(incident.id)}>
            {say.sendAgainWhatWasGiven}
          </button>
        )}
      </header>
      {notices.length === 0 ? (
        <Empty title={incident.held ? say.nobodyWasToldBecause(incident.held) : say.nobodyWasTold} />
      ) : (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">{common.state}</th>
                <th scope="col">{common.kind}</th>
                <th scope="col">{say.channel}</th>
                <th scope="col">{say.writtenDown}</th>
                <th scope="col">{say.sent}</th>
                <th scope="col">{say.whatHappened}</th>
              </tr>
            </thead>
            <tbody>
              {notices.map((notice) => (
                <tr key={notice.id}>
                  <td>
                    <Badge state={STATES[notice.state]}>{notice.state === 'dead' ? say.givenUp : notice.state}</Badge>
                  </td>
                  <td>{notice.kind}</td>
                  <td className="break">{[notice.channel, ...(notice.recipients ?? [])].join(' ')}</td>
                  <td>{dateTime(notice.madeAt)}</td>
                  <td>{notice.sentAt ? dateTime(notice.sentAt) : '–'}</td>
                  <td className="break">
                    {notice.error ?? (notice.uncertain ? say.sentTwicePerhapsWhichIt : '')}
                    {notice.attempts > 1 ? say.attempts(notice.attempts) : ''}
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

function Documents({ incident }: { incident: StoredIncident }) {
  const documents = incident.documents ?? [];
  if (documents.length === 0) return null;
  const columns = [...new Set(documents.flatMap((document) => Object.keys(document)))].filter(
    (name) => !name.startsWith('_'),
  );
  return (
    <section className="card flush" aria-label={say.documentsBehindIt}>
      <header>
        <h2>{say.documentsBehindIt}</h2>
      </header>
      <div className="scroll-x">
        <table>
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              <th scope="col">{say.index}</th>
            </tr>
          </thead>
          <tbody>
            {documents.map((document) => (
              <tr key={`${document._index} ${document._id}`}>
                {columns.map((name) => (
                  <td key={name} className="break">
                    {name === 'uuid' && typeof document[name] === 'string' ? (
                      <Link to="/runs/$uuid" params={{ uuid: document[name] }}>
                        {String(document[name]).slice(0, 8)}
                      </Link>
                    ) : name === 'timestamp' ? (
                      dateTime(String(document[name]))
                    ) : (
                      String(document[name] ?? '–')
                    )}
                  </td>
                ))}
                <td className="mono small">{String(document._index)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
