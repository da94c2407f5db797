// Pages that nobody here wrote: the kitchen sink of another test runner, with jQuery and Bootstrap.
const open = (name) => browser.url(`/commands/${name}`);

describe('actions of the kitchen sink', () => {
  before(() => open('actions'));
  it('types, key by key', async () => {
    const email = await $('.action-email');
    await email.setValue('fake@email.com');
    await expect(email).toHaveValue('fake@email.com');
    await email.click();
    await browser.keys(['End', 'Backspace', 'Backspace', 'Backspace']);
    await email.addValue('org');
    await expect(email).toHaveValue('fake@email.org');
  });
  it('does not type into what is disabled', async () => {
    await expect($('.action-disabled')).toBeDisabled();
    const message = await $('.action-disabled')
      .setValue('no')
      .catch((error) => error.message.split('\n')[0]);
    console.log(message);
  });
  it('focuses and leaves', async () => {
    await $('.action-focus').click();
    await expect($('.action-focus')).toBeFocused();
    await expect($('.action-focus')).toHaveElementClass('focus');
    await $('.action-blur').click();
    await browser.keys('Tab');
    await expect($('.action-blur')).toHaveElementClass('error');
    console.log((await $('.action-blur').parentElement().$('label').getCSSProperty('color')).parsed.hex);
  });
  it('clears', async () => {
    await $('.action-clear').setValue('Clear this text');
    await $('.action-clear').clearValue();
    await expect($('.action-clear')).toHaveValue('');
  });
  it('submits', async () => {
    await $('.action-form [type="text"]').setValue('HALFOFF');
    await $('.action-form button').click();
    await expect($('.action-form').nextElement()).toHaveText('Your form has been submitted!');
  });
  it('clicks, twice, right and at a place', async () => {
    await $('.action-btn').click();
    await expect($('.popover-content')).toHaveText('This popover shows up on click');
    await $('.action-btn').click();
    await $('.action-div').doubleClick();
    await expect($('.action-div')).not.toBeDisplayed();
    await expect($('.action-input-hidden')).toBeDisplayed();
    await $('.rightclick-action-div').click({ button: 'right' });
    await expect($('.rightclick-action-div')).not.toBeDisplayed();
    await expect($('.rightclick-action-input-hidden')).toBeDisplayed();
    await $('#action-canvas').click({ x: 20, y: 10 });
    await $('#action-canvas').click({ x: -30, y: 5 });
    const drawn = await browser.execute(
      () =>
        document
          .querySelector('#action-canvas')
          .getContext('2d')
          .getImageData(0, 0, 1000, 1000)
          .data.filter((value) => value === 255).length > 0,
    );
    expect(drawn).toBe(true);
  });
  it('checks and leaves checked', async () => {
    for (const box of await $$('.action-checkboxes [type="checkbox"]')) if (await box.isEnabled()) await box.click();
    console.log(await $$('.action-checkboxes [type="checkbox"]').map((box) => box.isSelected()));
    await $('.action-check [value="checkbox1"]').click();
    await expect($('.action-check [value="checkbox1"]')).not.toBeSelected();
    await expect($('.action-check [value="checkbox2"]')).not.toBeEnabled();
  });
  it('selects', async () => {
    const fruit = await $('.action-select');
    await fruit.selectByVisibleText('apples');
    await expect(fruit).toHaveValue('fr-apples');
    await fruit.selectByIndex(3);
    await expect(fruit).toHaveValue('fr-bananas');
    await fruit.selectByAttribute('value', 'fr-oranges');
    await expect(fruit).toHaveValue('fr-oranges');
    await $('.action-select-multiple').selectByVisibleText('apples');
    console.log(await $$('.action-select-multiple option').map((option) => option.isSelected()));
  });
  it('scrolls inside of a box', async () => {
    const button = await $('#scroll-horizontal button');
    await expect(button).not.toBeDisplayedInViewport();
    await button.scrollIntoView();
    await expect(button).toBeDisplayedInViewport();
    await $('#scroll-both button').scrollIntoView({ block: 'center', inline: 'center' });
    await expect($('#scroll-both button')).toBeDisplayedInViewport();
  });
  it('changes a range', async () => {
    await $('.trigger-input-range').scrollIntoView({ block: 'center' });
    await browser.execute(() => {
      const range = document.querySelector('.trigger-input-range');
      range.value = 25;
      range.dispatchEvent(new Event('change', { bubbles: true }));
    });
    await expect($('.trigger-input-range').nextElement()).toHaveText('25');
  });
});

