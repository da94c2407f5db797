// A customer orders something: search, product, cart, login, order.
describe('Order', () => {
  it('HomePage open', async () => {
    await browser.url('/');
    await expect(browser).toHaveTitleContaining('Canary Shop');
    await expect($('#products li')).toBeDisplayed();
  });

  it('search for seeds', async () => {
    await $('input[name="q"]').setValue('seed');
    await $('button=Search').click();
    await expect($('#result-count')).toHaveTextContaining('found');
    await $('.grid li a').click();
  });

  it('put into the cart', async () => {
    await $('#add-to-cart').waitForClickable({ timeoutMsg: 'The product page did not show its button in time.' });
    $('#add-to-cart').click();
    await expect($('#cart-count')).toHaveText('1');
  });

  it('log in', async () => {
    await browser.url('/login');
    await $('#username').setValue(browser.config.username);
    await $('#password').setValue(browser.config.password);
    await $('button[type="submit"]').click();
    await expect($('#welcome')).toHaveTextContaining('robot');
  });

  it('place the order', async () => {
    await $('#place-order').click();
    await expect($('#confirmation')).toHaveTextContaining('on its way');
  });
});
