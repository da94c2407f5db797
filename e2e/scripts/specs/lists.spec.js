describe('lists of elements', () => {
  beforeEach(async () => {
    await browser.url('/list.html');
  });
  it('counts', async () => {
    expect(await $$('.thing').length).toBe(3);
    const things = await $$('.thing');
    expect(things.length).toBe(3);
    expect(await $$('.nothing').length).toBe(0);
  });
  it('indexes', async () => {
    expect(await $$('.thing')[1].getAttribute('data-id')).toBe('2');
    const things = await $$('.thing');
    expect(await things[2].$('h2').getText()).toBe('Third');
  });
  it('maps', async () => {
    expect(await $$('.price').map((price) => price.getText())).toEqual(['10', '20', '30']);
    expect(await $$('.price').map(async (price, index) => `${index}:${await price.getText()}`)).toEqual([
      '0:10',
      '1:20',
      '2:30',
    ]);
  });
  it('filters and finds', async () => {
    const dear = await $$('.thing').filter(async (thing) => Number(await thing.$('.price').getText()) > 10);
    expect(dear.length).toBe(2);
    const second = await $$('.thing').find(async (thing) => (await thing.$('h2').getText()) === 'Second');
    expect(await second.getAttribute('data-id')).toBe('2');
    expect(await $$('.thing').findIndex(async (thing) => (await thing.getAttribute('data-id')) === '3')).toBe(2);
  });
  it('asks some and every', async () => {
    expect(await $$('.thing').some(async (thing) => (await thing.getAttribute('data-id')) === '3')).toBe(true);
    expect(await $$('.thing').every((thing) => thing.isDisplayed())).toBe(true);
  });
  it('reduces', async () => {
    expect(await $$('.price').reduce(async (sum, price) => (await sum) + Number(await price.getText()), 0)).toBe(60);
  });
  it('goes through each in order', async () => {
    const seen = [];
    await $$('.thing').forEach(async (thing) => {
      seen.push(await thing.getAttribute('data-id'));
    });
    expect(seen.sort()).toEqual(['1', '2', '3']);
  });
  it('iterates with for of and for await', async () => {
    const ids = [];
    for (const thing of await $$('.thing')) ids.push(await thing.getAttribute('data-id'));
    for await (const thing of $$('.thing')) ids.push(await thing.getAttribute('data-id'));
    expect(ids).toEqual(['1', '2', '3', '1', '2', '3']);
  });
  it('finds lists below an element', async () => {
    expect(await $('#things').$$('.thing').length).toBe(3);
    expect(await $$('.thing')[0].$$('span').length).toBe(1);
  });
  it('knows where it comes from', async () => {
    const things = await $$('.thing');
    expect(things.selector).toBe('.thing');
    expect(things.foundWith).toBe('$$');
  });
  it('is out of bounds', async () => {
    await $$('.thing')[7].getText();
  });
  it('clicks in each', async () => {
    for (const thing of await $$('.thing button')) if (await thing.isEnabled()) await thing.click();
    await expect($('#count')).toHaveText('2');
  });
  it('awaits Promise.all of a map', async () => {
    const texts = await Promise.all(await $$('h2').map((heading) => heading.getText()));
    expect(texts).toEqual(['First', 'Second', 'Third']);
  });
  it('sees what was added', async () => {
    await $('#add').click();
    expect(await $$('.thing').length).toBe(4);
  });
});
