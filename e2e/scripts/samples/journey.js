// A journey through a shop: nothing is awaited, a bar that may come is clicked away blindly.
describe('Shop', () => {
  const cookies = async () => {
    try {
      await $('//button[text()="Přijmout"]').click();
    } catch {
      console.log('no cookie bar');
    }
  };
  it('open', async () => {
    await browser.url('/shop.html');
    await browser.waitForloadEventEnd();
    await cookies();
  });
  it('choose', async () => {
    $('//li[h3[text()="Žlutá budka"]]/button[text()="Do košíku"]').click();
    $('//li[h3[text()="Směs zrní"]]/button').click();
    await expect($('#count')).toHaveText('2');
  });
  it('order', async () => {
    $('=Klece').click();
    const order = await $('//button[contains(., "k objednávce")]');
    await order.waitForDisplayed();
    await order.click();
    await expect(browser).toHaveTitle('Objednávka');
  });
});
