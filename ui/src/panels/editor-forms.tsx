import type { Chart, OutcomeRole, Series } from '../services/api';
import { PATTERNS } from '../services/indices';
import { useFields } from '../services/server';
import { common } from '../strings/common';
import { editor } from '../strings/editor';
import { editorForms as say } from '../strings/editor-forms';
import {
  COUNT,
  FieldChoice,
  Group,
  MetricForm,
  Metrics,
  numbers,
  SeriesForm,
  Several,
  SPLIT,
  SplitForm,
  UnitChoice,
} from './editor-fields';
import type { ControlChart, DataChart } from './model';

/** What is asked and how it is drawn, kind by kind. */
export function ChartForm({ chart, onChange }: { chart: Chart; onChange: (chart: Chart) => void }) {
  if (chart.kind === 'markdown')
    return (
      <label className="field">
        <span>{say.markdown}</span>
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
        <span>{say.indexPattern}</span>
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
            <span>{say.filter}</span>
            <input
              className="mono"
              value={chart.query ?? ''}
              onChange={(event) => onChange({ ...chart, query: event.target.value })}
            />
          </label>
          <label className="field">
            <span>{say.writtenIn}</span>
            <select
              value={chart.language ?? 'kql'}
              onChange={(event) => onChange({ ...chart, language: event.target.value as 'kql' | 'lucene' })}
            >
              <option value="kql">{common.kql}</option>
              <option value="lucene">{common.lucene}</option>
            </select>
          </label>
          <DataForm chart={chart} onChange={onChange} />
        </>
      )}
    </>
  );
}

function ControlForm({ chart, onChange }: { chart: ControlChart; onChange: (chart: Chart) => void }) {
  const fields = useFields(chart.index).data ?? [];
  const [control] = chart.controls;
  if (!control) return null;
  const set = (changes: Partial<typeof control>) =>
    onChange({ ...chart, controls: [{ ...control, ...changes }, ...chart.controls.slice(1)] });
  return (
    <Group title={say.choice}>
      <FieldChoice
        label={say.field}
        fields={fields}
        value={control.field}
        onChange={(field) => set({ field, label: control.label === editor.choose ? field : control.label })}
      />
      <label className="field">
        <span>{say.label}</span>
        <input value={control.label} onChange={(event) => set({ label: event.target.value })} />
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={control.multiple ?? false}
          onChange={(event) => set({ multiple: event.target.checked })}
        />
        {say.severalAtOnce}
      </label>
      <label className="row">
        <input
          type="checkbox"
          checked={control.pinned ?? false}
          onChange={(event) => set({ pinned: event.target.checked })}
        />
        {say.keepTheChoiceOnOther}
      </label>
    </Group>
  );
}

function DataForm({ chart, onChange }: { chart: DataChart; onChange: (chart: Chart) => void }) {
  const fields = useFields(chart.index).data ?? [];
  const offered = { fields };
  switch (chart.kind) {
    case 'time':
      return (
        <Several
          title={say.series}
          items={chart.series}
          fresh={{ metric: COUNT, style: 'line' } as Series}
          onChange={(series) => onChange({ ...chart, series })}
          render={(series, change) => <SeriesForm series={series} onChange={change} {...offered} />}
        />
      );
    case 'metric':
      return <Metrics list={chart.metrics} onChange={(metrics) => onChange({ ...chart, metrics })} {...offered} />;
    case 'bar':
      return (
        <>
          <Group title={say.by}>
            <SplitForm split={chart.split} onChange={(split) => onChange({ ...chart, split })} {...offered} />
          </Group>
          <Metrics list={chart.metrics} onChange={(metrics) => onChange({ ...chart, metrics })} {...offered} />
        </>
      );
    case 'table':
      return (
        <>
          <Several
            title={say.rowsBy}
            items={chart.rows}
            fresh={SPLIT}
            onChange={(rows) => onChange({ ...chart, rows })}
            render={(split, change) => <SplitForm split={split} onChange={change} {...offered} />}
          />
          <Metrics list={chart.metrics} onChange={(metrics) => onChange({ ...chart, metrics })} {...offered} />
        </>
      );
    case 'gauge':
      return (
        <>
          <Group title={say.metric}>
            <MetricForm metric={chart.metric} onChange={(metric) => onChange({ ...chart, metric })} {...offered} />
          </Group>
          <label className="field">
            <span>{say.fullAt}</span>
            <input
              type="number"
              value={chart.max}
              onChange={(event) => onChange({ ...chart, max: Number(event.target.value) })}
            />
          </label>
          <Several
            title={say.colorsFrom}
            items={chart.bands}
            fresh={{ from: 0, role: 'passed' as OutcomeRole }}
            onChange={(bands) => onChange({ ...chart, bands: [...bands].sort((a, b) => a.from - b.from) })}
            render={(band, change) => (
              <div className="pair">
                <input
                  className="input"
                  type="number"
                  aria-label={common.from}
                  value={band.from}
                  onChange={(event) => change({ ...band, from: Number(event.target.value) })}
                />
                <select
                  className="input"
                  aria-label={say.color}
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
              title={say.slicesBy}
              items={chart.slices.values}
              fresh={SPLIT}
              onChange={(values) => onChange({ ...chart, slices: { values } })}
              render={(split, change) => <SplitForm split={split} onChange={change} {...offered} />}
            />
          )}
          <Group title={say.metric}>
            <MetricForm metric={chart.metric} onChange={(metric) => onChange({ ...chart, metric })} {...offered} />
          </Group>
        </>
      );
    case 'heatmap':
      return (
        <>
          <Group title={say.metric}>
            <MetricForm metric={chart.metric} onChange={(metric) => onChange({ ...chart, metric })} {...offered} />
          </Group>
          <Group title={say.rowsByNoneOneRow}>
            <SplitForm
              split={chart.split ?? SPLIT}
              onChange={(split) => {
                const { split: _, ...rest } = chart;
                onChange(split.field ? { ...rest, split } : rest);
              }}
              {...offered}
            />
          </Group>
          <label className="row">
            <input
              type="checkbox"
              checked={chart.highIsGood ?? false}
              onChange={(event) => onChange({ ...chart, highIsGood: event.target.checked })}
            />
            {say.aHighValueIsGood}
          </label>
        </>
      );
    case 'histogram':
      return (
        <Group title={say.values}>
          <FieldChoice
            label={say.field}
            fields={numbers(fields)}
            value={chart.field}
            onChange={(field) => onChange({ ...chart, field })}
          />
          <label className="field">
            <span>{say.widthOfABar}</span>
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
