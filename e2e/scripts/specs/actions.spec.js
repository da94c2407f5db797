describe('actions', () => {
  beforeEach(async () => {
    await browser.url('/pointer.html');
  });
  const events = () => browser.execute(() => window.events ?? []);
  it('clicks with buttons', async () => {
    await $('#pad').click({ button: 'right' });
    await $('#pad').click({ button: 1 });
    console.log(JSON.stringify((await events()).map((event) => event.split(' ').slice(0, 2).join(' '))));
  });
  it('clicks at a place', async () => {
    await $('#pad').click({ x: 10, y: 20 });
    console.log(JSON.stringify(await events()));
  });
  it('refuses a button that is none', async () => {
    await $('#pad').click({ button: 'elbow' });
  });
  it('double clicks', async () => {
    await $('#pad').doubleClick();
    expect((await events()).some((event) => event.startsWith('dblclick'))).toBe(true);
  });
  it('moves to', async () => {
    await $('#hover').moveTo();
    await expect($('#log')).toHaveText('hovered');
  });
  it('moves to a place', async () => {
    await $('#hover').moveTo({ xOffset: 1, yOffset: 1 });
    await expect($('#log')).toHaveText('hovered');
  });
  it('drags and drops', async () => {
    await $('#source').dragAndDrop(await $('#target'));
    await expect($('#log')).toHaveText('dropped on target');
  });
  it('drags by a distance', async () => {
    await $('#source').dragAndDrop({ x: 200, y: 20 });
    await expect($('#log')).toHaveText('dropped on target');
  });
  it('refuses to drag to nothing', async () => {
    await $('#source').dragAndDrop('nowhere');
  });
  it('performs a sequence of the pointer', async () => {
    await browser.action('pointer').move({ x: 50, y: 60 }).down({ button: 0 }).pause(10).up({ button: 0 }).perform();
    console.log(JSON.stringify(await events()));
  });
  it('performs a sequence of keys', async () => {
    await $('#text').click();
    await browser.action('key').down('a').pause(10).up('a').down('b').up('b').perform();
    expect(await $('#text').getValue()).toBe('ab');
  });
  it('performs a sequence of the wheel', async () => {
    await browser
      .action('wheel')
      .scroll({ deltaX: 0, deltaY: 200, origin: await $('#scroller'), duration: 100 })
      .perform();
    await browser.waitUntil(() => browser.execute(() => document.querySelector('#scroller').scrollTop > 0));
  });
  it('performs several at once', async () => {
    await $('#text').click();
    await browser.actions([browser.action('key').down('Q').up('Q'), browser.action('pointer').move({ x: 10, y: 10 })]);
    expect(await $('#text').getValue()).toBe('Q');
  });
  it('refuses an action that is none', async () => {
    await browser.action('telepathy').perform();
  });
  it('refuses a key of several letters', async () => {
    await browser.action('key').down('ab').perform();
  });
  it('holds keys while clicking', async () => {
    await $('#text').click();
    await browser.keys(['Shift', 'x']);
    console.log(JSON.stringify(await browser.execute(() => window.keys)));
  });
  it('scrolls by', async () => {
    await browser.url('/later.html');
    await browser.scroll(0, 300);
    await browser.waitUntil(() => browser.execute(() => window.scrollY > 0));
  });
});
