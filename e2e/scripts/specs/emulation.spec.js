describe('scripts before a page', () => {
  it('run in each page', async () => {
    const script = await browser.addInitScript((word) => {
      window.injected = word;
    }, 'hello');
    await browser.url('/form.html');
    expect(await browser.execute(() => window.injected)).toBe('hello');
    await script.remove();
    await browser.url('/list.html');
    expect(await browser.execute(() => window.injected ?? 'nothing')).toBe('nothing');
  });
});
describe('emulation', () => {
  it('of a place', async () => {
    await browser.emulate('geolocation', { latitude: 50.08, longitude: 14.43 });
    await browser.url('/form.html');
    expect(
      await browser.executeAsync((done) =>
        navigator.geolocation.getCurrentPosition(
          (position) => done([position.coords.latitude, position.coords.longitude]),
          (error) => done(error.message),
        ),
      ),
    ).toEqual([50.08, 14.43]);
    await browser.restore('geolocation');
  });
  it('of a user agent', async () => {
    const restore = await browser.emulate('userAgent', 'Robot/1');
    await browser.url('/form.html');
    expect(await browser.execute(() => navigator.userAgent)).toBe('Robot/1');
    await restore();
  });
  it('of dark colours', async () => {
    const restore = await browser.emulate('colorScheme', 'dark');
    await browser.url('/form.html');
    expect(await browser.execute(() => matchMedia('(prefers-color-scheme: dark)').matches)).toBe(true);
    await restore();
  });
  it('of being offline', async () => {
    await browser.emulate('onLine', false);
    await browser.url('/form.html');
    expect(await browser.execute(() => navigator.onLine)).toBe(false);
    await browser.restore('onLine');
  });
  it('of a clock', async () => {
    const clock = await browser.emulate('clock', { now: new Date(2021, 3, 14) });
    await browser.url('/form.html');
    expect(await browser.execute(() => Date.now())).toBe(new Date(2021, 3, 14).getTime());
    await clock.tick(1000);
    expect(await browser.execute(() => Date.now())).toBe(new Date(2021, 3, 14).getTime() + 1000);
    await clock.restore();
  });
  it('of nothing known', async () => {
    await browser.emulate('weather', 'rain');
  });
  it('of colours that are none', async () => {
    await browser.emulate('colorScheme', 'pink');
  });
});
