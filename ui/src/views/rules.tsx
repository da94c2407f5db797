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
import { common } from '../strings/common';
import { fill } from '../strings/fill';
import { rules as say } from '../strings/rules';

/** What is looked for, how near it is, and whom it tells. */
export function Rules() {
  const alerts = useAlerts();
  const { rule } = useParameters({ from: '/rules' });
  const navigate = useNavigate({ from: '/rules' });
  return (
    <>
      <PageHead title={say.rulesAndChannels}>
        <Link to="/incidents" className="button">
          {common.incidents}
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
    <section className="card stack" aria-label={say.whatIsNotInForce} role="alert">
      <h2>{say.notInForce}</h2>
      {alerts.standby && <p>{say.anotherListenerEvaluatesThisOne}</p>}
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
    <section className="card flush" aria-label={say.channels}>
      <header>
        <h2>{say.channels}</h2>
      </header>
      {alerts.channels.length === 0 ? (
        <Empty title={say.nobodyIsTold}>
          <p>
            {fill(
              say.setUpAChannelUnder,
              <code>listener</code>,
              <code>canarytrace.yaml</code>,
              <code>slack: {'{ webhook: { secret: { env: SLACK_WEBHOOK_URL } } }'}</code>,
            )}
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
                      {say.sendATest}
                    </button>
                  )}
                </td>
              </tr>
            ))}
            {routed.map(([name, channel]) => (
              <tr key={`route ${name}`}>
                <th scope="row">{name}</th>
                <td>{say.goesTo(channel)}</td>
                <td />
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {attempt.isSuccess && (
        <p role="status" className="table-more">
          {say.tookTheMessage(attempt.variables)}
        </p>
      )}
      {attempt.error && <Failure error={attempt.error} />}
    </section>
  );
}

const SOURCES: Record<string, string> = {
  monitors: say.builtIn,
  internal: 'established',
  custom: 'custom',
  rum: 'visitors',
  own: 'file',
  store: say.writtenHere,
};

function RuleTable({ rules }: { rules: Rule[] }) {
  if (rules.length === 0)
    return (
      <section className="card">
        <Empty title={say.noRuleIsInForce} />
      </section>
    );
  return (
    <section className="card flush" aria-label={say.rules}>
      <header>
        <h2>{say.rulesInForce(rules.length)}</h2>
      </header>
      <div className="scroll-x">
        <table className="incidents">
          <thead>
            <tr>
              <th scope="col">{say.score}</th>
              <th scope="col">{say.rule}</th>
              <th scope="col">{common.documents}</th>
              <th scope="col">{say.lastValueAgainstItsLimit}</th>
              <th scope="col">{say.tells}</th>
              <th scope="col">{common.from}</th>
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
                    {say.within(
                      conditionText(rule),
                      rule.window,
                      rule.by ? say.by(rule.by) : '',
                      rule.causes.length > 0 ? say.cause(rule.causes.join(', ')) : '',
                    )}
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
                      {say.last24H}
                    </Link>
                  </div>
                </td>
                <td className="break">
                  {rule.reporters.map((reporter) => reporter.channel).join(', ')}
                  <div className="small soft">{rule.notify === 'overview' ? say.inOverviews : rule.notify}</div>
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
  if (name === 'count') return say.atLeast((value as { at_least: number }).at_least);
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
  if (readings.length === 0) return <span className="soft small">{state ? say.nothingToJudge : say.notJudgedYet}</span>;
  return (
    <div title={state ? say.judged(ago(state.judgedAt)) : undefined}>
      {readings.slice(0, SHOWN).map((reading) => {
        const share = reading.limit > 0 ? reading.value / reading.limit : 0;
        const scale = Math.max(share, 1.25);
        const text = say.valueOfLimit(number(reading.value), number(reading.limit));
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
      {readings.length > SHOWN && <div className="small soft">{say.andMore(readings.length - SHOWN)}</div>}
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
    <section className="card stack" aria-label={say.rulesOfYourOwn}>
      <h2>{say.rulesOfYourOwn}</h2>
      <p className="soft">{say.rulesThatAreWrittenHere}</p>
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
        <span>{say.yaml}</span>
        <textarea
          className="input rule-text"
          value={text}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <div className="row">
        <label className="field">
          <span>{say.tryOnTheDocumentsSince}</span>
          <select value={from} onChange={(event) => setFrom(event.target.value)}>
            <option value="now-6h">{say.hours6}</option>
            <option value="now-24h">{say.hours24}</option>
            <option value="now-7d">{say.days7}</option>
          </select>
        </label>
        <button
          type="button"
          className="button"
          disabled={attempt.isPending}
          onClick={() => attempt.mutate({ text, from, to: 'now' })}
        >
          {attempt.isPending ? say.trying : say.tryNow}
        </button>
        <button type="button" className="button primary" disabled={save.isPending} onClick={() => save.mutate(text)}>
          {say.putInForce}
        </button>
      </div>
      {save.isSuccess && <p role="status">{say.inForce}</p>}
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
        {say.inRounds(
          incidents.length === 0 ? say.nothingWouldHaveBeenFound : say.incidentsWouldHaveBeenFound(incidents.length),
          rounds,
        )}
      </p>
      {incidents.length > 0 && (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">{say.opened}</th>
                <th scope="col">{say.closed}</th>
                <th scope="col">{say.incident}</th>
              </tr>
            </thead>
            <tbody>
              {incidents.map((incident) => (
                <tr key={incident.title + incident.opened}>
                  <td>{dateTime(incident.opened)}</td>
                  <td>{incident.closed ? dateTime(incident.closed) : say.stillOpen}</td>
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
          {say.theNearestWasLimit(rule, number(value), number(limit))}
        </p>
      ))}
    </div>
  );
}
