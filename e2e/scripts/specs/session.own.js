// WebdriverIO 9.32 itself stands still when a mock or a BiDi command follows a reloaded session.
describe('a session that is reloaded again', () => {
  it('is without mocks', async () => {
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
  it('ends what BiDi had', async () => {
    await browser.sessionSubscribe({ events: ['log.entryAdded'] });
    await browser.sessionEnd({});
    expect((await browser.browsingContextGetTree({})).contexts.length).toBe(1);
  });
  it('closes', async () => {
    await browser.browserClose({});
    const message = await browser.getTitle().catch((error) => error.message);
    expect(message).toContain('invalid session id');
    await browser.reloadSession();
    await browser.url('/form.html');
    expect(await browser.getTitle()).toBe('Form');
  });
});

describe('what raw commands may not', () => {
  const refused = async (answer) => {
    const message = await answer.then(
      () => 'was carried out',
      (error) => error.message,
    );
    expect(message).toMatch(
      /is refused: a monitor opens no `(file|chrome):` page|does not exist in the scripts' folder/,
    );
  };
  it('is to open other pages', async () => {
    const context = await browser.getWindowHandle();
    await refused(browser.cdp('Page', 'navigate', { url: 'file:///etc/passwd' }));
    await refused(browser.cdp('Target', 'createTarget', { url: 'chrome://version' }));
    await refused(browser.browsingContextNavigate({ context, url: 'FILE:///etc/passwd' }));
    await refused(browser.navigateTo('file:///etc/passwd'));
    await refused(browser.newWindow('file:///etc/passwd'));
  });
  it('is to read other files', async () => {
    const context = await browser.getWindowHandle();
    await refused(browser.inputSetFiles({ context, element: { sharedId: 'x' }, files: ['/etc/passwd'] }));
    await refused(browser.webExtensionInstall({ extensionData: { type: 'path', path: '/etc' } }));
    await refused(browser.cdp('DOM', 'setFileInputFiles', { files: ['/etc/passwd'], nodeId: 1 }));
  });
  it('is to type a path of another file', async () => {
    await browser.url('/form.html');
    await browser.execute(() => {
      document.body.insertAdjacentHTML('beforeend', '<input type="file" id="upload">');
    });
    await refused($('#upload').setValue('/etc/passwd'));
    await refused($('#upload').addValue('/etc/passwd'));
    await refused(browser.elementSendKeys(await $('#upload').elementId, '/etc/passwd'));
  });
});
