describe('navigation', () => {
  it('opens a path below the base url', async () => {
    await browser.url('/form.html');
    await expect(browser).toHaveTitle('Form');
    expect(await browser.getUrl()).toMatch(/\/form\.html$/);
  });
  it('goes back, forward and again', async () => {
    await browser.url('/form.html');
    await browser.url('/list.html');
    await browser.back();
    expect(await browser.getTitle()).toBe('Form');
    await browser.forward();
    expect(await browser.getTitle()).toBe('List of things');
    await browser.refresh();
    expect(await browser.getTitle()).toBe('List of things');
  });
  it('keeps query and fragment', async () => {
    await browser.url('/list.html?a=1&b=%20x#part');
    expect((await browser.getUrl()).split('/').pop()).toBe('list.html?a=1&b=%20x#part');
  });
  it('gives the source of a page', async () => {
    await browser.url('/list.html');
    expect(await browser.getPageSource()).toContain('<h2>Second</h2>');
  });
  it('follows a link', async () => {
    await browser.url('/form.html');
    await $('#next').click();
    await expect(browser).toHaveTitle('List of things');
  });
  it('refuses a url that is none', async () => {
    await browser.url(42);
  });
  it('runs a function before the page', async () => {
    await browser.url('/form.html', {
      onBeforeLoad: () => {
        window.early = 'yes';
      },
    });
    expect(await browser.execute(() => window.early)).toBe('yes');
  });
  it('sets window sizes', async () => {
    await browser.setWindowSize(900, 700);
    expect(await browser.getWindowSize()).toEqual({ width: 900, height: 700 });
    await browser.setWindowSize(1200, 900);
  });
  it('refuses a window size that is none', async () => {
    await browser.setWindowSize('wide', 10);
  });
  it('sets a viewport', async () => {
    await browser.url('/form.html');
    await browser.setViewport({ width: 640, height: 480 });
    expect(await browser.execute(() => [window.innerWidth, window.innerHeight])).toEqual([640, 480]);
    await browser.setViewport({ width: 1200, height: 800 });
  });
  it('knows its timeouts', async () => {
    await browser.setTimeout({ implicit: 0, pageLoad: 20000, script: 10000 });
    expect(await browser.getTimeouts()).toEqual({ implicit: 0, pageLoad: 20000, script: 10000 });
  });
});
