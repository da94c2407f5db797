import { expect, test } from 'vitest';
import { cells, lines, metricValue, rings, rows } from '../../src/panels/answer';
import type { TableChart, TimeChart } from '../../src/panels/model';
import { request, type Scope } from '../../src/panels/request';
import type { Answer } from '../../src/services/search';

const SCOPE: Scope = { range: { from: 'now-24h', to: 'now' }, filters: [{ kql: 'a: 1' }], width: 900, timeZone: 'UTC' };

const aggs = (body: object) => (body as { aggs: Record<string, Record<string, unknown>> }).aggs;

const answer = (aggregations: Answer['aggregations'], total = 5): Answer => ({
  took: 1,
  hits: { total: { value: total, relation: 'eq' }, hits: [] },
  ...(aggregations ? { aggregations } : {}),
});

test('series without a split share one histogram, a split one has its own', () => {
  const chart: TimeChart = {
    kind: 'time',
    index: 'x',
    series: [
      { metric: { aggregation: 'max', field: 'a' }, band: [5, 95] },
      { metric: { aggregation: 'count', query: 'b: 1' } },
      { metric: { aggregation: 'count' }, split: { field: 'c', size: 3 } },
    ],
  };
  const asked = aggs(request(chart, SCOPE));
  expect(Object.keys(asked)).toEqual(['time', 's2']);
  expect(asked.time?.aggs).toEqual({
    s0: { max: { field: 'a' } },
    s0_band: { percentiles: { field: 'a', percents: [5, 95] } },
    s1: { filter: { kql: 'b: 1' } },
  });
  expect(asked.s2).toMatchObject({
    terms: { field: 'c', size: 3 },
    aggs: { time: { date_histogram: { time_zone: 'UTC' } } },
  });
});

test('rows are ordered by a percentile under its own name', () => {
  const chart: TableChart = {
    kind: 'table',
    index: 'x',
    rows: [{ field: 'a', order: 'metric' }],
    metrics: [{ aggregation: 'percentile', percent: 90, field: 'b' }],
  };
  expect(aggs(request(chart, SCOPE)).values).toMatchObject({ terms: { order: { 'm0.90': 'desc' } } });
});

test('nested buckets become rows', () => {
  const chart: TableChart = {
    kind: 'table',
    index: 'x',
    rows: [{ field: 'a' }, { field: 'b' }],
    metrics: [{ aggregation: 'count' }, { aggregation: 'sum', field: 'c' }],
  };
  const found = rows(
    chart,
    answer({
      values: {
        buckets: [
          {
            key: 'one',
            doc_count: 3,
            values: { buckets: [{ key: 7, key_as_string: 'seven', doc_count: 2, m1: { value: 9 } }] },
          },
        ],
      },
    }),
  );
  expect(found).toEqual([{ keys: ['one', 'seven'], values: [2, 9] }]);
});

test('the sum of nothing is no number, the count of nothing is 0', () => {
  const bucket = { key: 1, doc_count: 0, m: { value: 0 } };
  expect(metricValue({ aggregation: 'sum', field: 'a' }, bucket, 'm')).toBeNull();
  expect(metricValue({ aggregation: 'count' }, bucket, 'm')).toBe(0);
  expect(metricValue({ aggregation: 'count', query: 'x: 1' }, { key: 1, doc_count: 4 }, 'm')).toBe(0);
});

test('a line for each value, with its points', () => {
  const chart: TimeChart = {
    kind: 'time',
    index: 'x',
    series: [{ metric: { aggregation: 'max', field: 'a' }, split: { field: 's' } }],
  };
  const found = lines(
    chart,
    answer({
      s0: {
        buckets: [
          {
            key: '200',
            doc_count: 2,
            time: {
              buckets: [
                { key: 10, doc_count: 1, m: { value: 3 } },
                { key: 20, doc_count: 0, m: { value: null } },
              ],
            },
          },
        ],
      },
    }),
  );
  expect(found).toMatchObject([
    {
      name: '200',
      value: '200',
      points: [
        [10, 3],
        [20, null],
      ],
    },
  ]);
});

test('slices by condition keep their order and their role', () => {
  const found = rings(
    {
      kind: 'donut',
      index: 'x',
      metric: { aggregation: 'count' },
      slices: {
        conditions: [
          { label: 'passed', query: 'p', role: 'passed' },
          { label: 'failed', query: 'f', role: 'failed' },
        ],
      },
    },
    answer({ values: { buckets: { failed: { key: '', doc_count: 1 }, passed: { key: '', doc_count: 4 } } } }),
  );
  expect(found[0]?.map((slice) => [slice.name, slice.value, slice.role])).toEqual([
    ['passed', 4, 'passed'],
    ['failed', 1, 'failed'],
  ]);
});

test('a cell without documents is empty', () => {
  const found = cells(
    { kind: 'heatmap', index: 'x', metric: { aggregation: 'max', field: 'score' } },
    answer({
      time: {
        buckets: [
          { key: 1, doc_count: 0 },
          { key: 2, doc_count: 1, m0: { value: 40 } },
        ],
      },
    }),
  );
  expect(found.map((cell) => cell.value)).toEqual([null, 40]);
});
