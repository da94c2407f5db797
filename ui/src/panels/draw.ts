/** Numbers of a chart as options of the chart library. Pure. */

import type { EChartsCoreOption } from 'echarts/core';
import type { Colors } from '../components/chart';
import type { Annotation, Unit } from '../services/api';
import { bytes, day, fullDateTime, hourMinute, inUnit, milliseconds, short } from '../services/format';
import { common } from '../strings/common';
import { draw as say } from '../strings/draw';
import type { Cell, Line, Row, SliceValue } from './answer';
import type { BarChart, GaugeChart, HeatmapChart, HistogramChart } from './model';
import { metricName } from './model';

export interface Mark {
  at: number;
  text: string;
  role: string;
  uuid?: string;
}

const SMALL = { fontSize: 11 };
const DAY_MS = 86_400_000;

const axisUnit = (unit: Unit | undefined) => (value: number) => {
  if (unit === 'bytes') return bytes(value);
  if (unit === 'milliseconds') return milliseconds(value);
  if (unit === 'percent') return `${value} %`;
  return short(value);
};

const tooltip = (colors: Colors) => ({
  confine: true,
  backgroundColor: colors.surface,
  borderColor: colors.line,
  textStyle: { color: colors.ink, fontSize: 12 },
  extraCssText: 'max-width: 480px; white-space: normal; overflow-wrap: anywhere;',
});

const valueAxis = (colors: Colors, unit: Unit | undefined, more: object = {}) => ({
  type: 'value',
  axisLabel: { ...SMALL, color: colors.soft, formatter: axisUnit(unit) },
  splitLine: { lineStyle: { color: colors.line } },
  ...more,
});

const timeAxis = (colors: Colors, from: number, to: number) => ({
  type: 'time',
  min: from,
  max: to,
  axisLabel: {
    ...SMALL,
    color: colors.soft,
    hideOverlap: true,
    formatter: (at: number) => (to - from > 3 * DAY_MS ? day(at) : hourMinute(at)),
  },
  axisLine: { lineStyle: { color: colors.line } },
  splitLine: { show: false },
});

/** A tip without HTML: what a page wrote is only ever a text. */
export function tip(title: string, lines: [color: string | undefined, name: string, value: string][]): HTMLElement {
  const root = document.createElement('div');
  const head = document.createElement('div');
  head.textContent = title;
  head.style.fontWeight = '600';
  root.append(head);
  for (const [color, name, value] of lines) {
    const line = document.createElement('div');
    line.style.display = 'flex';
    line.style.gap = '8px';
    if (color) {
      const dot = document.createElement('span');
      dot.style.cssText = `flex:none;width:9px;height:9px;margin-top:6px;border-radius:50%;background:${color}`;
      line.append(dot);
    }
    const label = document.createElement('span');
    label.textContent = name.length > 160 ? `${name.slice(0, 160)}…` : name;
    const number = document.createElement('strong');
    number.textContent = value;
    number.style.marginLeft = 'auto';
    line.append(label, number);
    root.append(line);
  }
  return root;
}

const MOST_IN_TIP = 12;

interface Hovered {
  seriesName: string;
  color: string;
  value: [number, number | null];
  axisValue: number;
}

