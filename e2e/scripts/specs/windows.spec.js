describe('windows', () => {
  beforeEach(async () => {
    const [first, ...rest] = await browser.getWindowHandles();
    for (const handle of rest) {
      await browser.switchToWindow(handle);
      await browser.closeWindow();
    }
    await browser.switchToWindow(first);
    await browser.url('/windows.html');
  });
  it('opens a new one', async () => {
    const { handle, type } = await browser.newWindow(`${process.env.BASE_URL}/list.html`);
    console.log(type, typeof handle);
    await expect(browser).toHaveTitle('List of things');
    expect((await browser.getWindowHandles()).length).toBe(2);
    await browser.closeWindow();
    await browser.switchWindow('Windows');
    await expect(browser).toHaveTitle('Windows');
  });
  it('switches by title, url and name', async () => {
    await $('#named').click();
    await browser.waitUntil(async () => (await browser.getWindowHandles()).length === 2);
    await browser.switchWindow('form.html');
    expect(await browser.getTitle()).toBe('Form');
    await browser.switchWindow('Windows');
    expect(await browser.getTitle()).toBe('Windows');
    await browser.switchWindow(/Form/);
    expect(await browser.getTitle()).toBe('Form');
    await browser.switchWindow('windows.html');
  });
  it('finds none to switch to', async () => {
    await browser.switchWindow('no such window');
  });
  it('refuses to switch to a number', async () => {
    await browser.switchWindow(5);
  });
  it('refuses a new window without an address', async () => {
    await browser.newWindow(5);
  });
  it('refuses a new window of a strange kind', async () => {
    await browser.newWindow('/list.html', { type: 'balloon' });
  });
  it('knows the rectangle of its window', async () => {
    const rect = await browser.getWindowRect();
    expect(Object.keys(rect).sort()).toEqual(['height', 'width', 'x', 'y']);
    await browser.setWindowRect(0, 0, 1000, 800);
    expect((await browser.getWindowRect()).width).toBe(1000);
    await browser.setWindowRect(0, 0, 1200, 900);
  });
});
describe('frames', () => {
  beforeEach(async () => {
    await browser.switchFrame(null);
    await browser.url('/frames.html');
  });
  it('switches to one by its element', async () => {
    await browser.switchFrame($('#first'));
    await expect($('#which')).toHaveText('?a');
    await browser.switchFrame(null);
    await expect($('h1')).toHaveText('Outer');
  });
  it('switches to one by its address', async () => {
    await browser.switchFrame('/inner.html?b');
    await expect($('#which')).toHaveText('?b');
    await browser.switchFrame(null);
  });
  it('switches to one inside another by its address', async () => {
    await browser.switchFrame('/inner.html?c');
    await expect($('#which')).toHaveText('?c');
    await browser.switchFrame(null);
  });
  it('switches to one by what is in it', async () => {
    await browser.switchFrame(() => document.querySelector('#which')?.textContent === '?b');
    await expect($('#which')).toHaveText('?b');
    await browser.switchFrame(null);
  });
  it('clicks in one', async () => {
    await browser.switchFrame($('#second'));
    await $('#in').click();
    await expect($('#which')).toHaveText('clicked');
    await browser.switchFrame(null);
  });
  it('refuses what is no frame', async () => {
    await browser.switchFrame(true);
  });
  it('finds none by its element', async () => {
    await browser.switchFrame($('#nowhere'));
  });
});
describe('shadow roots', () => {
  beforeEach(async () => {
    await browser.url('/shadow.html');
  });
  it('are looked through', async () => {
    expect(await $('.inner').getText()).toBe('inside one');
  });
  it('are looked through below an element', async () => {
    expect(await $('#two').$('.inner').getText()).toBe('inside two');
  });
  it('are looked through to any depth', async () => {
    expect(await $('.leaf').getText()).toBe('leaf');
    expect(await $$('.leaf').length).toBe(2);
  });
  it('are named with shadow$', async () => {
    expect(await $('#two').shadow$('.inner').getText()).toBe('inside two');
    expect(await $('#one').shadow$('my-leaf').shadow$('.leaf').getText()).toBe('leaf');
  });
  it('are named with shadow$$', async () => {
    expect(await $('#one').shadow$$('button').length).toBe(1);
  });
  it('are pierced with >>>', async () => {
    expect(await $('>>> .leaf').getText()).toBe('leaf');
  });
  it('are clicked in', async () => {
    await $('#two').$('.press').click();
    await expect($('#two').$('.inner')).toHaveText('pressed two');
  });
});
describe('frames of another site', () => {
  // The same server under its other name is another origin.
  const other = (process.env.BASE_URL ?? '').replace('127.0.0.1', 'localhost');
  beforeEach(async () => {
    await browser.switchFrame(null);
    await browser.url('/frames.html');
    await browser.execute((url) => {
      const frame = document.createElement('iframe');
      frame.id = 'foreign';
      frame.src = `${url}/inner.html?foreign`;
      document.body.append(frame);
    }, other);
    await browser.switchFrame($('#foreign'));
    await expect($('#which')).toHaveText('?foreign');
  });
  afterEach(() => browser.switchFrame(null));
  it('are looked into', async () => {
    console.log(await browser.execute(() => location.hostname), await $('h1').getText());
    expect(await browser.execute(() => location.hostname)).toBe('localhost');
  });
  it('are used', async () => {
    await $('#in').click();
    await expect($('#which')).toHaveText('clicked');
  });
  it('are left', async () => {
    await browser.switchFrame(null);
    await expect($('h1')).toHaveText('Outer');
    expect(await browser.execute(() => location.hostname)).toBe('127.0.0.1');
  });
  it('are found by what is in them', async () => {
    await browser.switchFrame(null);
    await browser.switchFrame(() => document.querySelector('#which')?.textContent === '?foreign');
    await expect($('#inner')).toHaveText('Inner');
  });
});
