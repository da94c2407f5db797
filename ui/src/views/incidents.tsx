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
      <PageHead title="Incidents">
        <Link to="/rules" className="button">
          Rules and channels
        </Link>
        <TimePicker range={range} onChange={(next) => void navigate({ search: (old) => ({ ...old, ...next }) })} />
      </PageHead>
      <section className="card flush" aria-label="Open incidents">
        <header>
          <h2>Open</h2>
        </header>
        <Show query={open}>
          {(list) =>
            list.length === 0 ? (
              <Empty title="Nothing is wrong">
                <p>No rule has found trouble that is not over.</p>
              </Empty>
            ) : (
              <IncidentTable incidents={list} />
            )
          }
        </Show>
      </section>
      <Quiet />
      <section className="card flush" aria-label="Closed incidents">
        <header>
          <h2>Closed</h2>
        </header>
        <Show query={closed}>
          {(list) =>
            list.length === 0 ? <Empty title="No incident in this time" /> : <IncidentTable incidents={list} />
          }
        </Show>
      </section>
    </>
  );
}

export const scoreRole = (score: number): Role => (score <= 30 ? 'failed' : score <= 70 ? 'slow' : 'passed');

export function IncidentState({ incident }: { incident: StoredIncident }) {
  if (!incident.open) return <Badge state="passed">closed</Badge>;
  if (incident.held) return <Badge state="neutral">held back</Badge>;
  if (incident.state === 'acknowledged') return <Badge state="slow">acknowledged</Badge>;
  return <Badge state={scoreRole(incident.score)}>open</Badge>;
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
            <th scope="col">State</th>
            <th scope="col">Incident</th>
            <th scope="col">Cause</th>
            <th scope="col">Monitors</th>
            <th scope="col">Began</th>
            <th scope="col" className="number">
              Lasted
            </th>
            <th scope="col" className="number">
              Documents
            </th>
            <th scope="col" className="number">
              Score
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
                  <div className="small worse">a notice could not be delivered</div>
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
  return monitors.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
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
    <section className="card stack" aria-label="Silences and maintenance">
      <h2>Quiet now</h2>
      <ul className="quiet">
        {now.map((own) => (
          <li key={own.reason}>
            Maintenance “{own.reason}” of {own.monitors.join(', ') || 'everything'} until {dateTime(own.until ?? '')}
          </li>
        ))}
        {silences.map((silence) => (
          <li key={silence.id}>
            {[silence.incident ? 'one incident' : '', ...(silence.rules ?? []), ...(silence.monitors ?? [])]
              .filter(Boolean)
              .join(', ')}{' '}
            until {dateTime(silence.until)}: {silence.reason} ({silence.by}){' '}
            {mayEdit && (
              <button type="button" className="button" onClick={() => end.mutate(silence.id)}>
                End
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
