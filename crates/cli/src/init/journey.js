// A monitor script: mocha with WebdriverIO's browser, $, $$ and expect. Try it:
//   canarytrace run --script tests/journey.js --base-url https://www.example.com
const home = require('./pages/home');

describe('Home page', () => {
  it('opens', async () => {
    await home.open();
    await expect(browser).toHaveTitle(expect.stringContaining('Example'));
  });

  it('leads on', async () => {
    await home.more.click();
    await expect(browser).not.toHaveTitle(expect.stringContaining('Example Domain'));
  });
});
