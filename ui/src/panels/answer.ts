/** What was answered, as numbers of a chart. Pure. */

import type { Metric, Series, Split } from '../services/api';
import { type Aggregation, type Answer, type Bucket, buckets, inner } from '../services/search';
import type {
  BarChart,
  DonutChart,
  GaugeChart,
  HeatmapChart,
  HistogramChart,
  MetricChart,
  TableChart,
  TimeChart,
} from './model';
import { metricName } from './model';

type Value = number | null;

const holderOf = (bucket: object, name: string): Aggregation | undefined =>
  (bucket as Record<string, unknown>)[name] as Aggregation | undefined;

/** The number of a metric in a bucket, under the name that the request gave it. */
export function metricValue(metric: Metric, bucket: Bucket | { doc_count: number }, name: string): Value {
  let holder = holderOf(bucket, name);
  if (metric.query) {
    if (metric.aggregation === 'count') return holder?.doc_count ?? 0;
    holder = holder?.m as Aggregation | undefined;
  } else if (metric.aggregation === 'count') return bucket.doc_count;
  // The sum of nothing is not 0: nothing was measured.
  if ((metric.query ? (holderOf(bucket, name)?.doc_count ?? 0) : bucket.doc_count) === 0) return null;
  const value = holder?.values ? (Object.values(holder.values)[0] ?? null) : (holder?.value ?? null);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The answer itself as a bucket of everything. */
const whole = (answer: Answer): Bucket => ({
  key: '',
  doc_count: answer.hits.total?.value ?? 0,
  ...answer.aggregations,
});

export interface Line {
  name: string;
  series: Series;
  /** The value of the split field. */
  value?: string | number;
  points: [number, Value][];
  band?: [number, Value, Value][];
}

export function lines(chart: TimeChart, answer: Answer): Line[] {
  const shared = buckets(answer.aggregations?.time);
  return chart.series.flatMap((series, position): Line[] => {
    const name = `s${position}`;
    if (!series.split) {
      const percentiles = (bucket: Bucket): [number, Value, Value] => {
        const values = Object.values(inner(bucket, `${name}_band`)?.values ?? {});
        return [Number(bucket.key), values[0] ?? null, values[1] ?? null];
      };
      return [
        {
          name: metricName(series.metric),
          series,
          points: shared.map((bucket) => [Number(bucket.key), metricValue(series.metric, bucket, name)]),
          ...(series.band ? { band: shared.map(percentiles) } : {}),
        },
      ];
    }
    const holder = answer.aggregations?.[name];
    const values = buckets(series.metric.query ? (holder?.values as unknown as Aggregation) : holder);
    const { query: _, ...metric } = series.metric;
    return values.map((bucket) => ({
      name: String(bucket.key_as_string ?? bucket.key),
      value: bucket.key,
      series,
      points: buckets(inner(bucket, 'time')).map((at) => [Number(at.key), metricValue(metric, at, 'm')]),
    }));
  });
}

export interface Row {
  keys: (string | number)[];
  values: Value[];
}

function flatten(splits: Split[], metrics: Metric[], holder: Bucket, keys: (string | number)[]): Row[] {
  const [split, ...rest] = splits;
  if (!split) return [{ keys, values: metrics.map((metric, position) => metricValue(metric, holder, `m${position}`)) }];
  return buckets(inner(holder, 'values')).flatMap((bucket) =>
    flatten(rest, metrics, bucket, [...keys, bucket.key_as_string ?? bucket.key]),
  );
}

export const rows = (chart: TableChart, answer: Answer): Row[] => flatten(chart.rows, chart.metrics, whole(answer), []);

export const bars = (chart: BarChart, answer: Answer): Row[] =>
  flatten([chart.split], chart.metrics, whole(answer), []);

export const figures = (chart: MetricChart, answer: Answer): Value[] =>
  chart.metrics.map((metric, position) => metricValue(metric, whole(answer), `m${position}`));

export const gauge = (chart: GaugeChart, answer: Answer): Value => metricValue(chart.metric, whole(answer), 'm0');

export interface SliceValue {
  name: string;
  value: number;
  keys: (string | number)[];
  role?: string;
  query?: string;
}

/** One ring for each split, the innermost first. */
export function rings(chart: DonutChart, answer: Answer): SliceValue[][] {
  const { slices, metric } = chart;
  if ('conditions' in slices) {
    const found = answer.aggregations?.values?.buckets as Record<string, Bucket> | undefined;
    return [
      slices.conditions.map((slice) => ({
        name: slice.label,
        value: (found?.[slice.label] && metricValue(metric, found[slice.label] as Bucket, 'm0')) ?? 0,
        keys: [],
        role: slice.role,
        query: slice.query,
      })),
    ];
  }
  return slices.values.map((_, depth) =>
    flatten(slices.values.slice(0, depth + 1), [metric], whole(answer), []).map((row) => ({
      name: String(row.keys.at(-1)),
      value: row.values[0] ?? 0,
      keys: row.keys,
    })),
  );
}

export interface Cell {
  at: number;
  row: string;
  value: Value;
}

export function cells(chart: HeatmapChart, answer: Answer): Cell[] {
  const of = (holder: Bucket, row: string): Cell[] =>
    buckets(inner(holder, 'time')).map((bucket) => ({
      at: Number(bucket.key),
      row,
      value: bucket.doc_count === 0 ? null : metricValue(chart.metric, bucket, 'm0'),
    }));
  if (!chart.split) return of(whole(answer), '');
  return buckets(answer.aggregations?.values).flatMap((bucket) =>
    of(bucket, String(bucket.key_as_string ?? bucket.key)),
  );
}

export const counts = (_chart: HistogramChart, answer: Answer): [number, number][] =>
  buckets(answer.aggregations?.values).map((bucket) => [Number(bucket.key), bucket.doc_count]);
