describe('selectors', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  const cases = {
    'css by id': ['#heading', 'Sign in'],
    'css by attribute': ['[data-testid="main-heading"]', 'Sign in'],
    'css with a child': ['ul#list > li:nth-child(2)', 'Two'],
    xpath: ['//ul[@id="list"]/li[3]', 'Three'],
    'xpath in brackets': ['(//li)[1]', 'One'],
    'xpath by text': ['//button[contains(text(),"Send")]', 'Send'],
    'xpath of the parent': ['//b/..', 'Some bold and italic deep text'],
    'text of a link': ['=Go to list', 'Go to list'],
    'part of a text of a link': ['*=Another', 'Another list link'],
    'tag with text': ['button=Send', 'Send'],
    'tag with part of a text': ['button*=Nop', 'Nope'],
    'class with text': ['.item=Two', 'Two'],
    'id with text': ['#heading=Sign in', 'Sign in'],
    'class with part of a text': ['.item*=hre', 'Three'],
    'tag and class with text': ['li.item=One', 'One'],
    'tag with attribute and text': ['button[type="submit"]=Send', 'Send'],
    'text in any case': ['a.=mixed case', 'MiXed Case'],
    'part of a text in any case': ['a.*=MIXED', 'MiXed Case'],
    'name of a tag': ['<nav />', 'navigation'],
    role: ['[role=dialog]', 'box'],
    'accessible name of a button': ['aria/Send it', 'Send'],
    'accessible name by content': ['aria/Sign in', 'Sign in'],
    'title as a name': ['aria/A heading', 'Sign in'],
    'strategy xpath': ['xpath://b', 'bold'],
    'strategy css selector': ['css selector:b', 'bold'],
    'strategy link text': ['link text:Go to list', 'Go to list'],
    'strategy tag name': ['tag name:nav', 'navigation'],
  };
  for (const [name, [selector, text]] of Object.entries(cases)) {
    it(name, async () => {
      expect(await $(selector).getText()).toBe(text);
    });
  }
  it('accessible name of a field by its label', async () => {
    expect(await $('aria/User name').getAttribute('id')).toBe('user');
  });
  it('accessible name of a field by its placeholder', async () => {
    expect(await $('aria/your name').getAttribute('id')).toBe('user');
  });
  it('accessible name of a picture', async () => {
    expect(await $('aria/Tiny picture').getAttribute('id')).toBe('picture');
  });
  it('a function', async () => {
    expect(await $(() => document.querySelector('#heading')).getText()).toBe('Sign in');
  });
  it('a function below an element', async () => {
    expect(
      await $('#list')
        .$(function () {
          return this.querySelector('li:last-child');
        })
        .getText(),
    ).toBe('Three');
  });
  it('a function for a list', async () => {
    expect(await $$(() => Array.from(document.querySelectorAll('.item'))).length).toBe(3);
  });
  it('a reference to an element', async () => {
    const element = await $('#heading');
    expect(await $(element).getText()).toBe('Sign in');
  });
  it('an element from execute', async () => {
    const found = await browser.execute(() => document.querySelector('#heading'));
    expect(await $(found).getText()).toBe('Sign in');
  });
  it('xpath below an element', async () => {
    expect(await $('#list').$('./li[2]').getText()).toBe('Two');
  });
  it('text below an element', async () => {
    expect(await $('#list').$('li=Three').getText()).toBe('Three');
  });
  it('invalid css', async () => {
    await $('div[[').click();
  });
  it('invalid xpath', async () => {
    await $('//div[').click();
  });
  it('not a selector', async () => {
    await $(42).click();
  });
  it('a strategy of its own', async () => {
    browser.addLocatorStrategy('byTestId', (id) => document.querySelector(`[data-testid="${id}"]`));
    browser.addLocatorStrategy('allItems', () => Array.from(document.querySelectorAll('.item')));
    expect(await browser.custom$('byTestId', 'main-heading').getText()).toBe('Sign in');
    expect(await browser.custom$$('allItems').length).toBe(3);
  });
  it('a strategy that is not known', async () => {
    await browser.custom$('unheardOf', 'x').getText();
  });
});
