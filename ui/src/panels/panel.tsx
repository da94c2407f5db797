import { useQuery } from '@tanstack/react-query';
import { compiler } from 'markdown-to-jsx';
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Chart, type ClickedPoint, type Colors } from '../components/chart';
import { Empty, Show } from '../components/faces';
import type { Annotation, AnnotationSource, Panel as PanelModel } from '../services/api';
import { chartFilter, isExactly } from '../services/filters';
import { count, fullDateTime, inUnit } from '../services/format';
import { type Answer, search, sources, useSearch } from '../services/search';
import { useAnnotations } from '../services/server';
import { resolve, type TimeRange } from '../services/time';
import { bars, cells, counts, figures, gauge, lines, type Row, rings, rows, type SliceValue } from './answer';
import { ChartTable } from './chart-table';
import { Controls } from './controls';
import { barOption, donutOption, gaugeOption, heatmapOption, histogramOption, type Mark, timeOption } from './draw';
import type { DataChart, DonutChart, HeatmapChart, HistogramChart, TableChart, TimeChart } from './model';
import { metricName, splitName } from './model';
import { chartQuery, request, type Scope, timeInterval } from './request';
import './panel.css';
import { common } from '../strings/common';
import { panel as say } from '../strings/panel';

export interface PanelContext {
  scope: Omit<Scope, 'width'>;
  refreshSeconds: number;
  /** What the controls of the dashboard have chosen, by field. */
  chosen: Record<string, string[]>;
  choose: (field: string, values: string[], pinned?: boolean) => void;
  setRange: (range: TimeRange) => void;
  /** Shows the documents behind a point. */
  drill: (index: string, filters: string[], range?: TimeRange) => void;
}

/** The panel of any kind; searches wait until it can be seen. */
export function PanelBody({ panel, context }: { panel: PanelModel; context: PanelContext }) {
  const { chart } = panel;
  if (chart.kind === 'markdown') return <Markdown text={chart.text} />;
  if (chart.kind === 'control') return <Controls chart={chart} context={context} />;
  return <DataPanel title={panel.title} chart={chart} context={context} />;
}

/** Markdown without HTML: a dashboard may come from anybody. */
export function Markdown({ text }: { text: string }) {
  const content = useMemo(
    () =>
      compiler(text, {
        wrapper: 'div',
        forceWrapper: true,
        disableParsingRawHTML: true,
        overrides: {
          a: { props: { rel: 'noreferrer' } },
          // Pictures would be fetched from elsewhere.
          img: { component: ({ alt }: { alt?: string }) => <em>{alt}</em> },
        },
      }),
    [text],
  );
  return <div className="markdown">{content}</div>;
}

/** The width of an element, and whether it was ever in view. */
function usePlace() {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    // In steps, so that a scroll bar does not ask everything again.
    const resize = new ResizeObserver(([entry]) => entry && setWidth(Math.ceil(entry.contentRect.width / 100) * 100));
    resize.observe(element);
    const view = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), {
      rootMargin: '300px',
    });
    view.observe(element);
    return () => {
      resize.disconnect();
      view.disconnect();
    };
  }, []);
  return { place, width, seen: seen && width > 0 };
}

function DataPanel({ title, chart, context }: { title: string; chart: DataChart; context: PanelContext }) {
  const { place, width, seen } = usePlace();
  // A report has all of it, seen or not.
  const whole = new URLSearchParams(window.location.search).has('kiosk');
  const scope: Scope = useMemo(() => ({ ...context.scope, width: width || 800 }), [context.scope, width]);
  const body = useMemo(() => request(chart, scope), [chart, scope]);
  const query = useSearch(chart.index, body, {
    enabled: seen || whole,
    refreshSeconds: context.refreshSeconds,
  });
  return (
    <div ref={place} className="panel-place">
      <Show query={query}>
        {(answer) => <Drawn title={title} chart={chart} answer={answer} scope={scope} context={context} />}
      </Show>
    </div>
  );
}

interface DrawnProperties<Kind extends DataChart = DataChart> {
  title: string;
  chart: Kind;
  answer: Answer;
  scope: Scope;
  context: PanelContext;
}

const NOTHING = (
  <Empty title={say.noData}>
    <p className="small">{say.nothingMatchesInThisTime}</p>
  </Empty>
);

