import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty, Failure, Loading, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge } from '../components/outcome';
import { storeRules, tryChannel, tryRules, useAlertChange, useAlerts, useStoredRules } from '../services/alerts';
import type { Alerts, Rule, Trial } from '../services/api';
import { ago, dateTime, number } from '../services/format';
import { useMayEdit } from '../services/session';
import { scoreRole } from './incidents';
import { MaintenanceWindows } from './maintenance';
import { RuleTrace } from './rule-trace';
import './incidents.css';

/** What is looked for, how near it is, and whom it tells. */
export function Rules() {
  const alerts = useAlerts();
  const { rule } = useParameters({ from: '/rules' });
  const navigate = useNavigate({ from: '/rules' });
  return (
    <>
      <PageHead title="Rules and channels">
        <Link to="/incidents" className="button">
          Incidents
        </Link>
      </PageHead>
      <Show query={alerts}>
        {(found) => (
          <>
            <Problems alerts={found} />
            <Channels alerts={found} />
            <MaintenanceWindows alerts={found} />
            {rule && (
              <RuleTrace
                title={rule}
                close={() => void navigate({ search: (old) => ({ ...old, rule: '' }), resetScroll: false })}
              />
            )}
            <RuleTable rules={found.rules} />
            <Own />
          </>
        )}
      </Show>
    </>
  );
}

