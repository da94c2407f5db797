import type { ReactNode } from 'react';
import type { Aggregation, Field, Metric, Series, Split, Style } from '../services/api';

/** The parts that the forms of charts are made of. */

export const COUNT: Metric = { aggregation: 'count' };
export const SPLIT: Split = { field: '', size: 10 };

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

export const numbers = (fields: Field[]): Field[] =>
  fields.filter((field) => /long|integer|short|byte|double|float/.test(field.type));

export function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="group">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** A list of the same with add and remove. */
export function Several<T>({
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

export function Metrics({
  list,
  onChange,
  fields,
}: {
  list: Metric[];
  onChange: (list: Metric[]) => void;
  fields: Field[];
}) {
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

export function FieldChoice({
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

export function UnitChoice({
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

export function MetricForm({
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

export function SplitForm({
  split,
  onChange,
  fields,
}: {
  split: Split;
  onChange: (split: Split) => void;
  fields: Field[];
}) {
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

export function SeriesForm({
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