function Drawn({ chart, ...rest }: DrawnProperties): ReactNode {
  const { title, answer, context } = rest;
  switch (chart.kind) {
    case 'metric':
      return (
        <dl className="figures">
          {figures(chart, answer).map((value, position) => {
            const metric = chart.metrics[position];
            return (
              <div key={metric ? metricName(metric) : position}>
                <dt>{metric && metricName(metric)}</dt>
                <dd>{inUnit(value, metric?.unit)}</dd>
              </div>
            );
          })}
        </dl>
      );
    case 'gauge': {
      const value = gauge(chart, answer);
      return (
        <Drawing
          label={say.gaugeValue(title, value === null ? say.noDataOfGauge : Math.round(value), chart.max)}
          draw={(colors) => gaugeOption(chart, value, colors)}
          needs={[chart, value]}
        />
      );
    }
    case 'time':
      return <TimePanel chart={chart} {...rest} />;
    case 'bar': {
      const found = bars(chart, answer);
      if (found.length === 0) return NOTHING;
      const drill = (point: ClickedPoint) => {
        const row = [...found].reverse()[point.dataIndex];
        if (row) context.drill(chart.index, drillFilters(chart, [isExactly(chart.split.field, row.keys[0])]));
      };
      return (
        <Drawing
          label={title}
          draw={(colors) => barOption(chart, found, colors)}
          needs={[chart, found]}
          onClick={drill}
          table={
            <ChartTable head={[splitName(chart.split), ...chart.metrics.map(metricName)]} rows={plainRows(found)} />
          }
        />
      );
    }
    case 'table':
      return <TablePanel chart={chart} {...rest} />;
    case 'donut':
      return <DonutPanel chart={chart} {...rest} />;
    case 'heatmap':
      return <HeatmapPanel chart={chart} {...rest} />;
    case 'histogram':
      return <HistogramPanel chart={chart} {...rest} />;
  }
}

const plainRows = (found: Row[]): (string | number | null)[][] => found.map((row) => [...row.keys, ...row.values]);

const drillFilters = (chart: { query?: string; language?: string }, more: string[]): string[] => [
  ...chartFilter(chart),
  ...more,
];

/** An option that is made anew only when what it needs is new. */
function Drawing({
  label,
  draw,
  needs,
  table,
  onClick,
  onRange,
}: {
  label: string;
  draw: (colors: Colors) => ReturnType<typeof gaugeOption>;
  needs: unknown[];
  table?: ReactNode;
  onClick?: (point: ClickedPoint) => void;
  onRange?: (from: number, to: number) => void;
}) {
  const option = useCallback(draw, needs);
  return (
    <Chart
      label={label}
      option={option}
      {...(table ? { table } : {})}
      {...(onClick ? { onClick } : {})}
      {...(onRange ? { onRange } : {})}
    />
  );
}

const MOST_MARKS = 200;

/** Documents that are marks: failed steps and the like. */
function useMarks(wanted: AnnotationSource[] | undefined, scope: Scope): Mark[] {
  const query = useQuery({
    queryKey: ['marks', wanted, scope.range, scope.filters],
    enabled: (wanted ?? []).length > 0,
    queryFn: async ({ signal }) => {
      const found = await Promise.all(
        (wanted ?? []).map(async (source) => {
          const body = {
            size: MOST_MARKS,
            query: chartQuery({ query: source.query }, scope),
            sort: [{ timestamp: { order: 'desc', unmapped_type: 'date' } }],
            _source: ['timestamp', 'uuid', ...source.fields],
          };
          const documents = await sources<Record<string, unknown>>(source.index, body, signal);
          return documents.map(
            (document): Mark => ({
              at: new Date(String(document.timestamp)).getTime(),
              text: source.fields.map((field) => document[field] ?? '').join(' : '),
              role: source.role,
              uuid: String(document.uuid ?? ''),
            }),
          );
        }),
      );
      return found.flat();
    },
  });
  return query.data ?? NO_MARKS;
}
const NO_MARKS: Mark[] = [];
const NO_ANNOTATIONS: Annotation[] = [];