function Problems({ alerts }: { alerts: Alerts }) {
  if (!alerts.problem && alerts.problems.length === 0 && !alerts.standby) return null;
  return (
    <section className="card stack" aria-label="What is not in force" role="alert">
      <h2>Not in force</h2>
      {alerts.standby && <p>Another listener evaluates; this one would take over.</p>}
      {alerts.problem && <p className="break">{alerts.problem}</p>}
      <ul className="quiet">
        {alerts.problems.map((problem) => (
          <li key={problem.place + problem.message} className="break">
            <code>{problem.place}</code> {problem.rule && <strong>{problem.rule}: </strong>}
            {problem.message}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Channels({ alerts }: { alerts: Alerts }) {
  const mayEdit = useMayEdit();
  const attempt = useAlertChange(tryChannel);
  const routed = Object.entries(alerts.routes);
  return (
    <section className="card flush" aria-label="Channels">
      <header>
        <h2>Channels</h2>
      </header>
      {alerts.channels.length === 0 ? (
        <Empty title="Nobody is told">
          <p>
            Set up a channel under <code>listener</code> in <code>canarytrace.yaml</code>, such as{' '}
            <code>slack: {'{ webhook: { secret: { env: SLACK_WEBHOOK_URL } } }'}</code>. Until then incidents are seen
            here only.
          </p>
        </Empty>
      ) : (
        <table>
          <tbody>
            {alerts.channels.map((channel) => (
              <tr key={channel.name}>
                <th scope="row">{channel.name}</th>
                <td className="break">{channel.what}</td>
                <td className="number">
                  {mayEdit && (
                    <button
                      type="button"
                      className="button"
                      disabled={attempt.isPending}
                      onClick={() => attempt.mutate(channel.name)}
                    >
                      Send a test
                    </button>
                  )}
                </td>
              </tr>
            ))}
            {routed.map(([name, channel]) => (
              <tr key={`route ${name}`}>
                <th scope="row">{name}</th>
                <td>goes to {channel}</td>
                <td />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {attempt.isSuccess && (
        <p role="status" className="table-more">
          {attempt.variables} took the message.
        </p>
      )}
      {attempt.error && <Failure error={attempt.error} />}
    </section>
  );
}

const SOURCES: Record<string, string> = {
  monitors: 'built in',
  internal: 'established',
  custom: 'custom',
  rum: 'visitors',
  own: 'file',
  store: 'written here',
};

function RuleTable({ rules }: { rules: Rule[] }) {
  if (rules.length === 0)
    return (
      <section className="card">
        <Empty title="No rule is in force" />
      </section>
    );
  return (
    <section className="card flush" aria-label="Rules">
      <header>
        <h2>{rules.length} rules</h2>
      </header>
      <div className="scroll-x">
        <table className="incidents">
          <thead>
            <tr>
              <th scope="col">Score</th>
              <th scope="col">Rule</th>
              <th scope="col">Documents</th>
              <th scope="col">Last value against its limit</th>
              <th scope="col">Tells</th>
              <th scope="col">From</th>
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <tr key={rule.title} id={rule.title}>
                <td>
                  <Badge state={scoreRole(rule.score)}>{rule.score}</Badge>
                </td>
                <td className="break">
                  <strong>{rule.title}</strong>
                  <div className="small soft">
                    {conditionText(rule)} within {rule.window}
                    {rule.by ? `, by ${rule.by}` : ''}
                    {rule.causes.length > 0 ? `, cause ${rule.causes.join(', ')}` : ''}
                  </div>
                </td>
                <td className="break">
                  <span className="mono small">{rule.index}-*</span>
                  <div className="small soft break">{rule.words}</div>
                </td>
                <td>
                  <Readings rule={rule} />
                  <div>
                    <Link to="/rules" search={{ rule: rule.title }} className="small" resetScroll={false}>
                      Last 24 h
                    </Link>
                  </div>
                </td>
                <td className="break">
                  {rule.reporters.map((reporter) => reporter.channel).join(', ')}
                  <div className="small soft">{rule.notify === 'overview' ? 'in overviews' : rule.notify}</div>
                </td>
                <td className="small">
                  {SOURCES[rule.source] ?? rule.source}
                  {rule.file && <div className="soft break">{`${rule.file}:${rule.line}`}</div>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function conditionText(rule: Rule): string {
  const [name, value] = Object.entries(rule.condition)[0] ?? ['', {}];
  if (name === 'count') return `at least ${(value as { at_least: number }).at_least}`;
  if (typeof value !== 'object' || value === null) return `${name} ${String(value)}`;
  const parts = Object.entries(value as Record<string, unknown>)
    .filter(([, own]) => own !== null && own !== false && !(Array.isArray(own) && own.length === 0))
    .map(([key, own]) => `${key.replaceAll('_', ' ')} ${Array.isArray(own) ? own.join(', ') : String(own)}`);
  return `${name.replaceAll('_', ' ')}: ${parts.join(', ')}`;
}

const SHOWN = 3;

function Readings({ rule }: { rule: Rule }) {
  const state = rule.state;
  if (state?.error) return <span className="worse break">{state.error}</span>;
  const readings = state?.readings ?? [];
  if (readings.length === 0) return <span className="soft small">{state ? 'nothing to judge' : 'not judged yet'}</span>;
  return (
    <div title={state ? `judged ${ago(state.judgedAt)}` : undefined}>
      {readings.slice(0, SHOWN).map((reading) => {
        const share = reading.limit > 0 ? reading.value / reading.limit : 0;
        const scale = Math.max(share, 1.25);
        const text = `${number(reading.value)} of ${number(reading.limit)}`;
        return (
          <div key={reading.key ?? ''} className="reading small">
            <span className="break">{reading.key ?? ''}</span>
            <span className={share >= 1 ? 'reading-bar beyond' : 'reading-bar'} role="img" aria-label={text}>
              <span style={{ width: `${Math.max(Math.min(share / scale, 1), 0) * 100}%` }} />
              <i style={{ left: `${100 / scale}%` }} />
            </span>
            <span className="number">{text}</span>
          </div>
        );
      })}
      {readings.length > SHOWN && <div className="small soft">and {readings.length - SHOWN} more</div>}
    </div>
  );
}

const EXAMPLE = `rules:
- title: Checkout is slow
  index: c.vitals
  query: 'url: *checkout*'
  when: { statistic: { field: lcp, of: p75, above: 2500, minimum: 20 } }
  window: 1h
  by: monitor
  score: 40
  reporters:
    - { type: slack, message: "Largest Contentful Paint of the checkout is above 2.5 s" }
`;

/** Rules that are written here; those of files are changed there. */
function Own() {
  const stored = useStoredRules();
  const mayEdit = useMayEdit();
  if (!mayEdit) return null;
  return (
    <section className="card stack" aria-label="Rules of your own">
      <h2>Rules of your own</h2>
      <p className="soft">
        Rules that are written here take the place of others with the same title. Those in files are changed in the
        files.
      </p>
      {stored.isError && <Failure error={stored.error} />}
      {stored.isPending && <Loading />}
      {stored.data !== undefined && <Editor initial={stored.data} />}
    </section>
  );
}

function Editor({ initial }: { initial: string }) {
  const [text, setText] = useState(initial || EXAMPLE);
  const [from, setFrom] = useState('now-24h');
  const save = useAlertChange(storeRules);
  const attempt = useAlertChange(tryRules);
  const trial = attempt.data as Trial | undefined;
  return (
    <>
      <label className="field">
        <span>YAML</span>
        <textarea
          className="input rule-text"
          value={text}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <div className="row">
        <label className="field">
          <span>Try on the documents since</span>
          <select value={from} onChange={(event) => setFrom(event.target.value)}>
            <option value="now-6h">6 hours</option>
            <option value="now-24h">24 hours</option>
            <option value="now-7d">7 days</option>
          </select>
        </label>
        <button
          type="button"
          className="button"
          disabled={attempt.isPending}
          onClick={() => attempt.mutate({ text, from, to: 'now' })}
        >
          {attempt.isPending ? 'Trying…' : 'Try'}
        </button>
        <button type="button" className="button primary" disabled={save.isPending} onClick={() => save.mutate(text)}>
          Put in force
        </button>
      </div>
      {save.isSuccess && <p role="status">In force.</p>}
      {save.error && <Failure error={save.error} />}
      {attempt.error && <Failure error={attempt.error} />}
      {trial && <TrialResult trial={trial} />}
    </>
  );
}

function TrialResult({ trial }: { trial: Trial }) {
  const { incidents, errors, nearest, rounds } = trial.rehearsal;
  const problems = [
    ...trial.problems.map((problem) => `${problem.place}: ${problem.rule ?? ''} ${problem.message}`),
    ...Object.entries(errors).map(([rule, error]) => `${rule}: ${error}`),
  ];
  const silent = Object.entries(nearest).filter(([rule]) => !incidents.some((incident) => incident.rule === rule));
  return (
    <div role="status" className="stack">
      {problems.map((problem) => (
        <p key={problem} className="worse break">
          {problem}
        </p>
      ))}
      <p>
        {incidents.length === 0
          ? 'Nothing would have been found'
          : `${incidents.length} incidents would have been found`}{' '}
        in {rounds} rounds.
      </p>
      {incidents.length > 0 && (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">Opened</th>
                <th scope="col">Closed</th>
                <th scope="col">Incident</th>
              </tr>
            </thead>
            <tbody>
              {incidents.map((incident) => (
                <tr key={incident.title + incident.opened}>
                  <td>{dateTime(incident.opened)}</td>
                  <td>{incident.closed ? dateTime(incident.closed) : 'still open'}</td>
                  <td className="break">
                    {incident.title}
                    <div className="small soft">{incident.sentence}</div>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {silent.map(([rule, [value, limit]]) => (
        <p key={rule} className="soft">
          {rule}: the nearest was {number(value)} (limit {number(limit)}).
        </p>
      ))}
    </div>
  );
}
