import { type FormEvent, useState } from 'react';
import { Empty, Failure } from '../components/faces';
import { Badge } from '../components/outcome';
import { addMaintenance, removeMaintenance, useAlertChange } from '../services/alerts';
import type { Alerts, NewMaintenance } from '../services/api';
import { dateTime } from '../services/format';
import { timeZone } from '../services/preferences';
import { useMayEdit } from '../services/session';
import { common } from '../strings/common';
import { maintenance as say } from '../strings/maintenance';

/** When nobody is told, and of what. */
export function MaintenanceWindows({ alerts }: { alerts: Alerts }) {
  const mayEdit = useMayEdit();
  const remove = useAlertChange(removeMaintenance);
  return (
    <section className="card flush" aria-label={say.maintenance}>
      <header>
        <h2>{say.maintenance}</h2>
      </header>
      {alerts.maintenance.length === 0 && (
        <Empty title={say.noMaintenanceIsPlanned}>
          <p>{say.whileItLastsNobodyIs}</p>
        </Empty>
      )}
      {alerts.maintenance.length > 0 && (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">{say.reason}</th>
                <th scope="col">{say.when}</th>
                <th scope="col">{say.concerns}</th>
                <th scope="col">
                  <span className="visually-hidden">{common.change}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {alerts.maintenance.map((own) => (
                <tr key={own.id ?? own.reason + own.when}>
                  <td className="break">{own.reason}</td>
                  <td className="break">
                    {own.when} {own.until && <Badge state="slow">{say.nowUntil(dateTime(own.until))}</Badge>}
                  </td>
                  <td className="break">{[...own.monitors, ...own.rules].join(', ') || 'everything'}</td>
                  <td className="number">
                    {own.id && mayEdit ? (
                      <button type="button" className="button" onClick={() => own.id && remove.mutate(own.id)}>
                        {common.remove}
                      </button>
                    ) : (
                      <span className="small soft">{own.id ? '' : say.inCanarytraceYaml}</span>
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
    <form className="row plan" onSubmit={submit} aria-label={say.planMaintenance}>
      <label className="field grow">
        <span>{say.reason}</span>
        <input className="input" required maxLength={500} {...set('reason')} />
      </label>
      <label className="field grow">
        <span>{say.monitorsPatternsEmptyAll}</span>
        <input className="input" placeholder={say.monitorsExample} {...set('monitors')} />
      </label>
      <label className="field">
        <span>{say.when}</span>
        <select value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
          <option value="once">{say.once}</option>
          <option value="weekly">{say.everyWeek}</option>
          <option value="cron">{say.byCron}</option>
        </select>
      </label>
      {kind === 'once' && (
        <>
          <label className="field">
            <span>{common.from}</span>
            <input className="input" type="datetime-local" required {...set('from')} />
          </label>
          <label className="field">
            <span>{say.until}</span>
            <input className="input" type="datetime-local" required {...set('until')} />
          </label>
        </>
      )}
      {kind === 'weekly' && (
        <label className="field">
          <span>{say.daysAndHours}</span>
          <input className="input" required {...set('weekly')} />
        </label>
      )}
      {kind === 'cron' && (
        <>
          <label className="field">
            <span>{say.cron}</span>
            <input className="input" required {...set('cron')} />
          </label>
          <label className="field">
            <span>{say.lasts}</span>
            <input className="input" required {...set('span')} />
          </label>
        </>
      )}
      <label className="field">
        <span>{say.timeZone}</span>
        <input className="input" required {...set('timezone')} />
      </label>
      <button type="submit" className="button primary" disabled={add.isPending}>
        {say.plan}
      </button>
      {add.error && <Failure error={add.error} />}
    </form>
  );
}
