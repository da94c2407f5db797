// Commands that chromedriver knows or refuses, in its words.
describe('commands of the driver', () => {
  before(() => browser.url('/form.html'));
  const said = async (answer) =>
    console.log(
      await answer.then(
        (value) => typeof value,
        (error) => error.message.split('\n')[0].replace(/session\/\w+/, 'session'),
      ),
    );
  it('report by themselves', async () => {
    await said(browser.isAutoReporting());
    await said(browser.setAutoReporting(true));
  });
  it('have a connection', async () => {
    await said(browser.getNetworkConnection());
    await said(browser.setNetworkConnection({ type: 1 }));
  });
  it('pinch', async () => {
    await said(browser.touchPinch(10, 10, 2));
  });
  it('launch apps', async () => {
    await said(browser.launchChromeApp('none'));
  });
  it('take files', async () => {
    const empty = 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==';
    await said(browser.file(empty));
  });
  it('belong to a grid', async () => {
    await said(browser.downloadFile('none.txt', '.'));
  });
});

describe('files', () => {
  it('are uploaded', async () => {
    await browser.url('/form.html');
    const path = await browser.uploadFile(new URL('passed.spec.js', import.meta.url).pathname);
    console.log(typeof path, path.endsWith('passed.spec.js'));
  });
});

describe('the clipboard', () => {
  it('has a text', async () => {
    await browser.url('/form.html');
    await browser.setPermissions({ name: 'clipboard-read' }, 'granted');
    await browser.setPermissions({ name: 'clipboard-write' }, 'granted');
    await browser.execute(() => navigator.clipboard.writeText('copied text'));
    await expect(browser).toHaveClipboardText('copied text');
    await expect(browser).toHaveClipboardText(expect.stringContaining('copied'));
    await expect(browser).not.toHaveClipboardText('another');
  });
});
