describe('a reloaded session', () => {
  it('is another one, with nothing of the old', async () => {
    await browser.url('/form.html');
    await browser.setCookies({ name: 'old', value: 'yes' });
    await browser.execute(() => localStorage.setItem('old', 'yes'));
    await browser.createWindow('tab');
    const before = browser.sessionId;
    const after = await browser.reloadSession();
    console.log(after === browser.sessionId, after === before, await browser.getUrl());
    expect((await browser.getWindowHandles()).length).toBe(1);
    await browser.url('/form.html');
    console.log(await browser.getCookies(['old']), await browser.execute(() => localStorage.getItem('old')));
    await $('#user').setValue('again');
    await expect($('#user')).toHaveValue('again');
  });
  it('can be reloaded again', async () => {
    const mock = await browser.mock('**/form.html');
    mock.respond('mocked');
    await browser.pause(100);
    await browser.reloadSession();
    await browser.url('/form.html');
    await expect($('#heading')).toExist();
    expect(await browser.getTitle()).toBe('Form');
  });
  it('speaks BiDi', async () => {
    const { contexts } = await browser.browsingContextGetTree({});
    console.log(contexts.length, contexts[0].context === (await browser.getWindowHandle()));
    await browser.reloadSession();
    await browser.url('/texts.html');
    console.log((await browser.browsingContextGetTree({})).contexts.length, await browser.getTitle());
  });
});
