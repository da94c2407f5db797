describe('execute', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  it('answers values', async () => {
    expect(await browser.execute(() => 1 + 1)).toBe(2);
    expect(await browser.execute((a, b) => a + b, 'x', 'y')).toBe('xy');
    expect(await browser.execute('return arguments[0] * 2', 4)).toBe(8);
    expect(await browser.execute(() => ({ a: [1, null, 'z'] }))).toEqual({ a: [1, null, 'z'] });
    console.log(String(await browser.execute(() => undefined)), String(await browser.execute(() => null)));
  });
  it('takes elements', async () => {
    const heading = await $('#heading');
    expect(await browser.execute((element) => element.tagName, heading)).toBe('H1');
  });
  it('takes elements that are not awaited', async () => {
    expect(await browser.execute((element) => element.id, await $('#user'))).toBe('user');
  });
  it('answers elements', async () => {
    const found = await browser.execute(() => document.querySelector('#heading'));
    expect(await $(found).getText()).toBe('Sign in');
  });
  it('waits for promises', async () => {
    expect(
      await browser.execute(async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return 'later';
      }),
    ).toBe('later');
  });
  it('calls back', async () => {
    expect(await browser.executeAsync((a, done) => setTimeout(() => done(a + 1), 50), 1)).toBe(2);
  });
  it('tells what the page threw', async () => {
    await browser.execute(() => {
      throw new Error('page trouble');
    });
  });
  it('on an element', async () => {
    expect(await $('#heading').execute((element, word) => `${element.id} ${word}`, 'is it')).toBe('heading is it');
  });
  it('refuses what is no function', async () => {
    await browser.execute(42);
  });
  it('async on an element', async () => {
    expect(await $('#heading').executeAsync((element, done) => done(element.id))).toBe('heading');
  });
  it('keeps unicode', async () => {
    expect(await browser.execute((text) => text + '✓', 'ž')).toBe('ž✓');
  });
});