export function timeOption(
  found: Line[],
  range: { from: number; to: number },
  marks: Mark[],
  annotations: Annotation[],
  colors: Colors,
): EChartsCoreOption {
  const [first] = found;
  const right = found.find((line) => line.series.rightAxis);
  const unit = found.find((line) => !line.series.rightAxis)?.series.metric.unit ?? first?.series.metric.unit;
  const named = found.length > 1 || found.some((line) => line.value !== undefined);
  const units = new Map(found.map((line) => [line.name, line.series.metric.unit]));
  const drawn = found.flatMap((line, position) => drawLine(line, colors.palette[position % 8] ?? colors.ink));
  const [leading] = drawn;
  if (leading) Object.assign(leading, { markLine: annotationLines(annotations, colors) });
  return {
    color: colors.palette,
    grid: { left: 8, right: right ? 8 : 16, top: named ? 34 : 14, bottom: 6, containLabel: true },
    legend: named
      ? {
          type: 'scroll',
          top: 0,
          left: 0,
          icon: 'roundRect',
          itemWidth: 10,
          itemHeight: 10,
          textStyle: { color: colors.ink, width: 260, overflow: 'truncate', fontSize: 12 },
          pageTextStyle: { color: colors.soft },
          data: found.map((line) => line.name),
        }
      : { show: false },
    tooltip: {
      ...tooltip(colors),
      trigger: 'axis',
      formatter: (hovered: Hovered[]) => {
        const [one] = hovered;
        if (!one) return '';
        const shown = hovered
          .filter(
            (line) => line.value[1] !== null && line.value[1] !== undefined && !line.seriesName.startsWith('\u0000'),
          )
          .sort((a, b) => Number(b.value[1]) - Number(a.value[1]));
        const rest = shown.length - MOST_IN_TIP;
        return tip(fullDateTime(one.axisValue).replace(/\.\d+$/, ''), [
          ...shown
            .slice(0, MOST_IN_TIP)
            .map((line): [string, string, string] => [
              line.color,
              line.seriesName,
              inUnit(line.value[1], units.get(line.seriesName)),
            ]),
          ...(rest > 0 ? [[undefined, say.andMore(rest), ''] as [undefined, string, string]] : []),
        ]);
      },
    },
    xAxis: timeAxis(colors, range.from, range.to),
    yAxis: [
      valueAxis(colors, unit, { min: 0 }),
      ...(right ? [valueAxis(colors, right.series.metric.unit, { min: 0, splitLine: { show: false } })] : []),
    ],
    series: [...drawn, ...markSeries(marks, colors)],
  };
}

function drawLine(line: Line, color: string): Record<string, unknown>[] {
  const { style = 'line', stacked, rightAxis } = line.series;
  const isBar = style === 'bar';
  const isArea = style === 'area' || style === 'stepArea';
  const main = {
    name: line.name,
    type: isBar ? 'bar' : 'line',
    data: line.points,
    color,
    yAxisIndex: rightAxis ? 1 : 0,
    ...(stacked ? { stack: 'all' } : {}),
    ...(isBar
      ? { barMaxWidth: 28, large: line.points.length > 1000 }
      : {
          showSymbol: false,
          symbolSize: 6,
          connectNulls: true,
          lineStyle: { width: 1.75 },
          ...(style.startsWith('step') ? { step: 'end' } : {}),
          ...(isArea ? { areaStyle: { opacity: stacked ? 0.55 : 0.18 } } : {}),
        }),
  };
  if (!line.band) return [main];
  // Where nothing was measured there is no band.
  const band = line.band.filter(([, low, high]) => low !== null && high !== null);
  const base = {
    type: 'line',
    showSymbol: false,
    silent: true,
    lineStyle: { opacity: 0 },
    connectNulls: true,
    stack: `band-${line.name}`,
    tooltip: { show: false },
  };
  return [
    main,
    { ...base, name: `\u0000low ${line.name}`, data: band.map(([at, low]) => [at, low]) },
    {
      ...base,
      name: `\u0000high ${line.name}`,
      data: band.map(([at, low, high]) => [at, (high ?? 0) - (low ?? 0)]),
      areaStyle: { color, opacity: 0.16 },
    },
  ];
}

/** Failures and the like: signs on the lower edge, with their text. */
function markSeries(marks: Mark[], colors: Colors): Record<string, unknown>[] {
  if (marks.length === 0) return [];
  return [
    {
      name: '\u0000marks',
      type: 'scatter',
      symbolSize: 11,
      z: 5,
      data: marks.map((mark) => ({
        value: [mark.at, 0],
        symbol: mark.role === 'broken' ? 'triangle' : 'diamond',
        itemStyle: { color: colors.role(mark.role), borderColor: colors.surface, borderWidth: 1 },
        mark,
      })),
      tooltip: {
        trigger: 'item',
        formatter: ({ data }: { data: { mark: Mark } }) =>
          tip(fullDateTime(data.mark.at), [[undefined, data.mark.text, '']]),
      },
    },
  ];
}

/** Deployments and the like: lines from top to bottom. */
function annotationLines(annotations: Annotation[], colors: Colors): object {
  return {
    silent: false,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: colors.soft, type: 'dashed' },
    data: annotations.map((annotation) => ({ xAxis: new Date(annotation.timestamp).getTime(), annotation })),
    tooltip: {
      trigger: 'item',
      formatter: ({ data }: { data: { annotation: Annotation } }) =>
        tip(fullDateTime(data.annotation.timestamp), [
          [undefined, `${data.annotation.kind}: ${data.annotation.text}`, data.annotation.revision ?? ''],
        ]),
    },
  };
}

