// The older style with the audits of the older product around each step.
describe('Betting', () => {
  before(() => {
    if (process.env.PT_AUDIT === 'allow') browser.enablePerformanceAudits({ networkThrottling: 'online' });
    browser.CoverageStart();
  });
  beforeEach(() => browser.ActivatePerformanceAudit());
  afterEach(() => browser.EvaluatePerformanceAudit());
  after(() => {
    browser.TakeCoverage('fortuna');
    browser.disablePerformanceAudits();
  });
  it('open', () => {
    browser.url('/shop.html');
    expect($('.odd')).toBeVisible();
  });
  it('bet', () => {
    $$('.odd')[1].click();
    $('#slip').waitForDisplayed();
    expect($('#odds').getText()).toBe('1.75');
    $('#stake').setValue('100');
    expect($('#win')).toHaveTextContaining('175.00');
  });
});
