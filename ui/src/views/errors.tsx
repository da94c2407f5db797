import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Choice } from '../components/choice';
import { Empty, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge } from '../components/outcome';
import { TimePicker } from '../components/time-picker';
import { Trend } from '../components/trend';
import type { ErrorGroup, ErrorKind } from '../services/api';
import { type Asked, useErrors } from '../services/errors';
import { ago, count, dateTime } from '../services/format';
import './errors.css';
import { common } from '../strings/common';
import { errors as say } from '../strings/errors';

const KINDS: Record<ErrorKind, string> = { step: say.failedStep, console: 'console', request: 'request' };

export const kindName = (kind: string): string => KINDS[kind as ErrorKind] ?? kind;

const matches = (group: ErrorGroup, words: string): boolean => {
  const own = [group.message, group.step, group.host, group.file].filter(Boolean).join(' ').toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => own.includes(word));
};

/** What goes wrong in runs, each kind of it once: since when, how often, and whom it concerns. */
export function Errors() {
  const parameters = useParameters({ from: '/errors' });
  const navigate = useNavigate({ from: '/errors' });
  const go = (changes: Partial<typeof parameters>) => void navigate({ search: (old) => ({ ...old, ...changes }) });
  const { from = 'now-24h', to = 'now', monitor, kind, q = '' } = parameters;
  const asked = useMemo(() => ({ from, to, monitor }), [from, to, monitor]);
  const query = useErrors(asked);
  return (
    <>
      <PageHead title={say.errors}>
        <TimePicker range={{ from, to }} onChange={(next) => go({ from: next.from, to: next.to })} />
      </PageHead>
      <div className="row">
        <input
          className="input grow"
          type="search"
          aria-label={say.wordsOfTheError}
          placeholder={say.wordsOfTheErrorA}
          value={q}
          onChange={(event) => go({ q: event.target.value })}
        />
        <Choice
          label={common.kind}
          value={kind}
          options={Object.keys(KINDS)}
          name={kindName}
          onChange={(next) => go({ kind: next })}
        />
        {monitor && (
          <button type="button" className="button" onClick={() => go({ monitor: '' })}>
            {monitor} ✕
          </button>
        )}
      </div>
      <Show query={query}>
        {({ groups, partial }) => {
          const shown = groups.filter((group) => (!kind || group.kind === kind) && matches(group, q));
          if (shown.length === 0)
            return (
              <Empty title={say.noErrorInThisTime}>
                <p>{groups.length > 0 ? say.othersWereSeenTakeThe : say.noStepFailedAndNo}</p>
              </Empty>
            );
          return (
            <section className="card flush" aria-label={say.errorsByWhatTheySay}>
              <header className="small">
                <strong>{count(shown.length)}</strong> {shown.length === 1 ? 'error' : say.differentErrors}
                {partial && say.thereIsMoreThanWas}
              </header>
              <ErrorTable groups={shown} asked={asked} />
            </section>
          );
        }}
      </Show>
    </>
  );
}

const MOST_ROWS = 300;

export function ErrorTable({ groups, asked }: { groups: ErrorGroup[]; asked: Asked }) {
  return (
    <div className="scroll-x">
      <table className="errors">
        <thead>
          <tr>
            <th scope="col">{common.error}</th>
            <th scope="col">{say.seen}</th>
            <th scope="col" className="number">
              {common.count}
            </th>
            <th scope="col">{say.first}</th>
            <th scope="col">{say.last}</th>
            <th scope="col">{common.monitors}</th>
          </tr>
        </thead>
        <tbody>
          {groups.slice(0, MOST_ROWS).map((group) => (
            <tr key={group.fingerprint}>
              <td className="break">
                <Link
                  to="/errors/$fingerprint"
                  params={{ fingerprint: group.fingerprint }}
                  search={{ from: asked.from, to: asked.to, ...(asked.monitor ? { monitor: asked.monitor } : {}) }}
                >
                  {group.message}
                </Link>
                <div className="small soft">
                  {kindName(group.kind)}
                  {[group.step, group.host, group.file]
                    .filter((text) => text && !group.message.includes(text))
                    .map((text) => ` · ${text}`)}
                </div>
              </td>
              <td>
                <Trend counts={group.trend} label={say.overTheChosenTime} />
              </td>
              <td className="number">{count(group.count)}</td>
              <td title={dateTime(group.firstSeen)}>
                {group.isNew ? <Badge state="failed">{say.isNew(ago(group.firstSeen))}</Badge> : ago(group.firstSeen)}
              </td>
              <td title={dateTime(group.lastSeen)}>{ago(group.lastSeen)}</td>
              <td className="break">{monitorNames(group.monitors)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {groups.length > MOST_ROWS && <p className="table-more small soft">{say.theFirstWordsOrA(MOST_ROWS)}</p>}
    </div>
  );
}

const SHOWN = 2;

function monitorNames(monitors: Record<string, number>): string {
  const names = Object.entries(monitors)
    .sort(([, one], [, other]) => other - one)
    .map(([name]) => name);
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (more > 0 ? say.andMore(more) : '');
}
