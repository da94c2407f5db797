import { type ReactNode, useState } from 'react';
import { Failure } from '../components/faces';
import { Dialog } from '../components/menu';
import type {
  Aggregation,
  Chart,
  Field,
  Metric,
  OutcomeRole,
  Panel as PanelModel,
  Series,
  Split,
  Style,
} from '../services/api';
import { PATTERNS } from '../services/indices';
import { newId, useFields } from '../services/server';
import type { DataChart } from './model';
import { PanelBody, type PanelContext } from './panel';
import './editor.css';

const COUNT: Metric = { aggregation: 'count' };
const SPLIT: Split = { field: '', size: 10 };

/** Every kind with what it begins as. */
const KINDS: Record<Chart['kind'], [string, (index: string) => Chart]> = {
  time: [
    'Over time: line, area, step, bar, band',
    (index) => ({ kind: 'time', index, series: [{ metric: COUNT, style: 'bar' }] }),
  ],
  bar: ['Bars by value', (index) => ({ kind: 'bar', index, split: SPLIT, metrics: [COUNT] })],
  table: ['Table', (index) => ({ kind: 'table', index, rows: [SPLIT], metrics: [COUNT] })],
  metric: ['Large numbers', (index) => ({ kind: 'metric', index, metrics: [COUNT] })],
  gauge: [
    'Gauge',
    (index) => ({
      kind: 'gauge',
      index,
      metric: COUNT,
      max: 100,
      bands: [
        { from: 0, role: 'failed' },
        { from: 50, role: 'slow' },
        { from: 90, role: 'passed' },
      ],
    }),
  ],
  donut: ['Donut', (index) => ({ kind: 'donut', index, slices: { values: [SPLIT] }, metric: COUNT })],
  heatmap: ['Heat map', (index) => ({ kind: 'heatmap', index, metric: COUNT })],
  histogram: ['Histogram of a number', (index) => ({ kind: 'histogram', index, field: '', interval: 100 })],
  control: [
    'Control: choose values',
    (index) => ({ kind: 'control', index, controls: [{ field: '', label: 'Choose', size: 50 }] }),
  ],
  markdown: ['Text', () => ({ kind: 'markdown', text: '### Title\n\nText' })],
};

const AGGREGATIONS: [Aggregation, string][] = [
  ['count', 'Count'],
  ['max', 'Maximum'],
  ['min', 'Minimum'],
  ['avg', 'Mean'],
  ['sum', 'Sum'],
  ['percentile', 'Percentile'],
  ['cardinality', 'Different values'],
];
const STYLES: [Style, string][] = [
  ['line', 'Line'],
  ['step', 'Steps'],
  ['area', 'Area'],
  ['stepArea', 'Area in steps'],
  ['bar', 'Bars'],
];

