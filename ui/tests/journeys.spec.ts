import { readFileSync } from 'node:fs';
import readXlsxFile from 'read-excel-file/node';
import { ask, complete, expect, failedRun, full, open, test } from './support';

/** What people come for, from the first page to the answer. */

test('why last night’s run failed is five clicks away, and compared with the last good one', async ({ page }) => {
  const { monitor, detail } = await failedRun();
  await open(page, '/?window=7d');
  await page.getByRole('link', { name: monitor, exact: true }).last().click();
  await complete(page);
  await page.getByRole('region', { name: 'Latest runs' }).or(page.getByLabel('Latest runs')).first().waitFor();
  await page.goto(`${full()}/runs?monitor=${monitor}&outcome=failed&from=now-7d`);
  await page.getByRole('table').getByRole('link').first().click();
  await expect(page.getByLabel('Verdict')).toContainText(detail);
  await page.getByRole('link', { name: 'Compare with the last good run' }).click();
  await expect(page.getByLabel('Most likely change')).not.toBeEmpty();
  await expect(page.getByLabel('Before').getByText('passed')).toBeVisible();
  await expect(
    page
      .getByLabel('After')
      .getByText(/failed/)
      .first(),
  ).toBeVisible();
});

test('a query is completed, filtered, saved and opened again', async ({ page }) => {
  await open(page, '/discover?from=now-2d');
  const field = page.getByRole('combobox', { name: 'Search' });
  await field.pressSequentially('eve');
  await page.getByRole('option', { name: /^event:/ }).click();
  await field.pressSequentially('testStepE');
  await page.getByRole('option', { name: /"testStepEnd"/ }).click();
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  const answer = await ask('c.report-*', {
    size: 0,
    track_total_hits: true,
    query: { bool: { filter: [{ term: { event: 'testStepEnd' } }, { range: { timestamp: { gte: 'now-2d' } } }] } },
  });
  await expect(page.getByText(`${answer.hits.total.value.toLocaleString('en')} documents`)).toBeVisible();
  await page.getByRole('button', { name: 'Open document' }).first().click();
  await page
    .getByRole('button', { name: /^Not passed true/ })
    .first()
    .click();
  await expect(page.getByRole('button', { name: 'Filter not passed: true' })).toBeVisible();
  await page.getByRole('button', { name: 'Saved searches' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Failed steps');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  // It closes when it is kept.
  await expect(page.getByRole('textbox', { name: 'Name' })).toHaveCount(0);
  await open(page, '/discover');
  await page.getByRole('button', { name: 'Saved searches' }).click();
  await page.getByRole('button', { name: 'Failed steps', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Filter not passed: true' })).toBeVisible();
});

test('a wrong query is told with its place, and nothing else is lost', async ({ page }) => {
  await open(page, '/discover?q=passed:%20(');
  await expect(page.getByRole('alert')).toContainText(/at character \d+/);
});

test('a list goes on while it is scrolled', async ({ page }) => {
  await open(page, '/discover?from=now-2d&index=c.request-log-*');
  const list = page.getByRole('table', { name: 'Documents' });
  const first = await list.getByRole('row').nth(1).textContent();
  // As far as the list goes, which is further each time.
  await expect(async () => {
    await page.locator('.documents-scroll').evaluate((element) => element.scrollTo(0, 33 * 395));
    await expect(page.locator('[data-index="399"]')).toBeAttached({ timeout: 500 });
  }).toPass();
  expect(await list.getByRole('row').nth(1).textContent()).not.toBe(first);
});

test('a panel is built without JSON, saved, shared and removed', async ({ page }) => {
  await open(page, '/dashboards');
  await page.getByRole('button', { name: 'New dashboard' }).click();
  await page.getByRole('textbox', { name: 'Title' }).fill('Our shop');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Add the first panel' }).click();
  await page.getByLabel('Title').fill('Slowest steps');
  await page.getByLabel('Chart').selectOption('bar');
  await page.getByRole('group', { name: 'By' }).getByLabel('Field').selectOption('fullTitle');
  await page
    .getByLabel(/^Metric/)
    .last()
    .selectOption('max');
  await page.getByLabel('Of field').selectOption('testStepDuration');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Edit', exact: true })).toBeVisible();
  const shared = page.url();
  await page.goto(shared);
  await expect(page.getByRole('img', { name: 'Slowest steps' })).toBeVisible();
  const saved = await (
    await fetch(`${full()}/api/v1/saved/dashboards/${shared.split('/').at(-1)?.split('?')[0]}`)
  ).json();
  expect(saved.body.panels[0].chart).toMatchObject({ kind: 'bar', split: { field: 'fullTitle' } });
});

test('a panel may ask in Lucene, and so do the documents behind it', async ({ page }) => {
  const lucene = 'response.status:[400 TO 599] AND NOT request.type:Document';
  const body = {
    title: 'In Lucene',
    range: { from: 'now-2d', to: 'now' },
    panels: [
      {
        id: 'a',
        title: 'Refused requests',
        grid: { x: 0, y: 0, w: 24, h: 10 },
        chart: {
          kind: 'metric',
          index: 'c.request-log-*',
          query: lucene,
          language: 'lucene',
          metrics: [{ aggregation: 'count', label: 'refused' }],
        },
      },
    ],
  };
  const stored = await fetch(`${full()}/api/v1/saved/dashboards/in-lucene`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body }),
  });
  expect(stored.status, await stored.clone().text()).toBeLessThan(300);
  const filter = [{ range: { timestamp: { gte: 'now-2d' } } }, { query_string: { query: lucene } }];
  const answer = await ask('c.request-log-*', { size: 0, track_total_hits: true, query: { bool: { filter } } });
  const { value } = answer.hits.total;
  expect(value).toBeGreaterThan(0);
  await open(page, '/dashboards/in-lucene');
  const panel = page.getByRole('region', { name: 'Refused requests' });
  await expect(panel.getByText(new RegExp(`^${value.toLocaleString('en-GB')}$`))).toBeVisible();
  await panel.getByRole('button', { name: /Refused requests/ }).click();
  await page.getByRole('menuitem', { name: 'Documents behind it' }).click();
  await expect(page.getByRole('button', { name: /^Filter response.status/ }).getByText('Lucene')).toBeVisible();
  await complete(page);
  await expect(page.getByText(value.toLocaleString('en-GB')).first()).toBeVisible();
});

test('a table is exported as XLSX and holds what the store holds', async ({ page }) => {
  await open(page, '/discover?index=c.run-*&from=now-7d');
  await page.getByRole('button', { name: 'Export' }).click();
  const downloading = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: /^XLSX/ }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/\.xlsx$/);
  const path = await download.path();
  const sheet = await readXlsxFile(readFileSync(path));
  const rows =
    Array.isArray(sheet) && 'data' in (sheet[0] as object)
      ? (sheet[0] as unknown as { data: unknown[][] }).data
      : (sheet as unknown as unknown[][]);
  const answer = await ask('c.run-*', {
    size: 0,
    track_total_hits: true,
    query: { range: { timestamp: { gte: 'now-7d' } } },
  });
  expect(rows[0]).toEqual(['timestamp', 'monitor', 'verdict.outcome', 'verdict.cause', 'verdict.detail', 'durationMs']);
  expect(rows.length - 1).toBe(answer.hits.total.value);
});

