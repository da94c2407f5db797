describe('mocks', () => {
  beforeEach(async () => {
    await browser.url('/network.html');
  });
  const ask = async (path, options) => {
    await browser.execute((where, how) => window.ask(where, how), path, options ?? {});
    return $('#answer').getText();
  };
  it('count what was asked', async () => {
    const mock = await browser.mock('**/api/items');
    await ask('/api/items');
    await browser.waitUntil(() => mock.calls.length === 1);
    expect(mock.calls.length).toBe(1);
    await mock.restore();
  });
  it('answer in place of the server', async () => {
    const mock = await browser.mock('**/api/items');
    mock.respond([{ id: 9 }]);
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('200 [{"id":9}]');
    await mock.restore();
  });
  it('answer with a status', async () => {
    const mock = await browser.mock('**/api/items');
    mock.respond('gone', { statusCode: 410 });
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('410 gone');
    await mock.restore();
  });
  it('answer once', async () => {
    const mock = await browser.mock('**/api/items');
    mock.respondOnce('first');
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('200 first');
    expect(await ask('/api/items')).toContain('"one"');
    await mock.restore();
  });
  it('refuse a request', async () => {
    const mock = await browser.mock('**/api/items');
    mock.abort();
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('failed TypeError');
    await mock.restore();
  });
  it('are restored', async () => {
    const mock = await browser.mock('**/api/items');
    mock.respond('mocked');
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('200 mocked');
    await mock.restore();
    expect(await ask('/api/items')).toContain('"one"');
  });
  it('answer as a function says', async () => {
    const mock = await browser.mock('**/api/items');
    mock.respond((event) => `${event.request.method} in place of it`, { statusCode: () => 202 });
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('202 GET in place of it');
    await mock.restore();
  });
});
