import { useCallback, useEffect, useMemo, useRef } from 'react';
import { Chart, type Colors } from '../components/chart';
import { Empty, Show } from '../components/faces';
import type { Line } from '../panels/answer';
import { timeOption } from '../panels/draw';
import { useTrace } from '../services/alerts';
import type { Trace } from '../services/api';
import { dateTime, number } from '../services/format';
import { common } from '../strings/common';
import { ruleTrace as say } from '../strings/rule-trace';

const LIMIT = 'limit';

/** What a rule measured over the last day, against its limit. */
export function RuleTrace({ title, close }: { title: string; close: () => void }) {
  const trace = useTrace(title);
  const place = useRef<HTMLElement>(null);
  // Another rule is to be seen, too.
  useEffect(() => place.current?.scrollIntoView({ block: 'nearest' }), [title]);
  return (
    <section ref={place} className="card stack" aria-label={say.valuesOf(title)}>
      <header className="spread">
        <h2>{say.theLast24Hours(title)}</h2>
        <button type="button" className="button" onClick={close}>
          {common.close}
        </button>
      </header>
      <Show query={trace}>
        {(found) =>
          found.points.some((point) => point.readings.length > 0) ? (
            <TraceChart title={title} trace={found} />
          ) : (
            <Empty title={say.nothingToJudgeInThis}>
              <p>{say.noDocumentOfItsKind}</p>
            </Empty>
          )
        }
      </Show>
    </section>
  );
}

const metric = { aggregation: 'avg', field: 'value' } as const;

/** One line for each key, and one for the limit, which may move. */
function traceLines(trace: Trace): Line[] {
  const keys = new Set(trace.points.flatMap((point) => point.readings.map((reading) => reading.key ?? 'value')));
  const named = [...keys].map((key): Line => {
    const points = trace.points.map((point): [number, number | null] => {
      const reading = point.readings.find((own) => (own.key ?? 'value') === key);
      return [Date.parse(point.at), reading?.value ?? null];
    });
    return { name: key, series: { metric }, value: key, points };
  });
  const limit = trace.points.map((point): [number, number | null] => [
    Date.parse(point.at),
    point.readings[0]?.limit ?? null,
  ]);
  return [...named, { name: LIMIT, series: { metric }, value: LIMIT, points: limit }];
}

function TraceChart({ title, trace }: { title: string; trace: Trace }) {
  const found = useMemo(() => traceLines(trace), [trace]);
  const bounds = useMemo(() => {
    const times = trace.points.map((point) => Date.parse(point.at));
    return { from: Math.min(...times), to: Math.max(...times) };
  }, [trace]);
  const draw = useCallback(
    (colors: Colors) => {
      const option = timeOption(found, bounds, [], [], colors) as { series: Record<string, unknown>[] };
      for (const series of option.series) {
        if (series.name === LIMIT)
          Object.assign(series, {
            color: colors.role('failed'),
            lineStyle: { color: colors.role('failed'), type: 'dashed', width: 2 },
          });
      }
      return option;
    },
    [found, bounds],
  );
  return <Chart label={say.againstItsLimit(title)} option={draw} height={240} table={<TraceTable trace={trace} />} />;
}

function TraceTable({ trace }: { trace: Trace }) {
  return (
    <table>
      <tbody>
        {trace.points.flatMap((point) =>
          point.readings.map((reading) => (
            <tr key={`${point.at}${reading.key}`}>
              <td>{dateTime(point.at)}</td>
              <td>{reading.key ?? ''}</td>
              <td>{number(reading.value)}</td>
              <td>{number(reading.limit)}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}
