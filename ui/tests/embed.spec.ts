import { expect, type Page, test } from '@playwright/test';
import { passwordOf } from './servers';
import { accessible, complete, guarded } from './support';

/** A dashboard in a frame of another site's page. */

const portal = (): string => process.env.PORTAL ?? '';
const DASHBOARD = 'Canarytrace Smoke Overview';
const ID = '8c05ebd0-f282-11ea-8699-c53eab9b6869';

async function asAdmin(page: Page): Promise<void> {
  await page.goto(guarded());
  await page.getByLabel('Name').fill('anna');
  await page.getByLabel('Password').fill(passwordOf('anna'));
  await page.getByRole('button', { name: 'Log in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
}

test('a dashboard is shown in the pages that may, with a token that shows nothing else', async ({ page, browser }) => {
  await asAdmin(page);
  await page.goto(`${guarded()}/dashboards`);
  await page.getByRole('link', { name: DASHBOARD }).click();
  await page.getByRole('button', { name: 'Share and more' }).click();
  await page.getByRole('menuitem', { name: 'Embed in another page' }).click();
  const dialog = page.getByRole('dialog', { name: `Embed ${DASHBOARD}` });
  await expect(dialog.getByText('No page may show it yet')).toBeHidden();
  await dialog.getByRole('button', { name: 'Make a token for this dashboard' }).click();
  const html = await dialog.getByLabel('HTML of the frame').inputValue();
  await accessible(page);

  // Somebody who never logged in.
  const stranger = await (await browser.newContext()).newPage();
  const shown = (host: string) => `${host}/?body=${encodeURIComponent(html)}`;
  await stranger.goto(shown(portal()));
  const frame = stranger.frameLocator('iframe');
  const panel = frame.getByRole('region', { name: DASHBOARD }).getByRole('heading', { level: 2 }).first();
  await expect(panel).toBeVisible();
  await expect(frame.getByText('this token is for something else')).toHaveCount(0);
  await expect(frame.getByRole('alert')).toHaveCount(0);
  const refused = stranger.waitForEvent('console', (said) => said.text().includes('frame-ancestors'));
  await stranger.goto(shown(portal().replace('127.0.0.1', 'localhost')));
  await refused;

  const secret = /#token=([0-9a-f]{64})/.exec(html)?.[1] ?? '';
  const ask = async (path: string, method = 'GET') => {
    const options = { method, headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' } };
    return (await fetch(guarded() + path, method === 'POST' ? { ...options, body: '{"size":0}' } : options)).status;
  };
  expect(await ask('/api/v1/search?index=c.report-*', 'POST')).toBe(200);
  for (const path of ['/api/v1/users', '/api/v1/saved/dashboards', '/api/v1/monitors', '/c.report-*/_search'])
    expect(await ask(path), path).toBe(403);
  expect(await ask('/api/v1/search?index=*', 'POST')).toBe(403);

  await page.goto(`${guarded()}/access`);
  const row = page
    .getByRole('region', { name: 'Tokens' })
    .getByRole('row', { name: /Frame: Canarytrace Smoke Overview/ });
  await row.getByRole('button', { name: 'Remove' }).click();
  await expect(row).toHaveCount(0);
  await stranger.goto(shown(portal()));
  await expect(frame.getByText('This dashboard cannot be shown here')).toBeVisible();
  await stranger.context().close();
});

test('a frame looks as a dashboard does', async ({ page }) => {
  await asAdmin(page);
  await page.goto(`${guarded()}/embed/dashboards/${ID}?from=now-7d&to=now`);
  await expect(page.getByRole('region', { name: DASHBOARD })).toBeVisible();
  await complete(page);
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await accessible(page);
});
