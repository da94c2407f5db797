describe('dialogs', () => {
  beforeEach(async () => {
    await browser.url('/dialogs.html');
  });
  const answer = async (act) => {
    browser.on('dialog', async (dialog) => {
      try {
        await act(dialog);
      } catch {}
    });
  };
  afterEach(() => {
    browser.removeAllListeners('dialog');
  });
  it('tells of an alert', async () => {
    let told;
    await answer(async (dialog) => {
      told = `${dialog.type()} ${dialog.message()}`;
      await dialog.accept();
    });
    await $('#alert').click();
    await expect($('#out')).toHaveText('alerted');
    expect(told).toBe('alert hello');
  });
  it('accepts a question', async () => {
    await answer((dialog) => dialog.accept());
    await $('#confirm').click();
    await expect($('#out')).toHaveText('confirmed true');
  });
  it('dismisses a question', async () => {
    await answer((dialog) => dialog.dismiss());
    await $('#confirm').click();
    await expect($('#out')).toHaveText('confirmed false');
  });
  it('types an answer', async () => {
    await answer((dialog) => dialog.accept('robot'));
    await $('#prompt').click();
    await expect($('#out')).toHaveText('prompted robot');
  });
});
