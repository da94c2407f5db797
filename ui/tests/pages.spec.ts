import { accessible, complete, empty, expect, failedRun, fits, open, standsStill, test, watchShifts } from './support';

/** Every page, full, at three widths and in two themes: pictures are kept in `test-results/pictures`, to be looked at. */

const DASHBOARDS = {
  smoke: ['8c05ebd0-f282-11ea-8699-c53eab9b6869', 'Canarytrace Smoke Overview'],
  journey: ['f98bf3b0-d65e-11ea-9bf3-e3e8f57b050d', 'Canarytrace User-journey Overview'],
  audit: ['fa1006e0-2204-11eb-8699-c53eab9b6869', 'Canarytrace Performance Audit'],
  errors: ['d42d5920-c3c8-11ec-8f6e-23298a81a9a3', 'Canarytrace Errors'],
  requests: ['81f27770-c6ee-11ec-8f6e-23298a81a9a3', 'Canarytrace Request Log'],
} as const;

const PAGES: Record<string, (run: { uuid: string; monitor: string }) => [path: string, heading: string | RegExp]> = {
  overview: () => ['/', 'Overview'],
  runs: () => ['/runs?from=now-2d', 'Runs'],
  run: ({ uuid }) => [`/runs/${uuid}?request=1`, /\d\d:\d\d:\d\d/],
  compare: ({ uuid }) => [`/compare?run=${uuid}`, 'What changed'],
  monitor: ({ monitor }) => [`/monitors/${monitor}?from=now-2d`, monitor],
  discover: () => ['/discover', 'Discover'],
  dashboards: () => ['/dashboards', 'Dashboards'],
  incidents: () => ['/incidents', 'Incidents'],
  errors: () => ['/errors?from=now-2d', 'Errors'],
  rules: () => ['/rules', 'Rules and channels'],
  report: () => ['/report', 'Daily report'],
  stack: () => ['/stack', 'Stack'],
  branding: () => ['/branding', 'Branding'],
  components: () => ['/components', 'Components'],
  ...Object.fromEntries(
    Object.entries(DASHBOARDS).map(([name, [id, title]]) => [
      `dashboard-${name}`,
      (): [string, string] => [`/dashboards/${id}?from=now-2d`, title],
    ]),
  ),
};

for (const [name, place] of Object.entries(PAGES)) {
  test(`page ${name} is whole at every width, in light and dark`, async ({ page }) => {
    const [path, heading] = place(await failedRun());
    await watchShifts(page);
    for (const theme of ['light', 'dark']) {
      await page.setViewportSize({ width: 1280, height: 900 });
      await open(page, `${path}${path.includes('?') ? '&' : '?'}theme=${theme}`);
      await expect(page.getByRole('heading', { level: 1, name: heading })).toBeVisible();
      await standsStill(page);
      await accessible(page);
      for (const width of [1280, 800, 360]) {
        await page.setViewportSize({ width, height: 900 });
        await complete(page);
        await fits(page);
        await page.screenshot({ path: `test-results/pictures/${name}-${theme}-${width}.png`, fullPage: true });
      }
    }
  });
}

const EMPTY: Record<string, [path: string, text: string]> = {
  overview: ['/', 'Nothing is watched yet'],
  runs: ['/runs', 'No run matches'],
  run: ['/runs/00000000000000000000000000000000', 'The run is being prepared'],
  monitor: ['/monitors/none', 'No run in this time'],
  discover: ['/discover', 'No document matches'],
  compare: ['/compare', 'Compare two runs, or two times'],
  dashboard: [`/dashboards/${DASHBOARDS.smoke[0]}`, 'No data'],
  incidents: ['/incidents', 'Nothing is wrong'],
  incident: ['/incidents/none', 'There is no such incident'],
  errors: ['/errors', 'No error in this time'],
  error: ['/errors/0000000000000000', 'This error was not seen in this time'],
  rules: ['/rules', 'Nobody is told'],
  stack: ['/stack', 'No run was due in this time'],
  nothing: ['/no/such/page', 'There is no such page'],
};

for (const [name, [path, text]] of Object.entries(EMPTY)) {
  test(`page ${name} says when there is nothing`, async ({ page }) => {
    await page.goto(empty() + path);
    await expect(page.getByText(text).first()).toBeVisible();
    await fits(page);
  });
}

for (const name of ['overview', 'runs', 'run', 'monitor', 'discover', 'incidents', 'errors', 'stack']) {
  test(`page ${name} says when the store fails, and tries again`, async ({ page }) => {
    let broken = true;
    await page.route(/\/api\/v1\/(search|storage|errors)/, async (route) => {
      if (!broken) return route.continue();
      await route.fulfill({
        status: 503,
        json: { error: { message: 'The store is away.', hint: 'See the page Stack.' } },
      });
    });
    const [path] = (PAGES[name] as (typeof PAGES)[string])(await failedRun());
    await open(page, path);
    await expect(page.getByText('The store is away.').first()).toBeVisible();
    broken = false;
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await expect(page.getByText('The store is away.')).toHaveCount(0);
  });
}

test('keys lead everywhere', async ({ page }) => {
  await open(page, '/');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toContainText('Overview');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('d');
  await expect(page.getByRole('heading', { level: 1, name: 'Discover' })).toBeVisible();
  await page.keyboard.press('/');
  await expect(page.getByRole('combobox', { name: 'Search' })).toBeFocused();
});

test('times are shown in the zone that a person chose', async ({ page }) => {
  await open(page, '/');
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByLabel('Time zone').selectOption('UTC');
  await page.keyboard.press('Escape');
  const run = await failedRun();
  await open(page, `/runs/${run.uuid}`);
  const said = await page.getByRole('heading', { level: 1 }).textContent();
  const answer = await (await fetch(`${process.env.FULL}/c.run-*/_search?q=uuid:${run.uuid}`)).json();
  const started = new Date(answer.hits.hits[0]._source.startedAt as string).toISOString();
  expect(said).toContain(started.slice(11, 19));
});
