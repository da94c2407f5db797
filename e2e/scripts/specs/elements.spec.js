describe('elements', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  it('reads texts', async () => {
    expect(await $('#heading').getText()).toBe('Sign in');
    expect(await $('#nested').getText()).toBe('Some bold and italic deep text');
  });
  it('reads attributes and properties', async () => {
    const input = await $('#user');
    expect(await input.getAttribute('placeholder')).toBe('your name');
    expect(await input.getAttribute('nothing')).toBe(null);
    expect(await input.getProperty('value')).toBe('preset');
    expect(await input.getProperty('tagName')).toBe('INPUT');
  });
  it('reads values', async () => {
    expect(await $('#user').getValue()).toBe('preset');
    expect(await $('#number').getValue()).toBe('5');
  });
  it('reads names of tags', async () => {
    expect(await $('#heading').getTagName()).toBe('h1');
  });
  it('reads css', async () => {
    const color = await $('#result').getCSSProperty('color');
    console.log(JSON.stringify(color));
    expect(color.value).toBe('rgba(255,0,0,1)');
    console.log(JSON.stringify(await $('#result').getCSSProperty('width')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('font-size')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('font-family')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('background-color')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('display')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('font-weight')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('opacity')));
    console.log(JSON.stringify(await $('#result').getCSSProperty('line-height')));
  });
  it('reads sizes and places', async () => {
    const size = await $('#picture').getSize();
    expect(size).toEqual({ width: 20, height: 10 });
    expect(await $('#picture').getSize('width')).toBe(20);
    expect(typeof (await $('#picture').getLocation('x'))).toBe('number');
    expect(Object.keys(await $('#picture').getLocation())).toEqual(['x', 'y']);
  });
  it('reads html', async () => {
    console.log(await $('#nested').getHTML());
    console.log(await $('#nested').getHTML({ includeSelectorTag: false }));
    console.log(await $('#list').getHTML());
    expect(await $('b').getHTML({ includeSelectorTag: false })).toBe('bold');
  });
  it('reads roles and labels', async () => {
    expect(await $('#send').getComputedRole()).toBe('button');
    expect(await $('#send').getComputedLabel()).toBe('Send it');
    expect(await $('#user').getComputedLabel()).toBe('User name');
  });
  it('asks about states', async () => {
    expect(await $('#user').isEnabled()).toBe(true);
    expect(await $('#off').isEnabled()).toBe(false);
    expect(await $('#agree').isSelected()).toBe(false);
    expect(await $('#never').isSelected()).toBe(true);
    expect(await $('#heading').isExisting()).toBe(true);
    expect(await $('#nowhere').isExisting()).toBe(false);
    expect(await $('#heading').isDisplayed()).toBe(true);
    expect(await $('#nowhere').isDisplayed()).toBe(false);
    expect(await $('#send').isClickable()).toBe(true);
    expect(await $('#disabled').isClickable()).toBe(false);
    expect(await $('#user').isFocused()).toBe(false);
    await $('#user').click();
    expect(await $('#user').isFocused()).toBe(true);
    expect(await $('#heading').isDisplayed({ withinViewport: true })).toBe(true);
    expect(await $('#heading').isStable()).toBe(true);
  });
  it('compares elements', async () => {
    const one = await $('#user');
    expect(await one.isEqual(await $('input[name=user]'))).toBe(true);
    expect(await one.isEqual(await $('#password'))).toBe(false);
  });
  it('walks to relatives', async () => {
    expect(await $('.first').nextElement().getText()).toBe('Two');
    expect(await $('#list li:last-child').previousElement().getText()).toBe('Two');
    expect(await $('.first').parentElement().getAttribute('id')).toBe('list');
  });
  it('has an id and a selector', async () => {
    const element = await $('#user');
    expect(typeof element.elementId).toBe('string');
    expect(element.selector).toBe('#user');
    expect(await $('#user').elementId).toBe(element.elementId);
  });
  it('chains', async () => {
    expect(await $('#nested').$('i').$('span').getText()).toBe('deep');
    const nested = await $('#nested');
    expect(await nested.$('b').getText()).toBe('bold');
  });
  it('finds none and says so', async () => {
    await $('#nowhere').getText();
  });
  it('finds none below one and says so', async () => {
    await $('#nested').$('.missing').click();
  });
  it('finds no sibling and says so', async () => {
    await $('#list li:last-child').nextElement().getText();
  });
  it('finds no parent and says so', async () => {
    await $('html').parentElement().getText();
  });
  it('is a WebdriverIO element that knows it is missing', async () => {
    const missing = await $('#nowhere');
    expect(missing.elementId).toBe(undefined);
    expect(missing.error).toBeDefined();
    expect(await missing.isExisting()).toBe(false);
  });
});
