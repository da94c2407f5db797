// Values that JSON lacks, and mocks by what a function says.
describe('answers of a page', () => {
  before(() => browser.url('/network.html'));
  const shown = async (code) => console.log(await browser.execute(code));
  it('may be nothing', async () => {
    await shown(() => undefined);
    await shown(() => null);
    await shown(() => {});
    await shown(() => [1, undefined, null]);
    await shown(() => ({ one: undefined, two: { three: undefined } }));
  });
  it('may be numbers that JSON lacks', async () => {
    await shown(() => [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.5]);
    expect(Object.is(await browser.execute(() => -0), -0)).toBe(true);
    await shown(() => 12345678901234567890n);
  });
  it('may be dates, patterns, maps and sets', async () => {
    const date = await browser.execute(() => new Date(86400000));
    console.log(date instanceof Date, date.toISOString());
    await shown(() => /a+b/gi);
    await shown(() => new Map([['key', { deep: undefined }]]));
    await shown(() => new Set([1, 'two', undefined]));
  });
  it('may hold elements', async () => {
    const { first, all } = await browser.execute(() => ({
      first: document.querySelector('#answer'),
      all: [...document.querySelectorAll('#answer')],
    }));
    console.log(await $(first).getTagName(), all.length);
  });
  it('may have names of the page', async () => {
    await browser.execute(() => Object.assign(window, { value: 'a value', mark: 'a mark' }));
    console.log(await browser.execute('return [value, mark]'));
  });
  it('may be promised', async () => {
    console.log(await browser.execute(async () => undefined));
    console.log(await browser.execute(() => Promise.resolve(new Set(['later']))));
  });
  it('may come by a callback', async () => {
    console.log(await browser.executeAsync((done) => done()));
    console.log(
      await browser.executeAsync((word, done) => setTimeout(() => done({ word, at: new Date(0) }), 5), 'later'),
    );
  });
});

describe('mocks by functions', () => {
  before(() => browser.url('/network.html'));
  const ask = async (path, options) => {
    await browser.execute((where, how) => window.ask(where, how), path, options ?? {});
    return $('#answer').getText();
  };
  it('look at the method', async () => {
    const mock = await browser.mock('**/api/items', { method: (method) => method === 'POST' });
    mock.respond('posted');
    await browser.pause(100);
    expect(await ask('/api/items')).toContain('"one"');
    expect(await ask('/api/items', { method: 'POST' })).toBe('200 posted');
    expect(mock.calls.length).toBe(1);
    await mock.restore();
  });
  it('look at the headers', async () => {
    const mock = await browser.mock('**/api/items', { requestHeaders: (headers) => headers['x-kind'] === 'special' });
    mock.respond('special');
    await browser.pause(100);
    expect(await ask('/api/items')).toContain('"one"');
    expect(await ask('/api/items', { headers: { 'x-kind': 'special' } })).toBe('200 special');
    await mock.restore();
  });
  it('tell of calls', async () => {
    const mock = await browser.mock('**/api/items');
    const told = [];
    mock.on('request', () => told.push('request'));
    mock.on('overwrite', () => told.push('overwrite'));
    mock.respondOnce('once');
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('200 once');
    await browser.waitUntil(() => told.length > 1);
    console.log(told.join(', '));
    await mock.restore();
  });
});
