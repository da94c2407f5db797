/** Dashboards as data: the shapes of `canarytrace_model::dashboard`, which the server checks. */

import type { Chart, Metric, Split } from '../services/api';
import { common } from '../strings/common';

type Of<Kind extends Chart['kind']> = Extract<Chart, { kind: Kind }>;

export type ControlChart = Of<'control'>;
export type MetricChart = Of<'metric'>;
export type GaugeChart = Of<'gauge'>;
export type TimeChart = Of<'time'>;
export type BarChart = Of<'bar'>;
export type TableChart = Of<'table'>;
export type DonutChart = Of<'donut'>;
export type HeatmapChart = Of<'heatmap'>;
export type HistogramChart = Of<'histogram'>;
/** Those that ask the store themselves. */
export type DataChart = Exclude<Chart, { kind: 'markdown' | 'control' }>;

export const metricName = (metric: Metric): string => {
  if (metric.label) return metric.label;
  if (metric.aggregation === 'count') return common.documents;
  const name = metric.aggregation === 'percentile' ? `p${metric.percent ?? 50}` : metric.aggregation;
  return `${name} ${metric.field ?? ''}`;
};

export const splitName = (split: Split): string => split.label || split.field;