/** From data to a panel without writing JSON; with a preview of what it will be, and the JSON for those who like it. */
export default function Editor({
  panel,
  panels,
  context,
  close,
  onSave,
}: {
  panel: PanelModel | undefined;
  panels: PanelModel[];
  context: PanelContext;
  close: () => void;
  onSave: (panel: PanelModel) => void;
}) {
  const [draft, setDraft] = useState<PanelModel>(() => panel ?? fresh(panels));
  const [json, setJson] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const setChart = (chart: Chart) => setDraft({ ...draft, chart });
  const index = 'index' in draft.chart ? draft.chart.index : (PATTERNS[0] ?? 'c.*');

  const save = () => {
    if (json !== undefined) {
      try {
        onSave({ ...draft, chart: JSON.parse(json) as Chart });
      } catch (error) {
        setProblem(`This is not JSON: ${String(error)}`);
      }
      return;
    }
    const missing = whatIsMissing(draft);
    setProblem(missing);
    if (!missing) onSave(draft);
  };
  return (
    <Dialog title={panel ? `Edit ${panel.title}` : 'New panel'} open close={close} wide>
      <div className="editor">
        <div className="stack">
          <label className="field">
            <span>Title</span>
            <input value={draft.title} onChange={(event) => setDraft({ ...draft, title: event.target.value })} />
          </label>
          <label className="field">
            <span>Chart</span>
            <select
              value={draft.chart.kind}
              onChange={(event) => setChart(KINDS[event.target.value as Chart['kind']][1](index))}
            >
              {Object.entries(KINDS).map(([kind, [name]]) => (
                <option key={kind} value={kind}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          {json === undefined ? (
            <ChartForm chart={draft.chart} onChange={setChart} />
          ) : (
            <label className="field">
              <span>JSON of the chart</span>
              <textarea className="mono" rows={18} value={json} onChange={(event) => setJson(event.target.value)} />
            </label>
          )}
          {problem && <Failure error={new Error(problem)} />}
          <div className="row">
            <button type="button" className="button primary" onClick={save}>
              {panel ? 'Apply' : 'Add'}
            </button>
            <button
              type="button"
              className="button"
              onClick={() => setJson(json === undefined ? JSON.stringify(draft.chart, null, 2) : undefined)}
            >
              {json === undefined ? 'As JSON' : 'As a form'}
            </button>
          </div>
        </div>
        <section className="preview card" aria-label="Preview">
          {whatIsMissing(draft) ? (
            <p className="soft">{whatIsMissing(draft)}</p>
          ) : (
            <PanelBody key={JSON.stringify(draft.chart)} panel={draft} context={context} />
          )}
        </section>
      </div>
    </Dialog>
  );
}

function fresh(panels: PanelModel[]): PanelModel {
  const bottom = Math.max(0, ...panels.map((panel) => panel.grid.y + panel.grid.h));
  return {
    id: newId('panel'),
    title: 'New panel',
    grid: { x: 0, y: bottom, w: 24, h: 12 },
    chart: KINDS.time[1](PATTERNS[0] ?? 'c.*'),
  };
}

const metricsOf = (chart: Chart): Metric[] => {
  if ('metrics' in chart) return chart.metrics;
  if ('metric' in chart) return [chart.metric];
  return chart.kind === 'time' ? chart.series.map((series) => series.metric) : [];
};

const splitsOf = (chart: Chart): Split[] => {
  switch (chart.kind) {
    case 'bar':
      return [chart.split];
    case 'table':
      return chart.rows;
    case 'donut':
      return 'values' in chart.slices ? chart.slices.values : [];
    case 'time':
      return chart.series.flatMap((series) => (series.split ? [series.split] : []));
    case 'heatmap':
      return chart.split ? [chart.split] : [];
    default:
      return [];
  }
};

function whatIsMissing({ title, chart }: PanelModel): string | undefined {
  if (!title.trim()) return 'The panel needs a title.';
  if (metricsOf(chart).some((metric) => metric.aggregation !== 'count' && !metric.field))
    return 'Choose the field of the metric.';
  if (splitsOf(chart).some((split) => !split.field)) return 'Choose the field to split by.';
  if (chart.kind === 'histogram' && !chart.field) return 'Choose the field.';
  if (chart.kind === 'control' && chart.controls.some((control) => !control.field)) return 'Choose the field.';
  return undefined;
}

function ChartForm({ chart, onChange }: { chart: Chart; onChange: (chart: Chart) => void }) {
  if (chart.kind === 'markdown')
    return (
      <label className="field">
        <span>Markdown</span>
        <textarea
          className="mono"
          rows={12}
          value={chart.text}
          onChange={(event) => onChange({ ...chart, text: event.target.value })}
        />
      </label>
    );
  return (
    <>
      <label className="field">
        <span>Index pattern</span>
        <input
          list="patterns"
          value={chart.index}
          onChange={(event) => onChange({ ...chart, index: event.target.value })}
        />
        <datalist id="patterns">
          {PATTERNS.map((pattern) => (
            <option key={pattern} value={pattern} />
          ))}
        </datalist>
      </label>
      {chart.kind === 'control' ? (
        <ControlForm chart={chart} onChange={onChange} />
      ) : (
        <>
          <label className="field">
            <span>Filter</span>
            <input
              className="mono"
              value={chart.query ?? ''}
              onChange={(event) => onChange({ ...chart, query: event.target.value })}
            />
          </label>
          <label className="field">
            <span>Written in</span>
            <select
              value={chart.language ?? 'kql'}
              onChange={(event) => onChange({ ...chart, language: event.target.value as 'kql' | 'lucene' })}
            >
              <option value="kql">KQL</option>
              <option value="lucene">Lucene</option>
            </select>
          </label>
          <DataForm chart={chart} onChange={onChange} />
        </>
      )}
    </>
  );
}

function ControlForm({
  chart,
  onChange,
}: {
  chart: Extract<Chart, { kind: 'control' }>;
  onChange: (chart: Chart) => void;
}) {
  const fields = useFields(chart.index).data ?? [];
  const [control] = chart.controls;
  if (!control) return null;
  const set = (changes: Partial<typeof control>) =>
    onChange({ ...chart, controls: [{ ...control, ...changes }, ...chart.controls.slice(1)] });
  return (
    <Group title="Choice">
      <FieldChoice
        label="Field"
        fields={fields}
        value={control.field}
        onChange={(field) => set({ field, label: control.label === 'Choose' ? field : control.label })}
      />
      <label className="field">
        <span>Label</span>
        <input value={control.label} onChange={(event) => set({ label: event.target.value })} />
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={control.multiple ?? false}
          onChange={(event) => set({ multiple: event.target.checked })}
        />
        Several at once
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={control.pinned ?? false}
          onChange={(event) => set({ pinned: event.target.checked })}
        />
        Keep the choice on other pages
      </label>
    </Group>
  );
}

function DataForm({ chart, onChange }: { chart: DataChart; onChange: (chart: Chart) => void }) {
  const fields = useFields(chart.index).data ?? [];
  const common = { fields };
  switch (chart.kind) {
    case 'time':
      return (
        <Several
          title="Series"
          items={chart.series}
          fresh={{ metric: COUNT, style: 'line' } as Series}
          onChange={(series) => onChange({ ...chart, series })}
          render={(series, change) => <SeriesForm series={series} onChange={change} {...common} />}
        />
      );
    case 'metric':
      return <Metrics list={chart.metrics} onChange={(metrics) => onChange({ ...chart, metrics })} {...common} />;
    case 'bar':
      return (
        <>
          <Group title="By">
            <SplitForm split={chart.split} onChange={(split) => onChange({ ...chart, split })} {...common} />
          </Group>
          <Metrics list={chart.metrics} onChange={(metrics) => onChange({ ...chart, metrics })} {...common} />
        </>
      );
    case 'table':
      return (
        <>
          <Several
            title="Rows by"
            items={chart.rows}
            fresh={SPLIT}
            onChange={(rows) => onChange({ ...chart, rows })}
            render={(split, change) => <SplitForm split={split} onChange={change} {...common} />}
          />
          <Metrics list={chart.metrics} onChange={(metrics) => onChange({ ...chart, metrics })} {...common} />
        </>
      );
    case 'gauge':
      return (
        <>
          <Group title="Metric">
            <MetricForm metric={chart.metric} onChange={(metric) => onChange({ ...chart, metric })} {...common} />
          </Group>
          <label className="field">
            <span>Full at</span>
            <input
              type="number"
              value={chart.max}
              onChange={(event) => onChange({ ...chart, max: Number(event.target.value) })}
            />
          </label>
          <Several
            title="Colors from"
            items={chart.bands}
            fresh={{ from: 0, role: 'passed' as OutcomeRole }}
            onChange={(bands) => onChange({ ...chart, bands: [...bands].sort((a, b) => a.from - b.from) })}
            render={(band, change) => (
              <div className="pair">
                <input
                  className="input"
                  type="number"
                  aria-label="From"
                  value={band.from}
                  onChange={(event) => change({ ...band, from: Number(event.target.value) })}
                />
                <select
                  className="input"
                  aria-label="Color"
                  value={band.role}
                  onChange={(event) => change({ ...band, role: event.target.value as OutcomeRole })}
                >
                  {['passed', 'slow', 'failed', 'broken', 'neutral'].map((role) => (
                    <option key={role}>{role}</option>
                  ))}
                </select>
              </div>
            )}
          />
        </>
      );
    case 'donut':
      return (
        <>
          {'values' in chart.slices && (
            <Several
              title="Slices by"
              items={chart.slices.values}
              fresh={SPLIT}
              onChange={(values) => onChange({ ...chart, slices: { values } })}
              render={(split, change) => <SplitForm split={split} onChange={change} {...common} />}
            />
          )}
          <Group title="Metric">
            <MetricForm metric={chart.metric} onChange={(metric) => onChange({ ...chart, metric })} {...common} />
          </Group>
        </>
      );
    case 'heatmap':
      return (
        <>
          <Group title="Metric">
            <MetricForm metric={chart.metric} onChange={(metric) => onChange({ ...chart, metric })} {...common} />
          </Group>
          <Group title="Rows by (none: one row)">
            <SplitForm
              split={chart.split ?? SPLIT}
              onChange={(split) => {
                const { split: _, ...rest } = chart;
                onChange(split.field ? { ...rest, split } : rest);
              }}
              {...common}
            />
          </Group>
          <label className="row">
            <input
              type="checkbox"
              checked={chart.highIsGood ?? false}
              onChange={(event) => onChange({ ...chart, highIsGood: event.target.checked })}
            />
            A high value is good
          </label>
        </>
      );
    case 'histogram':
      return (
        <Group title="Values">
          <FieldChoice
            label="Field"
            fields={numbers(fields)}
            value={chart.field}
            onChange={(field) => onChange({ ...chart, field })}
          />
          <label className="field">
            <span>Width of a bar</span>
            <input
              type="number"
              min="0"
              step="any"
              value={chart.interval}
              onChange={(event) => onChange({ ...chart, interval: Number(event.target.value) })}
            />
          </label>
          <UnitChoice value={chart.unit} onChange={(unit) => onChange({ ...chart, unit })} />
        </Group>
      );
  }
}

const numbers = (fields: Field[]): Field[] =>
  fields.filter((field) => /long|integer|short|byte|double|float/.test(field.type));

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** A list of the same with add and remove. */
function Several<T>({
  title,
  items,
  fresh,
  onChange,
  render,
}: {
  title: string;
  items: T[];
  fresh: T;
  onChange: (items: T[]) => void;
  render: (item: T, change: (item: T) => void) => ReactNode;
}) {
  return (
    <>
      {items.map((item, position) => (
        <Group key={position} title={`${title}${items.length > 1 ? ` ${position + 1}` : ''}`}>
          {render(item, (changed) => onChange(items.map((own, at) => (at === position ? changed : own))))}
          {items.length > 1 && (
            <button
              type="button"
              className="button quiet"
              onClick={() => onChange(items.filter((_, at) => at !== position))}
            >
              Remove
            </button>
          )}
        </Group>
      ))}
      <button type="button" className="button" onClick={() => onChange([...items, fresh])}>
        + {title}
      </button>
    </>
  );
}

function Metrics({ list, onChange, fields }: { list: Metric[]; onChange: (list: Metric[]) => void; fields: Field[] }) {
  return (
    <Several
      title="Metric"
      items={list}
      fresh={COUNT}
      onChange={onChange}
      render={(metric, change) => <MetricForm metric={metric} onChange={change} fields={fields} />}
    />
  );
}

function FieldChoice({
  label,
  fields,
  value,
  onChange,
}: {
  label: string;
  fields: Field[];
  value: string;
  onChange: (field: string) => void;
}) {
  return (
    <label className="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">–</option>
        {[
          ...new Set([
            ...(value ? [value] : []),
            ...fields.filter((field) => field.aggregatable).map((field) => field.name),
          ]),
        ].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

function UnitChoice({
  value,
  onChange,
}: {
  value: Metric['unit'] | undefined;
  onChange: (unit: NonNullable<Metric['unit']>) => void;
}) {
  return (
    <label className="field">
      <span>Unit</span>
      <select
        value={value ?? 'number'}
        onChange={(event) => onChange(event.target.value as NonNullable<Metric['unit']>)}
      >
        <option value="number">Number</option>
        <option value="milliseconds">Milliseconds</option>
        <option value="bytes">Bytes</option>
        <option value="percent">Percent</option>
      </select>
    </label>
  );
}

function MetricForm({
  metric,
  onChange,
  fields,
}: {
  metric: Metric;
  onChange: (metric: Metric) => void;
  fields: Field[];
}) {
  const offered = metric.aggregation === 'cardinality' ? fields : numbers(fields);
  return (
    <>
      <label className="field">
        <span>Metric</span>
        <select
          value={metric.aggregation}
          onChange={(event) => {
            const aggregation = event.target.value as Aggregation;
            const { percent: _, ...rest } = metric;
            onChange(aggregation === 'percentile' ? { ...rest, aggregation, percent: 95 } : { ...rest, aggregation });
          }}
        >
          {AGGREGATIONS.map(([name, title]) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {metric.aggregation !== 'count' && (
        <FieldChoice
          label="Of field"
          fields={offered}
          value={metric.field ?? ''}
          onChange={(field) => onChange({ ...metric, field })}
        />
      )}
      {metric.aggregation === 'percentile' && (
        <label className="field">
          <span>Percent</span>
          <input
            type="number"
            min="0"
            max="100"
            step="any"
            value={metric.percent ?? 95}
            onChange={(event) => onChange({ ...metric, percent: Number(event.target.value) })}
          />
        </label>
      )}
      <label className="field">
        <span>Label</span>
        <input value={metric.label ?? ''} onChange={(event) => onChange({ ...metric, label: event.target.value })} />
      </label>
      <UnitChoice value={metric.unit} onChange={(unit) => onChange({ ...metric, unit })} />
    </>
  );
}

function SplitForm({ split, onChange, fields }: { split: Split; onChange: (split: Split) => void; fields: Field[] }) {
  return (
    <>
      <FieldChoice
        label="Field"
        fields={fields}
        value={split.field}
        onChange={(field) => onChange({ ...split, field })}
      />
      <div className="pair">
        <label className="field">
          <span>At most</span>
          <input
            type="number"
            min="1"
            max="1000"
            value={split.size ?? 50}
            onChange={(event) => onChange({ ...split, size: Number(event.target.value) })}
          />
        </label>
        <label className="field">
          <span>First</span>
          <select
            value={split.order ?? 'count'}
            onChange={(event) => onChange({ ...split, order: event.target.value as NonNullable<Split['order']> })}
          >
            <option value="count">Most documents</option>
            <option value="metric">Highest metric</option>
            <option value="key">By value</option>
          </select>
        </label>
      </div>
    </>
  );
}

function SeriesForm({
  series,
  onChange,
  fields,
}: {
  series: Series;
  onChange: (series: Series) => void;
  fields: Field[];
}) {
  const isSplit = series.split !== undefined;
  const setSplit = (on: boolean) => {
    const { split: _, ...rest } = series;
    onChange(on ? { ...rest, split: SPLIT } : rest);
  };
  const setBand = (on: boolean) => {
    const { band: _, ...rest } = series;
    onChange(on ? { ...rest, band: [5, 95] } : rest);
  };
  return (
    <>
      <MetricForm metric={series.metric} onChange={(metric) => onChange({ ...series, metric })} fields={fields} />
      <label className="field">
        <span>Drawn as</span>
        <select
          value={series.style ?? 'line'}
          onChange={(event) => onChange({ ...series, style: event.target.value as Style })}
        >
          {STYLES.map(([style, name]) => (
            <option key={style} value={style}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={series.stacked ?? false}
          onChange={(event) => onChange({ ...series, stacked: event.target.checked })}
        />
        Stacked
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={series.rightAxis ?? false}
          onChange={(event) => onChange({ ...series, rightAxis: event.target.checked })}
        />
        Axis of its own
      </label>
      {!isSplit && series.metric.aggregation !== 'count' && (
        <label className="row">
          <input
            type="checkbox"
            checked={series.band !== undefined}
            onChange={(event) => setBand(event.target.checked)}
          />
          Band from 5th to 95th percentile
        </label>
      )}
      <label className="row">
        <input type="checkbox" checked={isSplit} onChange={(event) => setSplit(event.target.checked)} />
        One for each value of a field
      </label>
      {series.split && (
        <SplitForm split={series.split} onChange={(split) => onChange({ ...series, split })} fields={fields} />
      )}
    </>
  );
}
