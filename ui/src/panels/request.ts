/** What a chart asks: one search body for each. Pure. */

import type { Metric, Series, Split } from '../services/api';
import { textQuery } from '../services/filters';
import { both, kql, type Query } from '../services/search';
import { interval, rangeQuery, resolve, type TimeRange } from '../services/time';
import type { DataChart, TimeChart } from './model';

export interface Scope {
  range: TimeRange;
  /** Filters of the dashboard, its query and its controls. */
  filters: Query[];
  /** CSS pixels; charts over time have no more points than they can show. */
  width: number;
  timeZone: string;
}

type Aggregations = Record<string, object>;

export const DEFAULT_SIZE = 50;

/** The aggregation of a metric; none for a count, which every bucket has. */
export function metricAggregation(metric: Metric): object | undefined {
  switch (metric.aggregation) {
    case 'count':
      return undefined;
    case 'percentile':
      return { percentiles: { field: metric.field, percents: [metric.percent ?? 50] } };
    default:
      return { [metric.aggregation]: { field: metric.field } };
  }
}

/** A metric under a name, within its own condition if it has one. */
function named(name: string, metric: Metric): Aggregations {
  const own = metricAggregation(metric);
  if (metric.query) return { [name]: { filter: kql(metric.query), ...(own ? { aggs: { m: own } } : {}) } };
  return own ? { [name]: own } : {};
}

function order(split: Split, name: string, metric: Metric | undefined): object {
  if (split.order === 'key') return { _key: 'desc' };
  if (split.order !== 'metric' || !metric || metric.aggregation === 'count' || metric.query) return { _count: 'desc' };
  if (metric.aggregation === 'percentile') return { [`${name}.${metric.percent ?? 50}`]: 'desc' };
  return { [name]: 'desc' };
}

function terms(split: Split, name: string, metric: Metric | undefined, aggs: Aggregations): object {
  return {
    terms: { field: split.field, size: split.size ?? DEFAULT_SIZE, order: order(split, name, metric) },
    ...(Object.keys(aggs).length > 0 ? { aggs } : {}),
  };
}

const PIXELS_PER_BUCKET = 9;

export const timeInterval = (scope: Scope, minimum?: string): string =>
  interval(scope.range, Math.max(20, Math.min(300, Math.floor(scope.width / PIXELS_PER_BUCKET))), minimum);

export function overTime(scope: Scope, minimum?: string, aggs: Aggregations = {}): object {
  const now = Date.now();
  return {
    date_histogram: {
      field: 'timestamp',
      fixed_interval: timeInterval(scope, minimum),
      time_zone: scope.timeZone,
      min_doc_count: 0,
      extended_bounds: { min: resolve(scope.range.from, now), max: resolve(scope.range.to, now) },
    },
    ...(Object.keys(aggs).length > 0 ? { aggs } : {}),
  };
}

function band(series: Series, name: string): Aggregations {
  if (!series.band) return {};
  return { [`${name}_band`]: { percentiles: { field: series.metric.field, percents: series.band } } };
}

/** A line of its own is beside the others under one histogram; a split line has a histogram for each value. */
function timeAggregations(chart: TimeChart, scope: Scope): Aggregations {
  const shared: Aggregations = {};
  const split: Aggregations = {};
  chart.series.forEach((series, position) => {
    const name = `s${position}`;
    if (!series.split) {
      Object.assign(shared, named(name, series.metric), band(series, name));
      return;
    }
    const { query: _, ...metric } = series.metric;
    const own = metricAggregation(metric);
    const values = terms(series.split, 'm', metric, {
      ...(own && series.split.order === 'metric' ? { m: own } : {}),
      time: overTime(scope, chart.interval, own ? { m: own } : {}),
    });
    split[name] = series.metric.query ? { filter: kql(series.metric.query), aggs: { values } } : values;
  });
  const hasShared = chart.series.some((series) => !series.split);
  return { ...(hasShared ? { time: overTime(scope, chart.interval, shared) } : {}), ...split };
}

function metrics(list: Metric[]): Aggregations {
  return Object.assign({}, ...list.map((metric, position) => named(`m${position}`, metric))) as Aggregations;
}

function nested(splits: Split[], list: Metric[]): Aggregations {
  const [split, ...rest] = splits;
  if (!split) return metrics(list);
  const inside =
    rest.length > 0 ? { ...nested(rest, list), ...(split.order === 'metric' ? metrics(list) : {}) } : metrics(list);
  return { values: terms(split, 'm0', list[0], inside) };
}

function aggregations(chart: DataChart, scope: Scope): Aggregations {
  switch (chart.kind) {
    case 'metric':
      return metrics(chart.metrics);
    case 'gauge':
      return metrics([chart.metric]);
    case 'time':
      return timeAggregations(chart, scope);
    case 'bar':
      return nested([chart.split], chart.metrics);
    case 'table':
      return nested(chart.rows, chart.metrics);
    case 'donut':
      if ('values' in chart.slices) return nested(chart.slices.values, [chart.metric]);
      return {
        values: {
          filters: {
            filters: Object.fromEntries(chart.slices.conditions.map((slice) => [slice.label, kql(slice.query)])),
          },
          aggs: metrics([chart.metric]),
        },
      };
    case 'heatmap': {
      const time = overTime(scope, undefined, metrics([chart.metric]));
      return chart.split ? { values: terms(chart.split, 'm0', undefined, { time }) } : { time };
    }
    case 'histogram':
      return { values: { histogram: { field: chart.field, interval: chart.interval, min_doc_count: 0 } } };
  }
}

/** What all documents of a chart fulfil. */
export const chartQuery = (chart: { query?: string; language?: string }, scope: Scope): Query =>
  both(rangeQuery(scope.range), ...scope.filters, textQuery(chart.query, chart.language));

export function request(chart: DataChart, scope: Scope): object {
  return {
    size: 0,
    track_total_hits: true,
    query: chartQuery(chart, scope),
    aggs: aggregations(chart, scope),
  };
}