export function gaugeOption(chart: GaugeChart, value: number | null, colors: Colors): EChartsCoreOption {
  const reached = chart.bands.filter((band) => (value ?? -1) >= band.from).at(-1);
  const color = colors.role(reached?.role ?? 'neutral');
  return {
    series: [
      {
        type: 'gauge',
        startAngle: 90,
        endAngle: -270,
        min: 0,
        max: chart.max,
        radius: '92%',
        pointer: { show: false },
        progress: { show: true, width: 9, roundCap: true, itemStyle: { color } },
        axisLine: { lineStyle: { width: 9, color: [[1, colors.sunken]] } },
        splitLine: { show: false },
        axisTick: { show: false },
        axisLabel: { show: false },
        title: { offsetCenter: [0, '26%'], color: colors.soft, fontSize: 11 },
        detail: {
          offsetCenter: [0, '-8%'],
          color,
          fontSize: 24,
          fontWeight: 650,
          formatter: () => (value === null ? '–' : String(Math.round(value))),
        },
        data: [{ value: value ?? 0, name: metricName(chart.metric) }],
      },
    ],
  };
}

export function barOption(chart: BarChart, found: Row[], colors: Colors): EChartsCoreOption {
  const shown = [...found].reverse();
  const unit = chart.metrics[0]?.unit;
  return {
    color: colors.palette,
    grid: { left: 8, right: 16, top: chart.metrics.length > 1 ? 34 : 10, bottom: 6, containLabel: true },
    legend:
      chart.metrics.length > 1
        ? {
            top: 0,
            left: 0,
            icon: 'roundRect',
            itemWidth: 10,
            itemHeight: 10,
            textStyle: { color: colors.ink, fontSize: 12 },
          }
        : { show: false },
    tooltip: {
      ...tooltip(colors),
      trigger: 'axis',
      axisPointer: { type: 'shadow' },
      formatter: (hovered: { seriesName: string; color: string; value: number; name: string }[]) =>
        tip(
          hovered[0]?.name ?? '',
          hovered.map((bar) => [bar.color, bar.seriesName, inUnit(bar.value, unit)]),
        ),
    },
    xAxis: valueAxis(colors, unit),
    yAxis: {
      type: 'category',
      data: shown.map((row) => String(row.keys[0])),
      axisLabel: { ...SMALL, color: colors.ink, width: 220, overflow: 'truncate' },
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { show: false },
    },
    series: chart.metrics.map((metric, position) => ({
      name: metricName(metric),
      type: 'bar',
      barMaxWidth: 18,
      data: shown.map((row) => row.values[position]),
    })),
  };
}

/** A donut narrower than this has its legend below, not beside it; px. */
const NARROW_DONUT = 260;

export function donutOption(
  found: SliceValue[][],
  unit: Unit | undefined,
  hideLegend: boolean,
  colors: Colors,
): EChartsCoreOption {
  const total = (found[0] ?? []).reduce((sum, slice) => sum + slice.value, 0);
  const drawn = {
    animation: false,
    color: colors.palette,
    tooltip: {
      ...tooltip(colors),
      trigger: 'item',
      formatter: (slice: { name: string; value: number; percent: number; color: string }) =>
        tip(slice.name, [[slice.color, inUnit(slice.value, unit), `${slice.percent.toFixed(1)} %`]]),
    },
    legend: hideLegend
      ? { show: false }
      : {
          type: 'scroll',
          icon: 'roundRect',
          itemWidth: 10,
          itemHeight: 10,
          textStyle: { color: colors.ink, overflow: 'truncate', fontSize: 12 },
        },
    title: undefined,
    series: found.map((slices, depth) => ({
      type: 'pie',
      itemStyle: { borderColor: colors.surface, borderWidth: 1 },
      label: { show: false },
      labelLine: { show: false },
      data: slices.map((slice, position) => ({
        name: slice.name,
        value: slice.value,
        slice,
        ...(slice.role ? { itemStyle: { color: colors.role(slice.role) } } : {}),
        // The middle says the whole once.
        ...(depth === 0 && position === 0 ? { label: middle(total, colors) } : {}),
      })),
    })),
  };
  const rings = found.length;
  if (hideLegend) return { ...drawn, series: placed(drawn.series, rings, [52, 86], ['50%', '50%']) };
  const beside = { orient: 'vertical', right: 0, top: 'middle', textStyle: { width: 120 } };
  const below = { orient: 'horizontal', left: 'center', bottom: 0, itemGap: 6, textStyle: { width: 90 } };
  return {
    baseOption: drawn,
    media: [
      {
        query: { maxWidth: NARROW_DONUT },
        option: { legend: below, series: placed([], rings, [42, 66], ['50%', '42%']) },
      },
      { option: { legend: beside, series: placed([], rings, [46, 76], ['32%', '50%']) } },
    ],
  };
}

