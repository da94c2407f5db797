import { useState } from 'react';
import { dateTime } from '../services/format';
import { timeZone } from '../services/preferences';
import { isRange, QUICK, rangeLabel, resolve, type TimeRange } from '../services/time';
import { timePicker as say } from '../strings/time-picker';
import { Panel } from './menu';

const REFRESH: [string, string][] = [
  ['', say.off],
  ['5', '5 s'],
  ['10', '10 s'],
  ['30', '30 s'],
  ['60', '1 min'],
  ['300', '5 min'],
];

/** Quick and exact times, and how often to look again. */
export function TimePicker({
  range,
  onChange,
  refresh,
  onRefresh,
}: {
  range: TimeRange;
  onChange: (range: TimeRange) => void;
  refresh?: string | undefined;
  onRefresh?: (seconds: string) => void;
}) {
  return (
    <Panel
      label={say.time(rangeLabel(range, dateTime))}
      content={(close) => (
        <div className="stack">
          <div className="quick">
            {QUICK.map(([name, quick]) => (
              <button
                key={name}
                type="button"
                className="button quiet"
                onClick={() => {
                  onChange(quick);
                  close();
                }}
              >
                {name}
              </button>
            ))}
          </div>
          <Exact
            key={range.from + range.to}
            range={range}
            onChange={(exact) => {
              onChange(exact);
              close();
            }}
          />
          {onRefresh && (
            <label className="field">
              <span>{say.lookAgainEvery}</span>
              <select value={refresh ?? ''} onChange={(event) => onRefresh(event.target.value)}>
                {REFRESH.map(([seconds, name]) => (
                  <option key={seconds} value={seconds}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
      )}
    >
      <span aria-hidden="true">◷</span> {rangeLabel(range, dateTime)}
      {refresh && <span className="soft small">{say.everyS(refresh)}</span>}
    </Panel>
  );
}

function Exact({ range, onChange }: { range: TimeRange; onChange: (range: TimeRange) => void }) {
  const [from, setFrom] = useState(range.from);
  const [to, setTo] = useState(range.to);
  const wanted = { from: from.trim(), to: to.trim() };
  const right = isRange(wanted);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (right) onChange(wanted);
      }}
    >
      <label className="field">
        <span>{say.fromNow2H2026}</span>
        <input value={from} onChange={(event) => setFrom(event.target.value)} aria-invalid={!right} />
      </label>
      <label className="field">
        <span>{say.to}</span>
        <input value={to} onChange={(event) => setTo(event.target.value)} aria-invalid={!right} />
      </label>
      <p className="small soft" role="status">
        {right
          ? `${dateTime(resolve(wanted.from) ?? 0)} – ${dateTime(resolve(wanted.to) ?? 0)}, ${timeZone()}`
          : say.notATimeWriteNow}
      </p>
      <button type="submit" className="button primary" disabled={!right}>
        {say.showThisTime}
      </button>
    </form>
  );
}
