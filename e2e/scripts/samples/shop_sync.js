// The older style: commands return when they are done.
const assert = require('assert');
const day = () => new Date().toISOString().slice(0, 10).replace(/-/g, '.');

const configuration = {
  patterns: [{ urlPattern: '*shop.html', resourceType: 'Document', requestStage: 'Response' }],
};
const rules = [
  ['<body', '<body data-injected="yes"'],
  ['</body>', "<script>performance.mark('HE-stop-body')</script></body>"],
];

describe('Shop, with hero elements, coverage and audits', () => {
  it('prepare', () => {
    browser.InjectHeroElements(configuration, rules);
    browser.CoverageStart();
  });
  it('open', () => {
    browser.url('/shop.html');
    browser.waitForloadEventEnd();
    assert.strictEqual($('body').getAttribute('data-injected'), 'yes');
    browser.TakeCoverage('shop');
  });
  it('audit', () => {
    browser.performAudit(browser.getUrl(), 'desktopDense4G');
  });
  it('keep a number of our own', () => {
    const products = browser.execute(() => document.querySelectorAll('.product').length);
    assert.strictEqual(products, 3);
    browser.SaveToElastic({ payload: { products, key: browser.config.secretKey.length }, indexName: `shop-${day()}` });
  });
});
