import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

export const full = (): string => process.env.FULL ?? '';
export const empty = (): string => process.env.EMPTY ?? '';
export const hostile = (): string => process.env.HOSTILE ?? '';
export const alerting = (): string => process.env.ALERTING ?? '';
export const guarded = (): string => process.env.GUARDED ?? '';

/** Waits until the page says that nothing is being loaded any more. */
export async function complete(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.complete === 'yes');
}

export async function open(page: Page, path: string, server = full()): Promise<void> {
  await page.goto(server + path);
  await complete(page);
}

/** Counts how far what is shown moves by itself, from the next page on. */
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { hadRecentInput: boolean; value: number })[]) {
        if (!entry.hadRecentInput) shifts.push(entry.value);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/** At most as far as Web Vitals call good. */
export async function standsStill(page: Page): Promise<void> {
  const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
  expect(
    shifts.reduce((sum, shift) => sum + shift, 0),
    `the page ${page.url()} moves while it loads`,
  ).toBeLessThanOrEqual(0.1);
}

/** Nothing is wider than the window. */
export async function fits(page: Page): Promise<void> {
  const [page_, window_] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(page_, `the page ${page.url()} is wider than its window`).toBeLessThanOrEqual(window_ ?? 0);
}

export async function accessible(page: Page): Promise<void> {
  // Frames without scripts cannot be looked into from outside: what is in them is looked at by itself.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode(await page.evaluate(() => document.querySelector('iframe') !== null))
    .exclude('iframe')
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  const told = violations.map(
    ({ id, nodes }) =>
      `${id}, ${nodes.length} times: ${nodes
        .slice(0, 3)
        .map((node) => `${node.html.slice(0, 160)} (${node.failureSummary?.split('\n')[1]?.trim()})`)
        .join(' | ')}`,
  );
  expect(told, `axe on ${page.url()}`).toEqual([]);
}

/** A page that fails its test when it breaks, or asks anybody but its server. */
export const test = base.extend({
  page: async ({ page }, use) => {
    const wrong: string[] = [];
    page.on('pageerror', (error) => wrong.push(String(error)));
    page.on('dialog', (dialog) => {
      wrong.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      const own = [full(), empty(), hostile(), guarded(), alerting()].some(
        (server) => server !== '' && url.origin === new URL(server).origin,
      );
      if (!own && !['data:', 'blob:', 'about:'].includes(url.protocol)) wrong.push(`asked ${request.url()}`);
    });
    await use(page);
    expect(wrong).toEqual([]);
  },
});

export { expect };

export interface SearchAnswer {
  hits: { total: { value: number }; hits: { _source: Record<string, unknown> }[] };
  aggregations?: Record<
    string,
    { buckets?: { key: string; doc_count: number }[]; value?: number; values?: Record<string, number> }
  >;
}

/** Asks the store itself, as curl would. */
export async function ask(index: string, body: object, server = full()): Promise<SearchAnswer> {
  const response = await fetch(`${server}/${index}/_search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as SearchAnswer;
}

/** The last run that failed. */
export async function failedRun(): Promise<{ uuid: string; monitor: string; detail: string }> {
  const answer = await ask('c.run-*', {
    size: 1,
    query: { term: { 'verdict.outcome': 'failed' } },
    sort: [{ startedAt: 'desc' }],
  });
  const run = answer.hits.hits[0]?._source as
    | { uuid: string; monitor: string; verdict: { detail: string } }
    | undefined;
  if (!run) throw new Error('the history has no failed run');
  return { uuid: run.uuid, monitor: run.monitor, detail: run.verdict.detail };
}
