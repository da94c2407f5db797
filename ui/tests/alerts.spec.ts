import { accessible, alerting, complete, expect, fits, open, test } from './support';

/** What the listener finds, and what a person does to it. */

const incident = 'A monitor fails · site shop.example';

test('an incident is found, told, noted, acknowledged and silenced', async ({ page }) => {
  await open(page, '/incidents', alerting());
  const own = page.getByRole('region', { name: 'Open incidents' });
  await expect(own.getByRole('link', { name: incident })).toBeVisible({ timeout: 30_000 });
  await expect(own.getByText('https://shop.example/ answered 503')).toBeVisible();
  await expect(page.getByText('Maintenance “nightly import” of bank-*')).toBeVisible();
  await own.getByRole('link', { name: incident }).click();
  await expect(page.getByRole('heading', { level: 1, name: incident })).toBeVisible();
  const notices = page.getByRole('region', { name: 'Notices' });
  await expect(notices.getByText('✓ sent')).toBeVisible({ timeout: 30_000 });
  const history = page.getByRole('region', { name: 'History' });
  const text = page.getByLabel('Note or reason');
  await text.fill('the <b>cache</b> is down');
  await page.getByRole('button', { name: 'Write note' }).click();
  await expect(history.getByText('the <b>cache</b> is down')).toBeVisible();
  await text.fill('on it');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await expect(history.getByText('on it')).toBeVisible();
  await expect(page.getByText('acknowledged').first()).toBeVisible();
  await text.fill('known trouble');
  await page.getByLabel('Silence for').selectOption('4');
  await page.getByRole('button', { name: 'Silence', exact: true }).click();
  await expect(page.getByText('Silenced.')).toBeVisible();
  await accessible(page);
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 900 });
    await complete(page);
    await fits(page);
    await page.screenshot({ path: `test-results/pictures/incident-${width}.png`, fullPage: true });
  }
  await open(page, '/incidents', alerting());
  const quiet = page.getByRole('region', { name: 'Silences and maintenance' });
  await expect(quiet.getByText('known trouble')).toBeVisible();
  await quiet.getByRole('button', { name: 'End' }).click();
  await expect(quiet.getByText('known trouble')).toBeHidden();
});

test('a notice that was refused is seen, and sent again', async ({ page }) => {
  await open(page, '/incidents', alerting());
  const name = 'Monitoring itself is broken · runner';
  await expect(page.getByText('a notice could not be delivered')).toBeVisible({ timeout: 30_000 });
  await page.getByRole('link', { name }).click();
  const notices = page.getByRole('region', { name: 'Notices' });
  await expect(notices.getByText(/answered 410 Gone/)).toBeVisible();
  await notices.getByRole('button', { name: 'Send again what was given up' }).click();
  await expect(page.getByRole('region', { name: 'History' }).getByText('undelivered')).toHaveCount(2, {
    timeout: 30_000,
  });
});

test('the overview leads to what is open', async ({ page }) => {
  await open(page, '/', alerting());
  await page.getByRole('region', { name: 'Open incidents' }).getByRole('link', { name: incident }).click();
  await expect(page.getByRole('heading', { level: 1, name: incident })).toBeVisible();
});

test('a rule is tried, put in force, and mistakes are told with their place', async ({ page }) => {
  await open(page, '/rules', alerting());
  await expect(page.getByText('Microsoft')).toHaveCount(0);
  const channels = page.getByRole('region', { name: 'Channels' });
  await channels
    .getByRole('row', { name: /^slack webhook/ })
    .getByRole('button')
    .click();
  await expect(channels.getByText('slack took the message.')).toBeVisible();
  const text = page.getByLabel('YAML');
  await text.fill('rules:\n- title: Odd\n  indx: c.run\n  score: 1\n  reporters: [{type: slack}]\n');
  await page.getByRole('button', { name: 'Put in force' }).click();
  await expect(page.getByText('did you mean `index`')).toBeVisible();
  const good =
    "rules:\n- title: Any failure\n  index: c.run\n  query: 'passed: false'\n  when: { count: { at_least: 1 } }\n  window: 1h\n  score: 80\n  notify: overview\n  reporters: [{type: slack}]\n";
  await text.fill(good);
  await page.getByRole('button', { name: 'Try', exact: true }).click();
  await expect(page.getByText(/incidents would have been found/)).toBeVisible({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Put in force' }).click();
  await expect(page.getByText('In force.')).toBeVisible();
  const rules = page.getByRole('region', { name: 'Rules', exact: true });
  await expect(rules.getByText('Any failure')).toBeVisible();
  await expect(rules.getByText('written here')).toBeVisible();
  await accessible(page);
});

test('maintenance is planned, refused with the reason, and taken away', async ({ page }) => {
  await open(page, '/rules', alerting());
  const own = page.getByRole('region', { name: 'Maintenance' });
  await expect(own.getByText('in canarytrace.yaml')).toBeVisible();
  const form = own.getByRole('form', { name: 'Plan maintenance' });
  await form.getByLabel('Reason').fill('moving the <i>database</i>');
  await form.getByLabel('Monitors').fill('db-*, other');
  await form.getByLabel('When').selectOption('weekly');
  await form.getByLabel('Days and hours').fill('SOMEDAY 22:00-02:00');
  await form.getByRole('button', { name: 'Plan' }).click();
  await expect(own.getByText(/is not days and hours such as/)).toBeVisible();
  await form.getByLabel('Days and hours').fill('MON-SUN 00:00-24:00');
  await form.getByRole('button', { name: 'Plan' }).click();
  const row = own.getByRole('row', { name: /moving the <i>database<\/i>/ });
  await expect(row.getByText('db-*, other')).toBeVisible();
  await expect(row.getByText(/now, until/)).toBeVisible();
  await accessible(page);
  await page.setViewportSize({ width: 360, height: 900 });
  await fits(page);
  await row.getByRole('button', { name: 'Remove' }).click();
  await expect(row).toHaveCount(0);
});

test('a rule shows what it measured against its limit over time', async ({ page }) => {
  await open(page, '/rules', alerting());
  const rules = page.getByRole('region', { name: 'Rules', exact: true });
  await rules
    .getByRole('row', { name: /A monitor fails/ })
    .getByRole('link', { name: 'Last 24 h' })
    .click();
  await expect(page).toHaveURL(/rule=A/);
  const own = page.getByRole('region', { name: 'Values of A monitor fails' });
  await expect(own.getByRole('img', { name: 'A monitor fails against its limit' })).toBeVisible({ timeout: 30_000 });
  await complete(page);
  await accessible(page);
  await page.screenshot({ path: 'test-results/pictures/rule-trace.png' });
  await own.getByRole('button', { name: 'Close' }).click();
  await expect(own).toHaveCount(0);
});

test('the report of a day is the page that is sent', async ({ page }) => {
  const today = new Date().toISOString().slice(0, 10);
  await open(page, `/report?day=${today}`, alerting());
  const frame = page.frameLocator('iframe');
  await expect(frame.getByRole('heading', { level: 1 })).toHaveText('Canarytrace Monitoring Overview');
  await expect(frame.getByText('shop', { exact: true }).first()).toBeVisible();
  await page.getByLabel('Period').selectOption('week');
  await expect(frame.getByText(/ – /).first()).toBeVisible();
  await page.goto(`${alerting()}/api/v1/report?day=${today}`);
  await accessible(page);
  await page.setViewportSize({ width: 360, height: 900 });
  await fits(page);
});
