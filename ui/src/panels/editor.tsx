import { useState } from 'react';
import { Failure } from '../components/faces';
import { Dialog } from '../components/menu';
import type { Chart, Metric, Panel as PanelModel, Split } from '../services/api';
import { PATTERNS } from '../services/indices';
import { newId } from '../services/server';
import { COUNT, SPLIT } from './editor-fields';
import { ChartForm } from './editor-forms';
import { PanelBody, type PanelContext } from './panel';
import './editor.css';
import { editor as say } from '../strings/editor';

/** Every kind with what it begins as. */
const KINDS: Record<Chart['kind'], [string, (index: string) => Chart]> = {
  time: [say.overTimeLineAreaStep, (index) => ({ kind: 'time', index, series: [{ metric: COUNT, style: 'bar' }] })],
  bar: [say.barsByValue, (index) => ({ kind: 'bar', index, split: SPLIT, metrics: [COUNT] })],
  table: [say.table, (index) => ({ kind: 'table', index, rows: [SPLIT], metrics: [COUNT] })],
  metric: [say.largeNumbers, (index) => ({ kind: 'metric', index, metrics: [COUNT] })],
  gauge: [
    say.gauge,
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
  donut: [say.donut, (index) => ({ kind: 'donut', index, slices: { values: [SPLIT] }, metric: COUNT })],
  heatmap: [say.heatMap, (index) => ({ kind: 'heatmap', index, metric: COUNT })],
  histogram: [say.histogramOfANumber, (index) => ({ kind: 'histogram', index, field: '', interval: 100 })],
  control: [
    say.controlChooseValues,
    (index) => ({ kind: 'control', index, controls: [{ field: '', label: say.choose, size: 50 }] }),
  ],
  markdown: [say.text, () => ({ kind: 'markdown', text: '### Title\n\nText' })],
};

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
        setProblem(say.thisIsNotJson(String(error)));
      }
      return;
    }
    const missing = whatIsMissing(draft);
    setProblem(missing);
    if (!missing) onSave(draft);
  };
  return (
    <Dialog title={panel ? say.edit(panel.title) : say.newPanel} open close={close} wide>
      <div className="editor">
        <div className="stack">
          <label className="field">
            <span>{say.title}</span>
            <input value={draft.title} onChange={(event) => setDraft({ ...draft, title: event.target.value })} />
          </label>
          <label className="field">
            <span>{say.chart}</span>
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
              <span>{say.jsonOfTheChart}</span>
              <textarea className="mono" rows={18} value={json} onChange={(event) => setJson(event.target.value)} />
            </label>
          )}
          {problem && <Failure error={new Error(problem)} />}
          <div className="row actions">
            <button type="button" className="button primary" onClick={save}>
              {panel ? say.apply : say.add}
            </button>
            <button
              type="button"
              className="button"
              onClick={() => setJson(json === undefined ? JSON.stringify(draft.chart, null, 2) : undefined)}
            >
              {json === undefined ? say.asJson : say.asAForm}
            </button>
          </div>
        </div>
        <section className="preview card" aria-label={say.preview}>
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
    title: say.newPanel,
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
  if (!title.trim()) return say.thePanelNeedsATitle;
  if (metricsOf(chart).some((metric) => metric.aggregation !== 'count' && !metric.field))
    return say.chooseTheFieldOfThe;
  if (splitsOf(chart).some((split) => !split.field)) return say.chooseTheFieldToSplit;
  if (chart.kind === 'histogram' && !chart.field) return say.chooseTheField;
  if (chart.kind === 'control' && chart.controls.some((control) => !control.field)) return say.chooseTheField;
  return undefined;
}
