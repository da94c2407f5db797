import { accessible, complete, expect, fits, full, open, test } from './support';

/** Errors as groups: the counts are the documents', and what began with one of them is found. */

interface Group {
  fingerprint: string;
  kind: string;
  message: string;
  count: number;
  firstSeen: string;
  monitors: Record<string, number>;
}

const TIME = 'from=now-2d&to=now';

async function stepErrors(): Promise<Group[]> {
  const { groups } = (await (await fetch(`${full()}/api/v1/errors?${TIME}`)).json()) as { groups: Group[] };
  return groups.filter((group) => group.kind === 'step');
}

test('an error is found by its words, counted as its documents are, and leads to its runs', async ({ page }) => {
  const groups = await stepErrors();
  expect(groups.length).toBeGreaterThan(0);
  const documents = await fetch(`${full()}/c.report-*/_count`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: {
        bool: {
          filter: [
            { range: { timestamp: { gte: 'now-2d', lte: 'now' } } },
            { term: { passed: false } },
            { terms: { event: ['testStepEnd', 'testEnd'] } },
          ],
        },
      },
    }),
  });
  const { count } = (await documents.json()) as { count: number };
  expect(groups.reduce((sum, group) => sum + group.count, 0)).toBe(count);
  const [wanted] = groups as [Group];
  await open(page, `/errors?${TIME}`);
  await page.getByLabel('Kind').selectOption('step');
  await page.getByLabel('Words of the error').fill(wanted.message.slice(0, 30));
  await expect(page).toHaveURL(/kind=step/);
  await page.getByRole('link', { name: wanted.message }).first().click();
  await expect(page.getByRole('heading', { level: 2, name: wanted.message })).toBeVisible();
  await complete(page);
  await accessible(page);
  for (const theme of ['light', 'dark']) {
    const address = new URL(page.url());
    address.searchParams.set('theme', theme);
    await page.goto(address.href);
    for (const width of [1280, 800, 360]) {
      await page.setViewportSize({ width, height: 900 });
      await complete(page);
      await fits(page);
      await page.screenshot({ path: `test-results/pictures/error-${theme}-${width}.png`, fullPage: true });
    }
  }
  await page.getByRole('link', { name: 'the run' }).first().click();
  await expect(page).toHaveURL(/\/runs\/[0-9a-f]{32}/);
});

test('a deployment shortly before an error is named with it', async ({ page }) => {
  const [wanted] = (await stepErrors()) as [Group];
  const [monitor] = Object.keys(wanted.monitors);
  const timestamp = new Date(Date.parse(wanted.firstSeen) - 600_000).toISOString();
  const posted = await fetch(`${full()}/api/v1/annotations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ kind: 'deployment', text: 'Release 9.1', monitor, revision: 'feed01', timestamp }),
  });
  expect(posted.status).toBe(201);
  await open(page, `/errors/${wanted.fingerprint}?${TIME}`);
  const began = page.getByRole('region', { name: 'What began with it' });
  await expect(began.getByText(/deployment “Release 9.1”/)).toBeVisible();
});
