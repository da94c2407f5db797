import { type FormEvent, useState } from 'react';
import { Empty, Failure } from '../components/faces';
import { Badge } from '../components/outcome';
import { addMaintenance, removeMaintenance, useAlertChange } from '../services/alerts';
import type { Alerts, NewMaintenance } from '../services/api';
import { dateTime } from '../services/format';
import { timeZone } from '../services/preferences';
import { useMayEdit } from '../services/session';

/** When nobody is told, and of what. */
export function MaintenanceWindows({ alerts }: { alerts: Alerts }) {
  const mayEdit = useMayEdit();
  const remove = useAlertChange(removeMaintenance);
  return (
    <section className="card flush" aria-label="Maintenance">
      <header>
        <h2>Maintenance</h2>
      </header>
      {alerts.maintenance.length === 0 && (
        <Empty title="No maintenance is planned">
          <p>While it lasts, nobody is told. What still fails when it ends is told then.</p>
        </Empty>
      )}
      {alerts.maintenance.length > 0 && (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">Reason</th>
                <th scope="col">When</th>
                <th scope="col">Concerns</th>
                <th scope="col">
                  <span className="visually-hidden">Change</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {alerts.maintenance.map((own) => (
                <tr key={own.id ?? own.reason + own.when}>
                  <td className="break">{own.reason}</td>
                  <td className="break">
                    {own.when} {own.until && <Badge state="slow">now, until {dateTime(own.until)}</Badge>}
                  </td>
                  <td className="break">{[...own.monitors, ...own.rules].join(', ') || 'everything'}</td>
                  <td className="number">
                    {own.id && mayEdit ? (
                      <button type="button" className="button" onClick={() => own.id && remove.mutate(own.id)}>
                        Remove
                      </button>
                    ) : (
                      <span className="small soft">{own.id ? '' : 'in canarytrace.yaml'}</span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {remove.error && <Failure error={remove.error} />}
      {mayEdit && <Plan />}
    </section>
  );
}

type Kind = 'once' | 'weekly' | 'cron';

const HOUR_MS = 3_600_000;

/** A moment as the field for it wants it: the clock on the wall, without a zone. */
const wall = (at: number): string =>
  new Intl.DateTimeFormat('sv-SE', {
    timeZone: timeZone(),
    dateStyle: 'short',
    timeStyle: 'short',
  })
    .format(at)
    .replace(' ', 'T');

function Plan() {
  const [kind, setKind] = useState<Kind>('once');
  const [text, setText] = useState({
    reason: '',
    monitors: '',
    from: wall(Date.now()),
    until: wall(Date.now() + 2 * HOUR_MS),
    weekly: 'SAT 22:00-02:00',
    cron: '30 1 * * *',
    span: '1h',
    timezone: timeZone(),
  });
  const add = useAlertChange(addMaintenance);
  const set = (name: keyof typeof text) => ({
    value: text[name],
    onChange: (event: { target: { value: string } }) => setText({ ...text, [name]: event.target.value }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const monitors = text.monitors.split(/[\s,]+/).filter(Boolean);
    const when: Partial<NewMaintenance> =
      kind === 'once'
        ? { from: text.from, until: text.until }
        : kind === 'weekly'
          ? { weekly: text.weekly }
          : { cron: text.cron, for: text.span };
    add.mutate(
      { reason: text.reason, monitors, timezone: text.timezone, ...when },
      { onSuccess: () => setText({ ...text, reason: '' }) },
    );
  };
  return (
    <form className="row plan" onSubmit={submit} aria-label="Plan maintenance">
      <label className="field grow">
        <span>Reason</span>
        <input className="input" required maxLength={500} {...set('reason')} />
      </label>
      <label className="field grow">
        <span>Monitors (patterns; empty: all)</span>
        <input className="input" placeholder="shop-*, bank-1" {...set('monitors')} />
      </label>
      <label className="field">
        <span>When</span>
        <select value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
          <option value="once">once</option>
          <option value="weekly">every week</option>
          <option value="cron">by cron</option>
        </select>
      </label>
      {kind === 'once' && (
        <>
          <label className="field">
            <span>From</span>
            <input className="input" type="datetime-local" required {...set('from')} />
          </label>
          <label className="field">
            <span>Until</span>
            <input className="input" type="datetime-local" required {...set('until')} />
          </label>
        </>
      )}
      {kind === 'weekly' && (
        <label className="field">
          <span>Days and hours</span>
          <input className="input" required {...set('weekly')} />
        </label>
      )}
      {kind === 'cron' && (
        <>
          <label className="field">
            <span>Cron</span>
            <input className="input" required {...set('cron')} />
          </label>
          <label className="field">
            <span>For</span>
            <input className="input" required {...set('span')} />
          </label>
        </>
      )}
      <label className="field">
        <span>Time zone</span>
        <input className="input" required {...set('timezone')} />
      </label>
      <button type="submit" className="button primary" disabled={add.isPending}>
        Plan
      </button>
      {add.error && <Failure error={add.error} />}
    </form>
  );
}
