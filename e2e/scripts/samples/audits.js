// Log in, and audit the page twice in steps of the same name.
describe('Audits after log in', () => {
  it('logs in', async () => {
    await browser.url('/shop.html');
    await (await $('#username')).setValue(browser.config.username);
    await (await $('#password')).setValue(browser.config.password);
    await (await $('.radius')).waitForClickable();
    await (await $('.radius')).click();
    await expect(await $('#flash')).toHaveTextContaining('You logged into a secure area!');
  });
  it('audit', async () => {
    await browser.performAudit(await browser.getUrl());
  });
  it('audit', async () => {
    await browser.performAudit(await browser.getUrl(), 'mobileSlow4G');
  });
});
