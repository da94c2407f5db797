import { ask, expect, full, open, test } from './support';

/** Every panel that shows a number shows the one that the store answers when it is asked directly. */

interface Panel {
  title: string;
  // biome-ignore lint/suspicious/noExplicitAny: read as data
  chart: any;
}

const LIST = [
  '8c05ebd0-f282-11ea-8699-c53eab9b6869',
  'f98bf3b0-d65e-11ea-9bf3-e3e8f57b050d',
  'fa1006e0-2204-11eb-8699-c53eab9b6869',
  'd42d5920-c3c8-11ec-8f6e-23298a81a9a3',
  '81f27770-c6ee-11ec-8f6e-23298a81a9a3',
];

/** A fixed time: nothing comes in between the question of the page and ours. */
const TO = new Date(Date.now() - 60_000).toISOString();
const FROM = new Date(Date.now() - 36 * 3_600_000).toISOString();

/** The established queries in Elasticsearch's own words, apart from what the page does. */
const KQL: Record<string, object> = {
  '': { match_all: {} },
  'spec: smoke* and event: "testStepStart"': {
    bool: { filter: [{ prefix: { spec: 'smoke' } }, { term: { event: 'testStepStart' } }] },
  },
  'spec: smoke*': { prefix: { spec: 'smoke' } },
  'passed: true': { term: { passed: true } },
  'passed: false': { term: { passed: false } },
  'spec: "smoke.js"': { term: { spec: 'smoke.js' } },
  'spec: "smoke.js" and entryType: "navigation"': {
    bool: { filter: [{ term: { spec: 'smoke.js' } }, { term: { entryType: 'navigation' } }] },
  },
  'not name: *HE*': { bool: { must_not: [{ wildcard: { name: '*HE*' } }] } },
  'passed: false and spec: "smoke.js" and event: "testStepEnd"': {
    bool: { filter: [{ term: { passed: false } }, { term: { spec: 'smoke.js' } }, { term: { event: 'testStepEnd' } }] },
  },
  'passed: false and not spec: "smoke.js" and event: "testStepEnd"': {
    bool: {
      filter: [{ term: { passed: false } }, { term: { event: 'testStepEnd' } }],
      must_not: [{ term: { spec: 'smoke.js' } }],
    },
  },
  'level: "error" or level: "warning"': { terms: { level: ['error', 'warning'] } },
  'response.status > 299': { range: { 'response.status': { gt: '299' } } },
  'score < 50': { range: { score: { lt: 50 } } },
  'name: HE-*': { prefix: { name: 'HE-' } },
};

const within = (query: string, more: object[] = []) => {
  const own = KQL[query];
  if (!own) throw new Error(`the query of a panel is not known here: ${query}`);
  return { bool: { filter: [{ range: { timestamp: { gte: FROM, lte: TO } } }, own, ...more] } };
};

for (const id of LIST) {
  test(`numbers of dashboard ${id}`, async ({ page }) => {
    const saved = await (await fetch(`${full()}/api/v1/saved/dashboards/${id}`)).json();
    const filters: object[] = (saved.body.filters ?? []).map((filter: { query: string }) => KQL[filter.query]);
    await open(page, `/dashboards/${id}?from=${FROM}&to=${TO}&kiosk=yes`);
    let compared = 0;
    for (const { title, chart } of saved.body.panels as Panel[]) {
      const panel = page.locator(`section[aria-label="${title}"]`);
      await expect(panel, title).toBeVisible();
      if (chart.kind === 'markdown' || chart.kind === 'control') continue;
      const query = within(chart.query ?? '', filters);
      const total = (await ask(chart.index, { size: 0, track_total_hits: true, query })).hits.total.value;
      if (total === 0) {
        await expect(
          panel
            .getByText(/No data|no data/)
            .or(panel.getByRole('img', { name: /no data/ }))
            .first(),
          title,
        ).toBeAttached();
        continue;
      }
      compared += 1;
      if (chart.kind === 'metric')
        await expect(panel.locator('dd').first(), title).toHaveText(total.toLocaleString('en'));
      if (chart.kind === 'gauge') {
        const answer = await ask(chart.index, {
          size: 0,
          query,
          aggs: { p: { percentiles: { field: chart.metric.field, percents: [90] } } },
        });
        const value = Math.round(Object.values(answer.aggregations?.p?.values ?? {})[0] ?? Number.NaN);
        await expect(panel.getByRole('img'), title).toHaveAttribute('aria-label', `${title}: ${value} of 100`);
      }
      if (chart.kind === 'donut' && chart.slices.values) {
        const [split] = chart.slices.values;
        const answer = await ask(chart.index, {
          size: 0,
          query,
          aggs: { values: { terms: { field: split.field, size: split.size } } },
        });
        const first = answer.aggregations?.values?.buckets?.[0];
        await expect(panel.getByRole('img'), title).toHaveAttribute(
          'aria-label',
          new RegExp(`: ${first?.key} ${first?.doc_count.toLocaleString('en')}`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')),
        );
      }
      if (chart.kind === 'donut' && chart.slices.conditions) {
        for (const slice of chart.slices.conditions as { label: string; query: string }[]) {
          const answer = await ask(chart.index, {
            size: 0,
            track_total_hits: true,
            query: within(chart.query, [...filters, KQL[slice.query] as object]),
          });
          await expect(panel.getByRole('img'), title).toHaveAttribute(
            'aria-label',
            new RegExp(`${slice.label} ${answer.hits.total.value.toLocaleString('en')}`),
          );
        }
      }
      if (chart.kind === 'time') {
        const count = chart.series.filter((series: { split?: object }) => !series.split).length;
        let expected = count;
        for (const series of chart.series) {
          if (!series.split) continue;
          const answer = await ask(chart.index, {
            size: 0,
            query,
            aggs: { values: { terms: { field: series.split.field, size: series.split.size } } },
          });
          expected += answer.aggregations?.values?.buckets?.length ?? 0;
        }
        await expect(panel.getByRole('img'), title).toHaveAttribute('aria-label', new RegExp(`: ${expected} series`));
      }
      if (chart.kind === 'table' || chart.kind === 'bar') {
        const split = chart.kind === 'table' ? chart.rows[0] : chart.split;
        const metric = chart.metrics.find((own: { aggregation: string }) => own.aggregation === 'max');
        const answer = await ask(chart.index, {
          size: 0,
          query,
          aggs: {
            values: {
              terms: { field: split.field, size: 1000 },
              ...(metric ? { aggs: { m: { max: { field: metric.field } } } } : {}),
            },
          },
        });
        const found = answer.aggregations?.values?.buckets ?? [];
        const rows = panel.getByRole('row');
        const first = await rows.nth(1).getByRole('cell').first().textContent();
        const own = found.find((bucket) => String(bucket.key) === first) as { m?: { value: number } } | undefined;
        expect(own, `${title}: ${first}`).toBeDefined();
        if (metric && chart.kind === 'table') {
          const column = chart.rows.length + chart.metrics.indexOf(metric);
          const text = (await rows.nth(1).getByRole('cell').nth(column).textContent()) ?? '';
          expect(Number(text.replaceAll(',', '')), title).toBeCloseTo(own?.m?.value ?? Number.NaN, 2);
        }
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
}
