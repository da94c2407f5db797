/** Dashboards as data: the shapes of `canarytrace_model::dashboard`, which the server checks. */

import type { Filter } from '../services/filters';
import type { Unit } from '../services/format';
import type { TimeRange } from '../services/time';

export interface Dashboard {
  title: string;
  description?: string;
  range: TimeRange;
  refreshSeconds?: number;
  query?: string;
  filters?: Filter[];
  panels: PanelModel[];
}

export interface PanelModel {
  id: string;
  title: string;
  hideTitle?: boolean;
  grid: { x: number; y: number; w: number; h: number };
  chart: Chart;
}

export type AggregationName = 'count' | 'max' | 'min' | 'avg' | 'sum' | 'percentile' | 'cardinality';
export type Style = 'line' | 'step' | 'area' | 'stepArea' | 'bar';
export type OutcomeRole = 'passed' | 'slow' | 'failed' | 'broken' | 'neutral';

export interface Metric {
  label?: string;
  aggregation: AggregationName;
  field?: string;
  percent?: number;
  query?: string;
  unit?: Unit;
}

export interface Split {
  field: string;
  label?: string;
  size?: number;
  order?: 'count' | 'metric' | 'key';
}

export interface Series {
  metric: Metric;
  split?: Split;
  style?: Style;
  stacked?: boolean;
  rightAxis?: boolean;
  band?: [number, number];
}

export interface AnnotationSource {
  index: string;
  query: string;
  fields: string[];
  role: OutcomeRole;
}

interface Asks {
  index: string;
  query?: string;
  /** Of the query; left out: KQL. */
  language?: 'kql' | 'lucene';
}

export type MarkdownChart = { kind: 'markdown'; text: string };
export type ControlChart = {
  kind: 'control';
  index: string;
  controls: { field: string; label: string; size?: number; multiple?: boolean; pinned?: boolean }[];
};
export type MetricChart = Asks & { kind: 'metric'; metrics: Metric[] };
export type GaugeChart = Asks & {
  kind: 'gauge';
  metric: Metric;
  max: number;
  bands: { from: number; role: OutcomeRole }[];
};
export type TimeChart = Asks & {
  kind: 'time';
  interval?: string;
  series: Series[];
  annotations?: AnnotationSource[];
};
export type BarChart = Asks & { kind: 'bar'; split: Split; metrics: Metric[] };
export type TableChart = Asks & {
  kind: 'table';
  rows: Split[];
  metrics: Metric[];
  sort?: { column: number; ascending?: boolean };
};
export type DonutChart = Asks & {
  kind: 'donut';
  slices: { values: Split[] } | { conditions: { label: string; query: string; role: OutcomeRole }[] };
  metric: Metric;
  hideLegend?: boolean;
};
export type HeatmapChart = Asks & { kind: 'heatmap'; split?: Split; metric: Metric; highIsGood?: boolean };
export type HistogramChart = Asks & { kind: 'histogram'; field: string; interval: number; unit?: Unit };

export type DataChart =
  | MetricChart
  | GaugeChart
  | TimeChart
  | BarChart
  | TableChart
  | DonutChart
  | HeatmapChart
  | HistogramChart;
export type Chart = MarkdownChart | ControlChart | DataChart;

export const metricName = (metric: Metric): string => {
  if (metric.label) return metric.label;
  if (metric.aggregation === 'count') return 'Documents';
  const name = metric.aggregation === 'percentile' ? `p${metric.percent ?? 50}` : metric.aggregation;
  return `${name} ${metric.field ?? ''}`;
};

export const splitName = (split: Split): string => split.label || split.field;
