// The first script: a page is there, and has its title.
describe('Canarytrace', () => {
  it('opens the shop', async () => {
    await browser.url('/shop.html');
    await expect(browser).toHaveTitleContaining('Obchod');
  });
});
