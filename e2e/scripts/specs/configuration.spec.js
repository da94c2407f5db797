describe('what the browser knows of itself', () => {
  it('its configuration', () => {
    console.log(typeof browser.options.baseUrl, typeof browser.options.waitforTimeout, browser.options.waitforInterval);
  });
  it('its session', () => {
    console.log(
      typeof browser.sessionId,
      browser.sessionId.length,
      browser.capabilities.browserName !== undefined,
      browser.isMobile,
      browser.isChromium,
    );
  });
  it('does not know what is none', async () => {
    await browser.notACommand();
  });
  it('compares globals', async () => {
    expect(driver).toBe(browser);
  });
  it('takes a picture', async () => {
    await browser.url('/form.html');
    const picture = await browser.saveScreenshot('./picture.png');
    expect(picture.length).toBeGreaterThan(100);
  });
  it('refuses a picture without an ending', async () => {
    await browser.saveScreenshot('picture');
  });
  it('takes a picture of an element', async () => {
    await browser.url('/form.html');
    const picture = await $('#heading').saveScreenshot('./heading.png');
    expect(picture.length).toBeGreaterThan(50);
  });
  it('prints a page', async () => {
    await browser.url('/form.html');
    const printed = await browser.savePDF('./page.pdf');
    expect(printed.toString('latin1').slice(0, 4)).toBe('%PDF');
  });
  it('slows the network down and up', async () => {
    await browser.throttleNetwork('Regular 4G');
  });
  it('refuses a factor that is none', async () => {
    await browser.throttleCPU('fast');
  });
});
