// Plays specs with WebdriverIO and writes what came of each test to the file JUDGE_OUT, one JSON object a line.
import { appendFileSync } from 'node:fs';
import { format } from 'node:util';

const { JUDGE_OUT, JUDGE_SPECS, BASE_URL, CHROMIUM, CHROMEDRIVER } = process.env;
const SPECS = JUDGE_SPECS.split(';');
const say = (kind, facts) => appendFileSync(JUDGE_OUT, `${JSON.stringify({ kind, ...facts })}\n`);
// What changes the page or the window; how the rest is asked is each runner's own business.
const CHANGES = new Set([
  'elementClick',
  'elementClear',
  'elementSendKeys',
  'performActions',
  'releaseActions',
  'navigateTo',
  'back',
  'forward',
  'refresh',
  'acceptAlert',
  'dismissAlert',
  'switchToWindow',
  'closeWindow',
  'createWindow',
  'addCookie',
  'deleteCookie',
  'deleteAllCookies',
]);
const BIDI = {
  'browsingContext.navigate': () => 'navigateTo',
  'browsingContext.handleUserPrompt': ({ accept }) => (accept ? 'acceptAlert' : 'dismissAlert'),
};
const path = (test) => [test.parent, test.title].filter(Boolean).join(' ');

export const config = {
  runner: 'local',
  // One session for all of them, because a new one costs three seconds; what is exclusive would exclude the others.
  specs: [SPECS.filter((spec) => !spec.includes('.alone.')), ...SPECS.filter((spec) => spec.includes('.alone.'))],
  maxInstances: 1,
  capabilities: [
    {
      browserName: 'chrome',
      'goog:chromeOptions': {
        binary: CHROMIUM,
        args: [
          '--headless=new',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
          '--disable-dev-shm-usage',
          '--window-size=1200,900',
        ],
      },
      'wdio:chromedriverOptions': { binary: CHROMEDRIVER },
    },
  ],
  logLevel: 'error',
  baseUrl: BASE_URL,
  waitforTimeout: Number(process.env.JUDGE_WAIT ?? 1000),
  waitforInterval: 100,
  framework: 'mocha',
  reporters: [],
  mochaOpts: { ui: 'bdd', timeout: 20000 },
  before() {
    for (const level of ['log', 'info', 'warn', 'error', 'debug'])
      console[level] = (...values) => say('console', { level, text: format(...values) });
    browser.on('command', ({ command }) => CHANGES.has(command) && say('command', { name: command }));
    browser.on('bidiCommand', ({ method, params }) => BIDI[method] && say('command', { name: BIDI[method](params) }));
  },
  afterTest: (test, _context, { error, passed, skipped, retries }) =>
    say('end', {
      title: test.title,
      parent: test.parent,
      full: path(test),
      passed: passed || Boolean(skipped) || test.pending,
      error: error && String(error.message ?? error),
      name: error?.name,
      attempts: retries?.attempts,
    }),
  afterHook: (test, _context, { error, passed }, hook) =>
    !passed &&
    say('hook', { title: test?.title, parent: test?.parent, error: error && String(error.message ?? error), hook }),
};
