import type { Chart, OutcomeRole, Series } from '../services/api';
import { PATTERNS } from '../services/indices';
import { useFields } from '../services/server';
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

function ControlForm({ chart, onChange }: { chart: ControlChart; onChange: (chart: Chart) => void }) {
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
