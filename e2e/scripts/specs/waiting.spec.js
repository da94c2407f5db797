describe('waiting', () => {
  beforeEach(async () => {
    await browser.url('/later.html');
  });
  it('waits until it exists', async () => {
    expect(await $('#added').waitForExist()).toBe(true);
  });
  it('waits until it is displayed', async () => {
    expect(await $('#hidden').waitForDisplayed()).toBe(true);
  });
  it('waits until it is enabled', async () => {
    expect(await $('#waiting').waitForEnabled()).toBe(true);
  });
  it('waits until it is clickable', async () => {
    expect(await $('#waiting').waitForClickable()).toBe(true);
  });
  it('waits until it is gone', async () => {
    expect(await $('#gone').waitForExist({ reverse: true })).toBe(true);
  });
  it('waits until it is not displayed', async () => {
    expect(await $('#gone').waitForDisplayed({ reverse: true })).toBe(true);
  });
  it('waits until it stands still', async () => {
    await $('#moving').waitForStable({ timeout: 5000 });
  });
  it('waits for a condition', async () => {
    expect(await browser.waitUntil(async () => (await $('#text').getText()) === 'after')).toBe(true);
  });
  it('waits for what a condition answers', async () => {
    expect(await browser.waitUntil(async () => (await browser.getTitle()) === 'Later on' && 'done')).toBe('done');
  });
  it('clicks what appears later', async () => {
    await $('#added').click();
    expect(await $('#added').getText()).toBe('added');
  });
  it('gives up with its own words', async () => {
    await $('#never').waitForExist({ timeout: 300, timeoutMsg: 'it never came' });
  });
  it('gives up on what does not exist', async () => {
    await $('#never').waitForExist({ timeout: 300 });
  });
  it('gives up on what is not displayed', async () => {
    await $('#ghost').waitForDisplayed({ timeout: 300 });
  });
  it('gives up on what does not exist and is to be displayed', async () => {
    await $('#never').waitForDisplayed({ timeout: 300 });
  });
  it('gives up on what does not go', async () => {
    await $('h1').waitForExist({ timeout: 300, reverse: true });
  });
  it('gives up on what stays displayed', async () => {
    await $('h1').waitForDisplayed({ timeout: 300, reverse: true });
  });
  it('gives up on what stays disabled', async () => {
    await browser.url('/later.html?delay=9000');
    await $('#waiting').waitForEnabled({ timeout: 300 });
  });
  it('gives up on what is not clickable', async () => {
    await browser.url('/later.html?delay=9000');
    await $('#waiting').waitForClickable({ timeout: 300 });
  });
  it('gives up on a condition', async () => {
    await browser.waitUntil(async () => false, { timeout: 300 });
  });
  it('gives up on a condition with its own words', async () => {
    await browser.waitUntil(() => false, { timeout: 300, timeoutMsg: 'that was too long' });
  });
  it('tells what a condition threw', async () => {
    await browser.waitUntil(
      () => {
        throw new Error('inner trouble');
      },
      { timeout: 300 },
    );
  });
  it('refuses a condition that is none', async () => {
    await browser.waitUntil('yes', { timeout: 300 });
  });
  it('gives up on a place outside of the window', async () => {
    await $('#far').waitForDisplayed({ timeout: 300, withinViewport: true });
  });
  it('sees what is shown', async () => {
    expect(await $('#ghost').isDisplayed()).toBe(false);
    expect(await $('#fade').isDisplayed()).toBe(false);
    expect(await $('#far').isDisplayed()).toBe(true);
    expect(await $('#far').isDisplayed({ withinViewport: true })).toBe(false);
    console.log('zero', await $('#zero').isDisplayed());
    console.log('opacity', await $('#fade').isDisplayed({ opacityProperty: false }));
    console.log('visibility', await $('#ghost').isDisplayed({ visibilityProperty: false }));
  });
  it('scrolls to what is clicked', async () => {
    await $('#far').click();
    expect(await $('#far').isDisplayed({ withinViewport: true })).toBe(true);
  });
  it('scrolls into view', async () => {
    await $('#far').scrollIntoView();
    expect(await $('#far').isDisplayed({ withinViewport: true })).toBe(true);
  });
  it('is clickable where another one covers it or not', async () => {
    expect(await $('#covered').isClickable()).toBe(true);
    await browser.execute(() => window.cover(true));
    expect(await $('#covered').isClickable()).toBe(false);
  });
  it('says what covers it', async () => {
    await browser.execute(() => window.cover(true));
    await $('#covered').click();
  });
  it('finds again what was replaced', async () => {
    const text = await $('#text');
    await text.getText();
    await browser.execute(() => window.replace());
    expect(await text.getText()).toBe('fresh');
  });
  it('waits with an element', async () => {
    expect(
      await $('#text').waitUntil(async function () {
        return (await this.getText()) === 'after';
      }),
    ).toBe(true);
  });
  it('pauses', async () => {
    const before = Date.now();
    await browser.pause(200);
    expect(Date.now() - before).toBeGreaterThanOrEqual(195);
  });
});
