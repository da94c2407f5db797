// As the configuration wizard writes it.
describe('My Login application', () => {
  it('should login with valid credentials', async () => {
    await browser.url(`/shop.html`);

    await $('#username').setValue(browser.config.username);
    await $('#password').setValue(browser.config.password);
    await $('button[type="submit"]').waitForClickable();
    await $('button[type="submit"]').click();

    await expect($('#flash')).toBeExisting();
    await expect($('#flash')).toHaveTextContaining('You logged into a secure area!');
  });
});
