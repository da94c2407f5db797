import { complete, expect, hostile, test } from './support';

/** What a monitored page wrote is only ever a text: nothing of it runs, asks, or becomes a formula. */

const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 1">',
  '"><svg onload=window.hacked=1>',
  'javascript:window.hacked=1',
  '{{constructor.constructor("window.hacked=1")()}}',
  '[a](javascript:window.hacked=1) ![b](http://evil.example/p.png)',
  '=HYPERLINK("http://evil.example","x")',
  '‮gnp.exe',
];

const UUID = 'feedfeedfeedfeedfeedfeedfeedfeed';
const LOG = `${UUID}.log.ndjson`;
const all = HOSTILE.join(' ');

function documents(): string {
  const now = new Date();
  const timestamp = now.toISOString();
  const day = timestamp.slice(0, 10).replaceAll('-', '.');
  const common = { uuid: UUID, monitor: all, spec: all, labels: HOSTILE, timestamp };
  const lines: [string, object][] = [
    [
      'run',
      {
        ...common,
        mode: 'smoke',
        startedAt: timestamp,
        endedAt: timestamp,
        durationMs: 10,
        passed: false,
        exitCode: 1,
        stepsTotal: 1,
        stepsFailed: 1,
        requests: 1,
        transferBytes: 1,
        requestsFailed: 1,
        consoleErrors: 1,
        browserVersion: all,
        revision: all,
        version: all,
        screenshot: all,
        attachments: [...HOSTILE, LOG],
        verdict: {
          outcome: 'failed',
          cause: 'site',
          detail: all,
          facts: { url: all, page: { href: all, title: all }, excerpt: all, [all]: all },
        },
      },
    ],
    ['report', { ...common, event: 'testStepStart', sequence: 1, uuidAction: 'a', title: all, fullTitle: all }],
    [
      'report',
      {
        ...common,
        event: 'testStepEnd',
        sequence: 2,
        uuidAction: 'a',
        title: all,
        fullTitle: all,
        passed: false,
        errMessage: all,
        errType: all,
        testStepDuration: 10,
        attachments: all,
      },
    ],
    [
      'request-log',
      {
        ...common,
        context: all,
        uuidAction: 'a',
        sequence: 1,
        url: `http://x.example/${all}`,
        failure: all,
        requestId: all,
        request: {
          method: all,
          type: all,
          wallTime: 1,
          timestamp: 1,
          headers: { [all.slice(0, 40)]: all },
          initialPriority: all,
          initiator: { type: all, url: all },
        },
        response: { status: 200, statusText: all, mimeType: all, headers: { server: all } },
      },
    ],
    [
      'console',
      { ...common, context: all, eventType: 'Log.entryAdded', level: 'error', text: all, url: all, sequence: 1 },
    ],
    ['vitals', { ...common, uuidAction: 'a', url: all, load: 10, lcp: 5 }],
    ['ledger', { ...common, event: 'skipped', reason: all }],
    ['annotation', { ...common, kind: 'deployment', text: all, url: 'javascript:window.hacked=1' }],
  ];
  return lines
    .map(([service, source]) => `{"create":{"_index":"c.${service}-${day}"}}\n${JSON.stringify(source)}\n`)
    .join('');
}

test.beforeAll(async () => {
  const response = await fetch(`${hostile()}/_bulk?refresh=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: documents(),
  });
  const answer = await response.json();
  expect(answer.errors, JSON.stringify(answer)).toBe(false);
  const picture = '<svg xmlns="http://www.w3.org/2000/svg"><script>window.hacked = 1</script></svg>';
  for (const name of ['picture.svg', 'page.dom.html']) {
    await fetch(`${hostile()}/api/v1/attachments/${UUID}/${name}`, { method: 'PUT', body: picture });
  }
  const lines = HOSTILE.map((text) => JSON.stringify({ time: text, stream: text, text }));
  const body = `${lines.join('\n')}\n{"half`;
  const stored = await fetch(`${hostile()}/api/v1/attachments/${UUID}/${LOG}`, { method: 'PUT', body });
  expect(stored.ok, await stored.text()).toBe(true);
});

const monitor = encodeURIComponent(all);
const PATHS = [
  '/',
  '/runs',
  `/runs/${UUID}?request=1`,
  `/runs/${UUID}?tab=console`,
  `/runs/${UUID}?tab=log`,
  `/runs/${UUID}?tab=documents`,
  `/monitors/${monitor}`,
  '/discover?index=c.console-*',
  '/discover?index=c.run-*',
  `/discover?q=${encodeURIComponent(HOSTILE[0] ?? '')}`,
  '/stack',
  '/errors',
  '/dashboards/8c05ebd0-f282-11ea-8699-c53eab9b6869?filter=~',
  '/dashboards/d42d5920-c3c8-11ec-8f6e-23298a81a9a3',
  `/compare?run=${UUID}&with=${UUID}`,
];

for (const path of PATHS) {
  test(`nothing hostile runs on ${path.slice(0, 60)}`, async ({ page }) => {
    await page.goto(hostile() + path);
    await complete(page);
    // What is shown on demand is asked for.
    for (const name of ['Open document', /More about/]) {
      const button = page.getByRole('button', { name }).first();
      if (await button.isVisible().catch(() => false)) await button.click();
    }
    expect(await page.evaluate(() => (window as unknown as { hacked?: number }).hacked)).toBeUndefined();
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.locator('script:not([src])').count()).toBe(0);
  });
}

test('a dashboard with hostile texts is only text', async ({ page }) => {
  const body = {
    title: all,
    range: { from: 'now-1h', to: 'now' },
    panels: [
      {
        id: 'a',
        title: all,
        grid: { x: 0, y: 0, w: 24, h: 10 },
        chart: { kind: 'markdown', text: HOSTILE.join('\n\n') },
      },
      {
        id: 'b',
        title: all,
        grid: { x: 24, y: 0, w: 24, h: 10 },
        chart: {
          kind: 'table',
          index: 'c.console-*',
          rows: [{ field: 'text.keyword' }],
          metrics: [{ aggregation: 'count', label: all }],
        },
      },
    ],
  };
  const saved = await fetch(`${hostile()}/api/v1/saved/dashboards/hostile`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ body }),
  });
  expect(saved.status).toBe(200);
  await page.goto(`${hostile()}/dashboards/hostile`);
  await complete(page);
  expect(await page.evaluate(() => (window as unknown as { hacked?: number }).hacked)).toBeUndefined();
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
});

test('exports hold no formula, attachments never run', async () => {
  const response = await fetch(`${hostile()}/api/v1/export`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      title: '=x',
      format: 'csv',
      index: 'c.run-*',
      query: { kql: '' },
      columns: ['labels', 'verdict.detail'],
    }),
  });
  const disposition = response.headers.get('content-disposition') ?? '';
  expect(disposition).toBe('attachment; filename="-x.csv"');
  expect(await response.text()).not.toMatch(/(^|,)"?[=+@]/m);
  for (const name of ['picture.svg', 'page.dom.html']) {
    const attachment = await fetch(`${hostile()}/api/v1/attachments/${UUID}/${name}`);
    expect(attachment.headers.get('content-type')).toBe('application/octet-stream');
    expect(attachment.headers.get('content-security-policy')).toContain('sandbox');
  }
});