function TimePanel({ title, chart, answer, scope, context }: DrawnProperties<TimeChart>) {
  const found = useMemo(() => lines(chart, answer), [chart, answer]);
  const marks = useMarks(chart.annotations, scope);
  const annotations = useAnnotations(scope.range).data ?? NO_ANNOTATIONS;
  const now = Date.now();
  const range = useMemo(
    () => ({ from: resolve(scope.range.from) ?? 0, to: resolve(scope.range.to) ?? 0 }),
    [scope.range],
  );
  if (answer.hits.total?.value === 0) return NOTHING;
  const drill = (point: ClickedPoint) => {
    const mark = (point.data as { mark?: Mark }).mark;
    if (mark?.uuid) {
      context.drill(chart.annotations?.[0]?.index ?? chart.index, [isExactly('uuid', mark.uuid)]);
      return;
    }
    const line = found.find((own) => own.name === point.seriesName);
    const at = (point.value as [number, number] | undefined)?.[0];
    if (!line || at === undefined) return;
    const step = (line.points[1]?.[0] ?? now) - (line.points[0]?.[0] ?? now) || 60_000;
    const value = line.series.split && line.value !== undefined ? [isExactly(line.series.split.field, line.value)] : [];
    const own = line.series.metric.query ? [line.series.metric.query] : [];
    context.drill(chart.index, drillFilters(chart, [...own, ...value]), {
      from: new Date(at).toISOString(),
      to: new Date(at + step).toISOString(),
    });
  };
  const setRange = (from: number, to: number) =>
    context.setRange({ from: new Date(from).toISOString(), to: new Date(to).toISOString() });
  return (
    <Drawing
      label={say.seriesEvery(title, found.length, timeInterval(scope, chart.interval))}
      draw={(colors) => timeOption(found, range, marks, annotations, colors)}
      needs={[found, range, marks, annotations]}
      onClick={drill}
      onRange={setRange}
      table={<SeriesTable found={found} />}
    />
  );
}

const MOST_SPOKEN = 60;

function SeriesTable({ found }: { found: ReturnType<typeof lines> }) {
  const shown = found.slice(0, 8);
  const times = (shown[0]?.points ?? []).slice(-MOST_SPOKEN);
  return (
    <ChartTable
      head={[common.time, ...shown.map((line) => line.name)]}
      rows={times.map(([at], position) => [
        fullDateTime(at),
        ...shown.map((line) =>
          inUnit(line.points[Math.max(0, line.points.length - times.length) + position]?.[1], line.series.metric.unit),
        ),
      ])}
    />
  );
}

function TablePanel({ title, chart, answer, context }: DrawnProperties<TableChart>) {
  const found = rows(chart, answer);
  if (found.length === 0) return NOTHING;
  return (
    <ChartTable
      visible
      title={title}
      head={[...chart.rows.map(splitName), ...chart.metrics.map(metricName)]}
      rows={plainRows(found)}
      numbersFrom={chart.rows.length}
      sort={chart.sort}
      show={(value, column) => {
        const metric = chart.metrics[column - chart.rows.length];
        // The heading of the established tables names the unit.
        return metric
          ? inUnit(value as number | null, metric.label?.includes('(ms)') ? 'number' : metric.unit)
          : String(value);
      }}
      onRow={(row) =>
        context.drill(
          chart.index,
          drillFilters(
            chart,
            chart.rows.map((split, at) => isExactly(split.field, row[at])),
          ),
        )
      }
    />
  );
}

function DonutPanel({ title, chart, answer, context }: DrawnProperties<DonutChart>) {
  const found = useMemo(() => rings(chart, answer), [chart, answer]);
  if ((found[0] ?? []).every((slice) => slice.value === 0)) return NOTHING;
  const { slices } = chart;
  const drill = (point: ClickedPoint) => {
    const { slice } = point.data as { slice: SliceValue };
    const of =
      'values' in slices
        ? slice.keys.map((key, at) => isExactly(slices.values[at]?.field ?? '', key))
        : [slice.query ?? ''];
    context.drill(chart.index, drillFilters(chart, of));
  };
  return (
    <Drawing
      label={`${title}: ${(found[0] ?? []).map((slice) => `${slice.name} ${count(slice.value)}`).join(', ')}`}
      draw={(colors) => donutOption(found, chart.metric.unit, chart.hideLegend ?? false, colors)}
      needs={[chart, found]}
      onClick={drill}
    />
  );
}

function HeatmapPanel({ title, chart, answer }: DrawnProperties<HeatmapChart>) {
  const found = useMemo(() => cells(chart, answer), [chart, answer]);
  if (found.every((cell) => cell.value === null)) return NOTHING;
  return <Drawing label={title} draw={(colors) => heatmapOption(chart, found, colors)} needs={[chart, found]} />;
}

function HistogramPanel({ title, chart, answer }: DrawnProperties<HistogramChart>) {
  const found = useMemo(() => counts(chart, answer), [chart, answer]);
  if (found.length === 0) return NOTHING;
  return <Drawing label={title} draw={(colors) => histogramOption(chart, found, colors)} needs={[chart, found]} />;
}

/** The rows of a table panel, for exports. */
export async function exportedTable(chart: TableChart | import('./model').BarChart, scope: Scope) {
  const answer = await search(chart.index, request(chart, scope));
  const found = chart.kind === 'table' ? rows(chart, answer) : bars(chart, answer);
  const splits = chart.kind === 'table' ? chart.rows : [chart.split];
  return { columns: [...splits.map(splitName), ...chart.metrics.map(metricName)], table: plainRows(found) };
}
