describe('cookies', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
    await browser.deleteCookies();
  });
  it('are set and read', async () => {
    await browser.setCookies({ name: 'one', value: '1' });
    await browser.setCookies([
      { name: 'two', value: '2' },
      { name: 'three', value: '3' },
    ]);
    const cookies = await browser.getCookies();
    console.log(
      cookies
        .map(({ name, value }) => `${name}=${value}`)
        .sort()
        .join(' '),
    );
    expect((await browser.getCookies(['two'])).map(({ value }) => value)).toEqual(['2']);
    expect((await browser.getCookies({ name: 'three' })).map(({ value }) => value)).toEqual(['3']);
  });
  it('are deleted', async () => {
    await browser.setCookies([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ]);
    await browser.deleteCookies('a');
    expect((await browser.getCookies()).map(({ name }) => name)).toEqual(['b']);
    await browser.deleteCookies();
    expect(await browser.getCookies()).toEqual([]);
  });
  it('are the page’s own', async () => {
    await browser.execute(() => {
      document.cookie = 'page=yes';
    });
    expect((await browser.getCookies(['page']))[0].value).toBe('yes');
  });
  it('by the protocol', async () => {
    await browser.addCookie({ name: 'raw', value: 'x' });
    expect((await browser.getNamedCookie('raw')).value).toBe('x');
    await browser.deleteCookie('raw');
    expect(await browser.getAllCookies()).toEqual([]);
  });
  it('of a wrong shape are refused', async () => {
    await browser.setCookies('text');
  });
});
