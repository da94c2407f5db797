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
  it('may be deleted before', async () => {
    await browser.deleteSession({ shutdownDriver: false });
    const message = await browser.getTitle().catch((error) => error.message.split('\n')[0]);
    console.log(message);
    await browser.reloadSession();
    await browser.url('/form.html');
    await expect($('#heading')).toExist();
  });
});
