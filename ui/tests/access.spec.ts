import type { Page } from '@playwright/test';
import { passwordOf } from './servers';
import { accessible, complete, expect, fits, guarded, test } from './support';

/** People log in, each may do what their role says, and what is changed is written down. */

async function logIn(page: Page, name: string, password = passwordOf(name)): Promise<void> {
  await page.goto(guarded());
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

const basic = (name: string, password = passwordOf(name)) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

const ask = (path: string, options: RequestInit = {}) =>
  fetch(guarded() + path, { ...options, headers: { 'content-type': 'application/json', ...options.headers } });

test('nobody sees anything without logging in', async ({ page }) => {
  await page.goto(`${guarded()}/discover?q=passed:false`);
  await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
  await accessible(page);
  await page.setViewportSize({ width: 360, height: 700 });
  await fits(page);
  for (const path of [
    '/',
    '/_search',
    '/_cat/indices',
    '/api/v1/status',
    '/api/v1/saved/dashboards',
    '/api/v1/events',
    '/_bulk',
  ]) {
    const response = await ask(path, { method: path === '/_bulk' ? 'POST' : 'GET' });
    expect(response.status, path).toBe(401);
  }
  expect((await ask('/healthz')).status).toBe(200);
  expect((await ask('/_search')).headers.get('www-authenticate')).toContain('Basic');
});

test('a session is a cookie that no script reads, and ends with logging out', async ({ page, context }) => {
  await logIn(page, 'vic');
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
  const response = await ask('/api/v1/status', { headers: { cookie: `${cookie?.name}=${cookie?.value}` } });
  expect(response.status).toBe(401);
});

test('a wrong password is refused, and after some of them waits', async ({ page }) => {
  await logIn(page, 'guessed', 'not this one');
  await expect(page.getByRole('alert')).toHaveText('Name or password are wrong.');
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const response = await ask('/_search', { headers: basic('guessed', `guess ${attempt}`) });
    expect(response.status).toBe(401);
  }
  const response = await ask('/_search', { headers: basic('guessed') });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('each role may do its own, and no more', async () => {
  const body = JSON.stringify({ body: { title: 'Mine', range: { from: 'now-1h', to: 'now' }, panels: [] } });
  const document = '{"index":{"_index":"c.report-2026.01.01"}}\n{"a":1}\n';
  const asked: [path: string, method: string, body: string | undefined, allowed: string[]][] = [
    ['/_search', 'GET', undefined, ['vic', 'ed', 'anna']],
    ['/api/v1/saved/dashboards/mine', 'PUT', body, ['ed']],
    ['/api/v1/saved/dashboards/mine', 'DELETE', undefined, ['anna']],
    ['/_bulk', 'POST', document, ['anna']],
    ['/api/v1/users', 'GET', undefined, ['anna']],
    ['/api/v1/configuration', 'GET', undefined, ['ed', 'anna']],
    ['/.canarytrace-audit/_search', 'GET', undefined, ['anna']],
    ['/c.report-2026.01.01', 'DELETE', undefined, ['anna']],
  ];
  for (const [path, method, content, allowed] of asked) {
    for (const name of ['vic', 'ed', 'anna']) {
      if (path.includes('saved') && !allowed.includes(name) && name !== 'vic') continue;
      const response = await ask(path, { method, headers: basic(name), ...(content ? { body: content } : {}) });
      expect(response.status < 300, `${name}: ${method} ${path} answered ${response.status}`).toBe(
        allowed.includes(name),
      );
      if (!allowed.includes(name)) expect(response.status).toBe(403);
    }
  }
});

test('the configuration is seen by those who may edit, without secrets', async ({ page }) => {
  await logIn(page, 'ed');
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await page.goto(`${guarded()}/stack`);
  const own = page.getByRole('region', { name: 'Configuration in force' });
  await expect(own.getByRole('region', { name: 'canarytrace.yaml' })).toContainText('Example Monitoring');
  await expect(own.getByText('SHOP_PASSWORD: "********"')).toBeVisible();
  await accessible(page);
  await page.setViewportSize({ width: 360, height: 700 });
  await fits(page);
});

test('a page of another site changes nothing in somebody\u2019s name', async ({ page, context }) => {
  await logIn(page, 'anna');
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  const [cookie] = await context.cookies();
  const headers = { cookie: `${cookie?.name}=${cookie?.value}` };
  const url = `/api/v1/users/evil`;
  const body = JSON.stringify({ password: 'a long password', role: 'admin' });
  expect((await ask(url, { method: 'PUT', body, headers })).status).toBe(403);
  expect((await ask(url, { method: 'PUT', body, headers: { ...headers, origin: 'http://evil.example' } })).status).toBe(
    403,
  );
  expect(
    (await ask(url, { method: 'PUT', body, headers: { ...headers, 'sec-fetch-site': 'cross-site' } })).status,
  ).toBe(403);
});

test('an admin makes a token, and it stays within its indices', async ({ page }) => {
  await logIn(page, 'anna');
  await page.goto(`${guarded()}/access`);
  const tokens = page.getByRole('region', { name: 'Tokens' });
  await tokens.getByLabel('Name').fill('ci');
  await tokens.getByLabel('Role').selectOption('ingest');
  await tokens.getByLabel('Index patterns (empty: all)').fill('c.report-*');
  await tokens.getByRole('button', { name: 'Make a token' }).click();
  const secret = (await page.getByRole('status').locator('code').textContent()) ?? '';
  const send = (index: string) =>
    ask('/_bulk', {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      body: `{"create":{"_index":"${index}"}}\n{"a":1}\n`,
    });
  expect((await send('c.report-2026.01.02')).status).toBe(200);
  expect((await send('c.run-2026.01.02')).status).toBe(403);
  expect((await ask('/c.report-*/_search', { headers: { authorization: `Bearer ${secret}` } })).status).toBe(403);
  await accessible(page);
  await tokens.getByRole('row', { name: /ci/ }).getByRole('button', { name: 'Remove' }).click();
  await expect(tokens.getByText('No token yet.')).toBeVisible();
  expect((await send('c.report-2026.01.02')).status).toBe(401);
});

test('what is changed and who tried is in the audit log', async () => {
  const body = JSON.stringify({ kind: 'note', text: 'seen' });
  await ask('/api/v1/annotations', { method: 'POST', headers: basic('ed'), body });
  await ask('/api/v1/session', { method: 'POST', body: JSON.stringify({ user: 'nobody', password: 'x' }) });
  await expect
    .poll(async () => {
      const response = await ask('/.canarytrace-audit/_search?size=500', { headers: basic('anna') });
      const found = (await response.json()).hits?.hits ?? [];
      return found.map(
        (hit: { _source: { user: string; action: string } }) => `${hit._source.user}: ${hit._source.action}`,
      );
    })
    .toEqual(expect.arrayContaining(['ed: POST /api/v1/annotations', 'nobody: log-in refused']));
});

test('runs deliver, and reports are drawn, where people log in', async ({ page }) => {
  test.setTimeout(120_000);
  await logIn(page, 'ed');
  // One of our own monitors watches our own page.
  await page.getByLabel('Address to watch').fill(`${guarded()}/`);
  await page.getByRole('button', { name: 'Watch this page' }).click();
  await expect(page.getByRole('region', { name: 'Latest runs' }).getByText('passed')).toBeVisible({ timeout: 60_000 });
  await complete(page);
  const response = await page.evaluate(async () => {
    const answer = await fetch('/api/v1/render', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path: '/?kiosk=yes', title: 'overview', format: 'png', width: 1000 }),
    });
    return { status: answer.status, length: (await answer.blob()).size };
  });
  expect(response.status).toBe(200);
  expect(response.length).toBeGreaterThan(20_000);
});

