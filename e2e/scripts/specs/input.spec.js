describe('input', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  it('sets a value', async () => {
    await $('#user').setValue('robot');
    expect(await $('#user').getValue()).toBe('robot');
  });
  it('adds to a value', async () => {
    await $('#user').addValue(' and more');
    expect(await $('#user').getValue()).toBe('preset and more');
  });
  it('sets a number', async () => {
    await $('#number').setValue(42);
    expect(await $('#number').getValue()).toBe('42');
  });
  it('clears a value', async () => {
    await $('#user').clearValue();
    expect(await $('#user').getValue()).toBe('');
  });
  it('types into a text area', async () => {
    await $('#notes').setValue('one\ntwo');
    expect(await $('#notes').getValue()).toBe('one\ntwo');
  });
  it('types letters of other languages', async () => {
    await $('#user').setValue('Žluťoučký kůň 你好');
    expect(await $('#user').getValue()).toBe('Žluťoučký kůň 你好');
  });
  it('presses keys', async () => {
    await $('#user').click();
    await browser.keys(['End']);
    await browser.keys('x');
    expect(await $('#user').getValue()).toBe('presetx');
  });
  it('sends a form with Enter', async () => {
    await $('#user').setValue('me');
    await browser.keys('Enter');
    await expect($('#result')).toHaveText('sent me');
  });
  it('presses a combination', async () => {
    await $('#user').click();
    await browser.keys(['Control', 'a']);
    await browser.keys('Delete');
    expect(await $('#user').getValue()).toBe('');
  });
  it('refuses keys that are none', async () => {
    await browser.keys(42);
  });
  it('refuses a value that is none', async () => {
    await $('#user').setValue({ a: 1 });
  });
  it('selects a box', async () => {
    await $('#agree').click();
    await expect($('#agree')).toBeSelected();
    await expect($('#result')).toHaveText('agreed true');
  });
  it('selects one of several', async () => {
    await $('#blue').click();
    expect(await $('#blue').isSelected()).toBe(true);
    await $('#red').click();
    expect(await $('#blue').isSelected()).toBe(false);
  });
  it('selects an option by text', async () => {
    await $('#fruit').selectByVisibleText('Banana');
    expect(await $('#fruit').getValue()).toBe('b');
  });
  it('selects an option by text in a group', async () => {
    await $('#fruit').selectByVisibleText('Cherry pie');
    expect(await $('#fruit').getValue()).toBe('c');
  });
  it('selects an option by attribute', async () => {
    await $('#fruit').selectByAttribute('value', 'b');
    expect(await $('#fruit').getValue()).toBe('b');
  });
  it('selects an option by another attribute', async () => {
    await $('#fruit').selectByAttribute('data-kind', 'yellow');
    expect(await $('#fruit').getValue()).toBe('b');
  });
  it('selects an option by index', async () => {
    await $('#fruit').selectByIndex(2);
    expect(await $('#fruit').getValue()).toBe('c');
  });
  it('finds no option by text', async () => {
    await $('#fruit').selectByVisibleText('Plum');
  });
  it('finds no option by attribute', async () => {
    await $('#fruit').selectByAttribute('value', 'z');
  });
  it('finds no option by index', async () => {
    await $('#fruit').selectByIndex(9);
  });
  it('refuses an index below zero', async () => {
    await $('#fruit').selectByIndex(-1);
  });
  it('refuses to clear what is read only', async () => {
    await $('#readonly').clearValue();
  });
  it('refuses to type into what is disabled', async () => {
    await $('#off').setValue('x');
  });
  it('clicks a label', async () => {
    await $('label=User name').click();
    expect(await $('#user').isFocused()).toBe(true);
  });
  it('sends the form with a click', async () => {
    await $('#user').setValue('you');
    await $('#send').click();
    await expect($('#result')).toHaveText('sent you');
  });
  it('fires the events of a real user', async () => {
    await $('#user').click();
    await browser.keys('z');
    console.log(
      JSON.stringify(await browser.execute(() => window.eventLog.filter((entry) => !entry.startsWith('focus')))),
    );
    expect(await browser.execute(() => window.eventLog.length)).toBeGreaterThan(4);
  });
});
