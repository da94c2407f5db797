import { accessible, alerting, expect, fits, open, test } from './support';

/** What a run leaves, where its page has to ask for it. */

const UUID = 'e'.repeat(32);
const NAME = `${UUID}.log.ndjson`;
/** Long ago for rules, and for other tests. */
const time = new Date(Date.now() - 5 * 24 * 3_600_000).toISOString();

const ask = async (path: string, method: string, type: string, body: string) => {
  const response = await fetch(alerting() + path, { method, headers: { 'content-type': type }, body });
  expect(response.status, await response.text()).toBeLessThan(300);
};

test('a run shows its log, and where else it is known', async ({ page }) => {
  const run = {
    uuid: UUID,
    monitor: 'shop one',
    spec: 'smoke.js',
    timestamp: time,
    startedAt: time,
    endedAt: time,
    durationMs: 5,
    passed: true,
    verdict: { outcome: 'passed' },
    attachments: [NAME],
  };
  const action = { create: { _index: `c.run-${time.slice(0, 10).replaceAll('-', '.')}`, _id: UUID } };
  await ask(
    '/_bulk?refresh=true',
    'POST',
    'application/x-ndjson',
    `${JSON.stringify(action)}\n${JSON.stringify(run)}\n`,
  );
  const lines = [
    { time, stream: 'script', text: 'info: the cart is open' },
    { time, stream: 'driver', text: 'error: no such window' },
  ];
  const log = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  await ask(`/api/v1/attachments/${UUID}/${NAME}`, 'PUT', 'application/x-ndjson', log);

  await open(page, `/runs/${UUID}?tab=log`, alerting());
  const panel = page.getByRole('tabpanel');
  await expect(panel.getByRole('listitem')).toHaveCount(2);
  await panel.getByLabel('Said by').selectOption('driver');
  await expect(panel.getByRole('listitem')).toHaveText([/error: no such window/]);
  await accessible(page);
  await expect(page.getByRole('link', { name: 'Traces' })).toHaveAttribute(
    'href',
    `https://traces.example/${UUID}?of=shop%20one&end=${encodeURIComponent(time)}`,
  );
  await page.setViewportSize({ width: 360, height: 700 });
  await fits(page);
  await page.screenshot({ path: 'test-results/pictures/run-log-360.png' });
});