// One after the other: both look at what the second changes.
test.describe
  .serial('branding', () => {
    test('a company’s own name, logo and color are everywhere', async ({ page }) => {
      await page.goto(guarded());
      await expect(page.getByRole('heading', { name: 'Example Monitoring' })).toBeVisible();
      await logIn(page, 'vic');
      await expect(page).toHaveTitle('Example Monitoring');
      await expect(page.getByText('Questions: web-team@shop.example')).toBeVisible();
      expect(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--accent'))).toBe(
        '#7a1fa2',
      );
      const logo = await ask('/api/v1/branding/logo');
      expect(logo.headers.get('content-type')).toBe('image/svg+xml');
      expect(logo.headers.get('content-security-policy')).toContain('sandbox');
      await accessible(page);

      await page.goto(`${guarded()}/branding`);
      await expect(page.getByText('Only an admin changes this')).toBeVisible();
      const settings = JSON.stringify({ name: 'Other' });
      expect((await ask('/api/v1/branding', { method: 'PUT', headers: basic('ed'), body: settings })).status).toBe(403);
    });

    test('an admin changes name, logo and color, and takes that back', async ({ page }) => {
      await logIn(page, 'anna');
      await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
      await page.goto(`${guarded()}/branding`);
      await expect(page.getByText('As canarytrace.yaml says')).toBeVisible();
      await page.getByRole('textbox', { name: 'Name' }).fill('Ours <b>now</b>');
      const logo = '<svg xmlns="http://www.w3.org/2000/svg"><script>parent.hacked = 1</script></svg>';
      const files = (name: string, content: string) => ({
        name,
        mimeType: 'image/svg+xml',
        buffer: Buffer.from(content),
      });
      await page.getByLabel('Logo, SVG or PNG').setInputFiles(files('logo.svg', logo));
      await page.getByRole('textbox', { name: 'Accent on light', exact: true }).fill('#ffd43b');
      await expect(page.getByText('Contrast 1.4, 4.5 is needed')).toBeVisible();
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByRole('alert')).toContainText('its contrast is 1.4');
      await page.getByRole('textbox', { name: 'Accent on light', exact: true }).fill('#0b6e4f');
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByText('Set here, in the place of canarytrace.yaml.')).toBeVisible();
      await expect(page).toHaveTitle('Ours <b>now</b>');
      expect(await (await ask('/api/v1/branding/logo')).text()).toBe(logo);
      expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
      await accessible(page);
      await page.setViewportSize({ width: 360, height: 700 });
      await fits(page);
      await page.getByRole('button', { name: 'Back to canarytrace.yaml' }).click();
      await expect(page).toHaveTitle('Example Monitoring');
    });
  });
