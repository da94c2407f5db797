import type { ReactNode } from 'react';
import type { Aggregation, Field, Metric, Series, Split, Style } from '../services/api';
import { common } from '../strings/common';
import { editorFields as say } from '../strings/editor-fields';

/** The parts that the forms of charts are made of. */

export const COUNT: Metric = { aggregation: 'count' };
export const SPLIT: Split = { field: '', size: 10 };

const AGGREGATIONS: [Aggregation, string][] = [
  ['count', common.count],
  ['max', say.maximum],
  ['min', say.minimum],
  ['avg', say.mean],
  ['sum', say.sum],
  ['percentile', say.percentile],
  ['cardinality', say.differentValues],
];
const STYLES: [Style, string][] = [
  ['line', say.line],
  ['step', common.steps],
  ['area', say.area],
  ['stepArea', say.areaInSteps],
  ['bar', say.bars],
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
              {common.remove}
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
      title={say.metric}
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
      <span>{say.unit}</span>
      <select
        value={value ?? 'number'}
        onChange={(event) => onChange(event.target.value as NonNullable<Metric['unit']>)}
      >
        <option value="number">{say.number}</option>
        <option value="milliseconds">{say.milliseconds}</option>
        <option value="bytes">{say.bytes}</option>
        <option value="percent">{say.percent}</option>
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
        <span>{say.metric}</span>
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
          label={say.ofField}
          fields={offered}
          value={metric.field ?? ''}
          onChange={(field) => onChange({ ...metric, field })}
        />
      )}
      {metric.aggregation === 'percentile' && (
        <label className="field">
          <span>{say.percent}</span>
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
        <span>{say.label}</span>
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
        label={say.field}
        fields={fields}
        value={split.field}
        onChange={(field) => onChange({ ...split, field })}
      />
      <div className="pair">
        <label className="field">
          <span>{say.atMost}</span>
          <input
            type="number"
            min="1"
            max="1000"
            value={split.size ?? 50}
            onChange={(event) => onChange({ ...split, size: Number(event.target.value) })}
          />
        </label>
        <label className="field">
          <span>{say.first}</span>
          <select
            value={split.order ?? 'count'}
            onChange={(event) => onChange({ ...split, order: event.target.value as NonNullable<Split['order']> })}
          >
            <option value="count">{say.mostDocuments}</option>
            <option value="metric">{say.highestMetric}</option>
            <option value="key">{say.byValue}</option>
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
        <span>{say.drawnAs}</span>
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
        {say.stacked}
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={series.rightAxis ?? false}
          onChange={(event) => onChange({ ...series, rightAxis: event.target.checked })}
        />
        {say.axisOfItsOwn}
      </label>
      {!isSplit && series.metric.aggregation !== 'count' && (
        <label className="row">
          <input
            type="checkbox"
            checked={series.band !== undefined}
            onChange={(event) => setBand(event.target.checked)}
          />
          {say.bandFrom5ThTo}
        </label>
      )}
      <label className="row">
        <input type="checkbox" checked={isSplit} onChange={(event) => setSplit(event.target.checked)} />
        {say.oneForEachValueOf}
      </label>
      {series.split && (
        <SplitForm split={series.split} onChange={(split) => onChange({ ...series, split })} fields={fields} />
      )}
    </>
  );
}