/** Rings around one center, as parts of the smaller side in percent. */
const placed = (series: object[], rings: number, [hole, rim]: [number, number], center: [string, string]) => {
  const ring = (rim - hole) / Math.max(rings, 1);
  return Array.from({ length: rings }, (_, depth) => ({
    ...series[depth],
    radius: [`${hole + depth * ring}%`, `${hole + (depth + 1) * ring - 1}%`],
    center,
  }));
};

const middle = (total: number, colors: Colors) => ({
  show: true,
  position: 'center',
  formatter: () => short(total),
  color: colors.ink,
  fontSize: 16,
  fontWeight: 650,
});

export function heatmapOption(chart: HeatmapChart, found: Cell[], colors: Colors): EChartsCoreOption {
  const times = [...new Set(found.map((cell) => cell.at))].sort((a, b) => a - b);
  const names = [...new Set(found.map((cell) => cell.row))];
  const values = found.flatMap((cell) => (cell.value === null ? [] : [cell.value]));
  const [low, high] = [Math.min(...values, 0), Math.max(...values, 1)];
  const scale = [colors.role('passed'), colors.role('slow'), colors.role('failed')];
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
  return {
    grid: { left: 8, right: 8, top: 8, bottom: 44, containLabel: true },
    tooltip: {
      ...tooltip(colors),
      formatter: ({ value, color }: { value: [number, number, number]; color: string }) =>
        tip(fullDateTime(times[value[0]] ?? 0), [
          [color, names[value[1]] || metricName(chart.metric), inUnit(value[2], chart.metric.unit)],
        ]),
    },
    xAxis: {
      type: 'category',
      data: times.map((at) => (span > 3 * DAY_MS ? day(at) : hourMinute(at))),
      axisLabel: { ...SMALL, color: colors.soft },
      axisLine: { lineStyle: { color: colors.line } },
    },
    yAxis: {
      type: 'category',
      data: names,
      axisLabel: { ...SMALL, color: colors.ink, width: 160, overflow: 'truncate' },
    },
    visualMap: {
      min: low,
      max: high,
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemHeight: 80,
      itemWidth: 10,
      textStyle: { color: colors.soft, fontSize: 11 },
      inRange: { color: chart.highIsGood ? scale.reverse() : scale },
    },
    series: [
      {
        type: 'heatmap',
        data: found.flatMap((cell) =>
          cell.value === null ? [] : [[times.indexOf(cell.at), names.indexOf(cell.row), cell.value]],
        ),
        itemStyle: { borderColor: colors.surface, borderWidth: 1 },
      },
    ],
  };
}

export function histogramOption(chart: HistogramChart, found: [number, number][], colors: Colors): EChartsCoreOption {
  return {
    color: colors.palette,
    grid: { left: 8, right: 16, top: 10, bottom: 6, containLabel: true },
    tooltip: {
      ...tooltip(colors),
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const [from, count] = found[dataIndex] ?? [0, 0];
        return tip(`${inUnit(from, chart.unit)} – ${inUnit(from + chart.interval, chart.unit)}`, [
          [undefined, common.documents, String(count)],
        ]);
      },
    },
    xAxis: {
      type: 'category',
      data: found.map(([from]) => axisUnit(chart.unit)(from)),
      axisLabel: { ...SMALL, color: colors.soft },
      axisLine: { lineStyle: { color: colors.line } },
    },
    yAxis: valueAxis(colors, 'number'),
    series: [{ type: 'bar', barCategoryGap: '4%', data: found.map(([, count]) => count) }],
  };
}
