describe('commands that are there', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  it('are overwritten', async () => {
    browser.overwriteCommand('pause', async (original, milliseconds) => {
      console.log('pausing', milliseconds);
      return original(milliseconds);
    });
    await browser.pause(10);
  });
  it('are overwritten on elements', async () => {
    browser.overwriteCommand(
      'getTagName',
      async function (original) {
        return `<${await original()}>`;
      },
      true,
    );
    expect(await $('#heading').getTagName()).toBe('<h1>');
  });
});
