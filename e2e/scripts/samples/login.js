// A form is filled in; name and password are variables of the run.
const assert = require('assert');

describe('Log in', () => {
  it('opens the page', async () => {
    await browser.url('/shop.html');
  });
  it('fills in the form', async () => {
    await $('#username').setValue(browser.config.username);
    await $('#password').setValue(browser.config.password);
    await $('button[type="submit"]').waitForEnabled();
    await $('button[type="submit"]').click();
  });
  it('is let in', async () => {
    assert.strictEqual(await $('#flash').getText(), 'You logged into a secure area!');
  });
});
