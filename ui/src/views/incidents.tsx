import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Empty, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge, causeName, type Role } from '../components/outcome';
import { TimePicker } from '../components/time-picker';
import { endSilence, type StoredIncident, useAlertChange, useAlerts, useIncidents } from '../services/alerts';
import { ago, count, dateTime, duration } from '../services/format';
import { useMayEdit } from '../services/session';
import './incidents.css';
import { common } from '../strings/common';
import { incidents as say } from '../strings/incidents';

/** What is open now, and what was. */
export function Incidents() {
  const parameters = useParameters({ from: '/incidents' });
  const navigate = useNavigate({ from: '/incidents' });
  const range = useMemo(
    () => ({ from: parameters.from ?? 'now-7d', to: parameters.to ?? 'now' }),
    [parameters.from, parameters.to],
  );
  const open = useIncidents('open');
  const closed = useIncidents('closed', range);
  return (
    <>
      <PageHead title={common.incidents}>
        <Link to="/rules" className="button">
          {say.rulesAndChannels}
        </Link>
        <TimePicker range={range} onChange={(next) => void navigate({ search: (old) => ({ ...old, ...next }) })} />
      </PageHead>
      <section className="card flush" aria-label={say.openIncidents}>
        <header>
          <h2>{say.openHeading}</h2>
        </header>
        <Show query={open}>
          {(list) =>
            list.length === 0 ? (
              <Empty title={say.nothingIsWrong}>
                <p>{say.noRuleHasFoundTrouble}</p>
              </Empty>
            ) : (
              <IncidentTable incidents={list} />
            )
          }
        </Show>
      </section>
      <Quiet />
      {!open.isPending && (
        <section className="card flush" aria-label={say.closedIncidents}>
          <header>
            <h2>{say.closedHeading}</h2>
          </header>
          <Show query={closed}>
            {(list) =>
              list.length === 0 ? <Empty title={say.noIncidentInThisTime} /> : <IncidentTable incidents={list} />
            }
          </Show>
        </section>
      )}
    </>
  );
}

export const scoreRole = (score: number): Role => (score <= 30 ? 'failed' : score <= 70 ? 'slow' : 'passed');

export function IncidentState({ incident }: { incident: StoredIncident }) {
  if (!incident.open) return <Badge state="passed">{say.closed}</Badge>;
  if (incident.held) return <Badge state="neutral">{say.heldBack}</Badge>;
  if (incident.state === 'acknowledged') return <Badge state="slow">{say.acknowledged}</Badge>;
  return <Badge state={scoreRole(incident.score)}>{say.open}</Badge>;
}

const lasted = (incident: StoredIncident): number =>
  Date.parse(incident.open ? new Date().toISOString() : incident.lastTime) -
  Date.parse(incident.since ?? incident.startTime);

export function IncidentTable({ incidents }: { incidents: StoredIncident[] }) {
  return (
    <div className="scroll-x">
      <table className="incidents">
        <thead>
          <tr>
            <th scope="col">{common.state}</th>
            <th scope="col">{say.incident}</th>
            <th scope="col">{common.cause}</th>
            <th scope="col">{common.monitors}</th>
            <th scope="col">{say.began}</th>
            <th scope="col" className="number">
              {say.lasted}
            </th>
            <th scope="col" className="number">
              {common.documents}
            </th>
            <th scope="col" className="number">
              {say.score}
            </th>
          </tr>
        </thead>
        <tbody>
          {incidents.map((incident) => (
            <tr key={incident.id}>
              <td>
                <IncidentState incident={incident} />
              </td>
              <td className="break">
                <Link to="/incidents/$id" params={{ id: incident.id }}>
                  {incident.title}
                </Link>
                <div className="small soft">{incident.held ?? incident.blame?.detail ?? incident.sentence}</div>
                {incident.notices?.some((notice) => notice.state === 'dead') && (
                  <div className="small worse">{say.aNoticeCouldNotBe}</div>
                )}
              </td>
              <td>{incident.cause ? causeName(incident.cause) : '–'}</td>
              <td className="break">{monitorNames(incident.monitors)}</td>
              <td title={dateTime(incident.startTime)}>{ago(incident.since ?? incident.startTime)}</td>
              <td className="number">{duration(lasted(incident))}</td>
              <td className="number">{count(incident.incidents)}</td>
              <td className="number">{incident.score}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHOWN = 3;

function monitorNames(monitors: string[] = []): string {
  if (monitors.length === 0) return '–';
  const more = monitors.length - SHOWN;
  return monitors.slice(0, SHOWN).join(', ') + (more > 0 ? say.andMore(more) : '');
}

/** Why some are not told of. */
function Quiet() {
  const alerts = useAlerts();
  const mayEdit = useMayEdit();
  const end = useAlertChange(endSilence);
  const now = alerts.data?.maintenance.filter((own) => own.until) ?? [];
  const silences = alerts.data?.silences ?? [];
  if (now.length === 0 && silences.length === 0) return null;
  return (
    <section className="card stack" aria-label={say.silencesAndMaintenance}>
      <h2>{say.quietNow}</h2>
      <ul className="quiet">
        {now.map((own) => (
          <li key={own.reason}>
            {say.maintenanceOfUntil(own.reason, own.monitors.join(', ') || 'everything', dateTime(own.until ?? ''))}
          </li>
        ))}
        {silences.map((silence) => (
          <li key={silence.id}>
            {[silence.incident ? say.oneIncident : '', ...(silence.rules ?? []), ...(silence.monitors ?? [])]
              .filter(Boolean)
              .join(', ')}{' '}
            {say.until} {dateTime(silence.until)}
            {': '}
            {silence.reason}
            {' ('}
            {silence.by}
            {') '}
            {mayEdit && (
              <button type="button" className="button" onClick={() => end.mutate(silence.id)}>
                {say.end}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
