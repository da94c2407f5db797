// WebdriverIO 9.32 hangs, for good, when it switches to a window that the page opened by itself.
describe('windows of a page', () => {
  it('opens a window from the page', async () => {
    await browser.url('/windows.html');
    await $('#script').click();
    await browser.waitUntil(async () => (await browser.getWindowHandles()).length === 2);
    await browser.switchWindow('inner.html');
    await expect($('#which')).toHaveText('?popup');
  });
});
