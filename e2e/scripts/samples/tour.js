// Most of what a script does, once.
describe('A tour', () => {
  before(async () => {
    await browser.setWindowSize(1280, 900);
  });
  it('looks at a page', async () => {
    await browser.url('/shop.html');
    console.log(await browser.getTitle(), await browser.getUrl());
    await expect($('#products')).toBeDisplayed();
    await expect($$('.product')).toBeElementsArrayOfSize(3);
  });
  it('asks the page itself', async () => {
    const prices = await browser.execute(
      (selector) => [...document.querySelectorAll(selector)].map((own) => own.textContent),
      '.price',
    );
    expect(prices).toEqual(['990 Kč', '450 Kč', '89 Kč']);
    await browser.execute('window.scrollTo(0, document.body.scrollHeight)');
  });
  it('takes a picture', async () => {
    const picture = await browser.takeScreenshot();
    expect(picture.length).toBeGreaterThan(1000);
  });
  it('stops for a person, if there is one', async () => {
    await browser.debug();
    await browser.pause(10);
  });
});