describe('queries of the kitchen sink', () => {
  it('find by text, attribute and place', async () => {
    await open('querying');
    await expect($('#query-btn')).toHaveText('Button');
    await expect($('.query-list').$('li=bananas')).toHaveElementClass('third');
    await expect($('.query-list').$('li*=more')).toHaveElementClass('fourth');
    await expect($('.query-button').$('span=Save Form')).toExist();
    await expect($('[data-test-id="test-example"]')).toHaveElementClass('example');
    await expect($('.query-form').$('#inputEmail')).toHaveAttribute('placeholder', 'Email');
    await expect($$('.query-ul li')).toBeElementsArrayOfSize(3);
    console.log(await $$('.query-ul li').map((item) => item.getText()));
    console.log(await $('aria/Submit').getAttribute('name'));
  });
  it('go through the tree', async () => {
    await open('traversal');
    const items = $$('.traversal-list li');
    console.log(await items.length, await (await items)[1].nextElement().getText());
    console.log(await $('.traversal-mark').parentElement().getTagName());
    console.log(await $('.traversal-cite').parentElement().parentElement().getTagName());
    console.log(await $('.birds .active').previousElement().getText());
    console.log(
      await $$('.traversal-table tbody tr')[1]
        .$$('td')
        .map((cell) => cell.getText()),
    );
    console.log(await $('.traversal-nav').$('.active').$('a').getText());
    console.log((await $$('.traversal-disabled button').filter((button) => button.isEnabled())).length);
    const nuts = [];
    for (let item = await $('#nuts').nextElement(); await item.isExisting(); item = await item.nextElement())
      nuts.push(await item.getText());
    console.log(nuts);
  });
  it('assert', async () => {
    await open('assertions');
    await expect($('.assertion-table tbody tr:last-child')).toHaveElementClass('success');
    await expect($('.assertion-table tbody tr:last-child td:first-of-type')).toHaveText('Column content');
    await expect($('.assertions-link')).toHaveHref('https://on.cypress.io');
    await expect($('.assertions-link')).toHaveHref(expect.stringContaining('cypress'));
    await expect($$('.assertions-p p')).toHaveText([
      'Some text from first p',
      'More text from second p',
      'And even more text from third p',
    ]);
    expect(await $('.docs-header div').getAttribute('class')).toMatch(/heading-/);
  });
  it('change what was found', async () => {
    await open('aliasing');
    const button = await $('.as-table').$('tr').nextElement();
    console.log(await button.isExisting());
    await $$('.as-table tbody tr')[0].$$('td')[0].$('button').click();
    await expect($$('.as-table tbody tr')[0].$('button')).toHaveText('Changed');
    await open('misc');
    await $('.misc-table td=User: Charles').click();
    await expect($('.misc-table td=User: Charles').parentElement()).toHaveElementClass('info');
    await $('.misc-form #name').setValue('Name');
    await expect($('.misc-form #name')).toHaveValue('Name');
  });
});

describe('the rest of the kitchen sink', () => {
  it('asks a server that is not there', async () => {
    await open('network-requests');
    const headers = { 'access-control-allow-origin': '*', 'content-type': 'application/json' };
    const mock = await browser.mock('https://jsonplaceholder.cypress.io/**');
    mock.respond({ body: 'of the mock' }, { headers });
    await browser.pause(100);
    await $('.network-btn').click();
    await expect($('.network-comment')).toHaveText('of the mock');
    await mock.restore();
  });
  it('keeps cookies and storage', async () => {
    await open('cookies');
    await $('.set-a-cookie').click();
    console.log((await browser.getCookies(['token'])).map(({ value }) => value));
    await browser.deleteCookies('token');
    console.log((await browser.getCookies(['token'])).length);
    await open('storage');
    await $('.ls-btn').click();
    console.log(await browser.execute(() => [localStorage.prop1, sessionStorage.prop5]));
    await browser.execute(() => localStorage.clear());
    console.log(await browser.execute(() => localStorage.getItem('prop1')));
  });
  it('goes back, forward and elsewhere', async () => {
    await open('navigation');
    await browser.url('/commands/location?search=1#hash');
    console.log(await browser.execute(() => [location.pathname, location.search, location.hash]));
    await browser.back();
    await expect(browser).toHaveUrl(expect.stringContaining('/commands/navigation'));
    await browser.forward();
    await expect(browser).toHaveUrl(expect.stringContaining('#hash'));
    await browser.refresh();
    await expect(browser).toHaveTitle('Cypress.io: Kitchen Sink');
  });
  it('is narrow and wide', async () => {
    await open('viewport');
    await browser.setViewport({ width: 320, height: 480 });
    await expect($('#navbar')).not.toBeDisplayed();
    await $('.navbar-toggle').click();
    await expect($('#navbar')).toBeDisplayed();
    await browser.setViewport({ width: 1200, height: 800 });
    await expect($('#navbar')).toBeDisplayed();
  });
});

describe('a list of things to do', () => {
  beforeEach(() => browser.url('/todo'));
  it('has two', async () => {
    console.log(await $$('.todo-list li').map((item) => item.getText()));
  });
  it('takes another', async () => {
    await $('.new-todo').setValue('Feed the cat');
    await browser.keys('Enter');
    await expect($$('.todo-list li')).toBeElementsArrayOfSize(3);
    await expect($('.todo-list li:last-child')).toHaveText('Feed the cat');
  });
  it('checks one off and filters', async () => {
    await $('.todo-list li').$('input[type=checkbox]').click();
    await expect($('.todo-list li')).toHaveElementClass('completed');
    await $('a=Active').click();
    await expect($$('.todo-list li')).toBeElementsArrayOfSize(1);
    await $('a=Completed').click();
    console.log(await $$('.todo-list li').map((item) => item.getText()));
    await $('button=Clear completed').click();
    await expect($$('.todo-list li')).toBeElementsArrayOfSize(0);
  });
});