test('CSV and NDJSON hold every document once, beyond a page of the store', async () => {
  const wanted = { title: 'all', index: 'c.performance-entries-*', query: { kql: 'entryType: resource' } };
  const answer = await ask(wanted.index, {
    size: 0,
    track_total_hits: true,
    query: { term: { entryType: 'resource' } },
  });
  expect(answer.hits.total.value).toBeGreaterThan(10_000);
  for (const [format, heads] of [
    ['csv', 1],
    ['ndjson', 0],
  ] as const) {
    const response = await fetch(`${full()}/api/v1/export`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...wanted, format, columns: ['timestamp', 'uuid', 'uuidAction', 'sequence'] }),
    });
    const lines = (await response.text()).trim().split('\n').slice(heads);
    expect(new Set(lines).size).toBe(answer.hits.total.value);
    expect(lines.length).toBe(answer.hits.total.value);
  }
});

test('a dashboard is drawn as PDF and as PNG by the server', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, '/dashboards/d42d5920-c3c8-11ec-8f6e-23298a81a9a3?from=now-2d');
  for (const [item, start] of [
    ['Report as PDF', '%PDF'],
    ['Picture as PNG', '\x89PNG'],
  ] as const) {
    await page.getByRole('button', { name: 'Share and more' }).click();
    const downloading = page.waitForEvent('download', { timeout: 60_000 });
    await page.getByRole('menuitem', { name: item }).click();
    const content = readFileSync(await (await downloading).path());
    expect(content.subarray(0, 4).toString('latin1')).toBe(start);
    expect(content.length).toBeGreaterThan(20_000);
  }
});

test('a deployment is a mark on the charts of its monitor', async ({ page }) => {
  const { monitor } = await failedRun();
  const posted = await fetch(`${full()}/api/v1/annotations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'deployment', text: 'Release 4.2', monitor, revision: 'abc123' }),
  });
  expect(posted.status).toBe(201);
  const listed = await (await fetch(`${full()}/api/v1/annotations?from=now-1h&to=now&monitor=${monitor}`)).json();
  expect(listed.annotations).toHaveLength(1);
  const asked = page.waitForResponse(/\/api\/v1\/annotations/);
  await open(page, `/monitors/${monitor}`);
  expect((await (await asked).json()).annotations[0].text).toBe('Release 4.2');
});

test('a choice in a control is obeyed by every panel, and is in the address', async ({ page }) => {
  await open(page, '/dashboards/8c05ebd0-f282-11ea-8699-c53eab9b6869?from=now-2d');
  const choice = page.getByLabel(/^URL/);
  const value = (await choice.locator('option').nth(1).textContent()) ?? '';
  await choice.selectOption(value);
  await expect(page).toHaveURL(/filter=/);
  const table = page
    .getByRole('region', { name: 'Smoke load page table (canarytrace)' })
    .or(page.getByLabel('Smoke load page table (canarytrace)'));
  await expect(table.first().getByRole('row')).toHaveCount(2);
  await page.reload();
  await expect(choice).toHaveValue(value);
});

test('a pinned choice goes along to other pages, and the dashboard’s own filters stay', async ({ page }) => {
  await open(page, '/dashboards/f98bf3b0-d65e-11ea-9bf3-e3e8f57b050d?from=now-2d');
  await page.getByLabel(/^Monitor script/).selectOption('smoke.js');
  await page.getByRole('link', { name: 'Dashboards' }).click();
  await page.getByRole('link', { name: 'Canarytrace Smoke Overview' }).click();
  await expect(page.getByRole('button', { name: 'Filter spec: "smoke.js"' })).toHaveCount(2);
  await page.getByRole('link', { name: 'Discover' }).click();
  await expect(page.getByRole('button', { name: 'Filter spec: "smoke.js"' })).toHaveCount(1);
});
