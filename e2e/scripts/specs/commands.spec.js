import data from '../lib/data.json' with { type: 'json' };
import { LoginPage, shopName } from '../lib/pages.js';

describe('commands of a script', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  it('are added to the browser', async () => {
    browser.addCommand('titleAndUrl', async function (suffix) {
      return `${await this.getTitle()} ${suffix}`;
    });
    expect(await browser.titleAndUrl('!')).toBe('Form !');
  });
  it('are added to elements', async () => {
    browser.addCommand(
      'shout',
      async function () {
        return (await this.getText()).toUpperCase();
      },
      true,
    );
    expect(await $('#heading').shout()).toBe('SIGN IN');
    const heading = await $('#heading');
    expect(await heading.shout()).toBe('SIGN IN');
  });
  it('that do not exist cannot be overwritten', async () => {
    browser.overwriteCommand('fly', async () => {});
  });
  it('that throw fail the test', async () => {
    browser.addCommand('explode', async () => {
      throw new Error('boom');
    });
    await browser.explode();
  });
  it('call other commands', async () => {
    browser.addCommand('login', async (name) => {
      await $('#user').setValue(name);
      await $('#send').click();
      return $('#result').getText();
    });
    expect(await browser.login('me')).toBe('sent me');
  });
  it('run what call() is given', async () => {
    expect(await browser.call(async () => 'called')).toBe('called');
  });
  it('are called on pages', async () => {
    const page = new LoginPage();
    await page.open();
    await page.login('robot');
    await expect(page.result).toHaveText('sent robot');
    expect(shopName).toBe('shop');
    expect(data.users).toEqual(['one', 'two']);
  });
  it('are not those of a list', async () => {
    await $('#list').notACommand();
  });
  it('of the protocol are there, too', async () => {
    const found = await browser.findElement('css selector', '#heading');
    const [id] = Object.values(found);
    expect(await browser.getElementText(id)).toBe('Sign in');
    expect((await browser.findElements('css selector', '.item')).length).toBe(3);
    await browser.elementClick(Object.values(await browser.findElement('css selector', '#agree'))[0]);
    await expect($('#agree')).toBeSelected();
    expect(typeof (await browser.takeScreenshot())).toBe('string');
    expect((await browser.status()).ready).toBeDefined();
    expect(await browser.getWindowHandle()).toBe((await browser.getWindowHandles())[0]);
  });
});
