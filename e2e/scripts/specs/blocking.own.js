// The older style: a command returns when it is done.
const Page = require('../lib/blocking-page.cjs');

describe('the blocking style', () => {
  before(() => {
    browser.url('/form.html');
  });
  it('returns values', () => {
    expect(browser.getTitle()).toBe('Form');
    const heading = $('#heading');
    expect(heading.getText()).toBe('Sign in');
    expect($('#nested').$('b').getText()).to.equal('bold');
    expect($$('.item').length).toBe(3);
    expect($$('.item').map((item) => item.getText())).toEqual(['One', 'Two', 'Three']);
  });
  it('acts in order', () => {
    $('#user').setValue('one');
    $('#user').addValue(' two');
    expect($('#user').getValue()).toBe('one two');
  });
  it('waits', () => {
    browser.url('/later.html');
    expect($('#added').waitForExist(undefined, false, 'late')).to.be.true;
    expect(browser.waitUntil(() => $('#text').getText() === 'after')).toBe(true);
  });
  it('expects', () => {
    browser.url('/form.html');
    expect($('#heading')).toHaveText('Sign in');
    expect(browser).toHaveTitleContaining('For');
  });
  it('throws where it is', () => {
    let said = '';
    try {
      $('#nowhere').waitForExist({ timeout: 100 });
    } catch (error) {
      said = error.message;
    }
    expect(said).toContain('still not existing');
  });
  it('uses page objects with getters', () => {
    Page.open();
    Page.login('robot');
    expect(Page.result).toBe('sent robot');
  });
  it('executes', () => {
    const memory = browser.execute(() => ({ a: 1 }));
    expect(memory.a).toBe(1);
    expect(browser.execute(() => document.querySelectorAll('.item')).length).toBe(3);
  });
  it('pauses and times', () => {
    const before = Date.now();
    browser.pause(50);
    expect(Date.now() - before).toBeGreaterThanOrEqual(49);
    browser.call(() => new Promise((resolve) => setTimeout(resolve, 10)));
  });
  it('adds commands', () => {
    browser.addCommand('loginAs', (name) => {
      $('#user').setValue(name);
      $('#send').click();
      return $('#result').getText();
    });
    expect(browser.loginAs('me')).toBe('sent me');
  });
});
