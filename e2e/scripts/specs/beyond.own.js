// What WebdriverIO 9 lacks, or does otherwise: version 7's commands and matchers, mocha's callbacks, order without await.
describe('mocks', () => {
  beforeEach(async () => {
    await browser.url('/network.html');
  });
  const ask = async (path, options) => {
    await browser.execute((where, how) => window.ask(where, how), path, options ?? {});
    return $('#answer').getText();
  };
  it('match by method', async () => {
    const mock = await browser.mock('**/api/echo', { method: 'POST' });
    mock.respond('posted');
    await browser.pause(100);
    expect(await ask('/api/echo', { method: 'POST', body: 'x' })).toBe('200 posted');
    expect(await ask('/api/echo')).toContain('"GET"');
  });
  it('work an answer out of the server’s', async () => {
    const mock = await browser.mock('**/api/items');
    mock.respond(async (call) => ({ ...call.body[0], status: call.statusCode }), { fetchResponse: true });
    await browser.pause(100);
    expect(await ask('/api/items')).toBe('200 {"id":1,"name":"one","status":200}');
    await mock.restore();
  });
  it('change a request as a function says', async () => {
    const mock = await browser.mock('**/api/echo');
    mock.requestOnce({ headers: (call) => ({ 'x-was': call.method }) });
    await browser.pause(100);
    expect(await ask('/api/echo')).toContain('"x-was":"GET"');
    expect(await ask('/api/echo')).not.toContain('x-was');
    await mock.restore();
  });
});
describe('tools', () => {
  it('speaks the protocol of the tools', async () => {
    await browser.url('/form.html');
    const { result } = await browser.cdp('Runtime', 'evaluate', { expression: '1 + 1' });
    expect(result.value).toBe(2);
  });
  it('slows the network by a preset', async () => {
    await browser.throttleNetwork('Regular4G');
    await browser.throttleNetwork('online');
  });
  it('keeps its configuration', () => {
    expect(browser.config.baseUrl).toBe(process.env.BASE_URL);
    expect(browser.config.waitforTimeout).toBe(1000);
  });
});
describe('mocha', () => {
  it('calls back', (done) => {
    setTimeout(() => {
      console.log('done');
      done();
    }, 20);
  });
  it('skips itself', function () {
    this.skip();
    throw new Error('never');
  });
});
describe('order of what is not awaited', () => {
  it('is that of the lines', async () => {
    await browser.url('/form.html');
    $('#user').setValue('first');
    $('#user').addValue(' second');
    expect(await $('#user').getValue()).toBe('first second');
  });
});

describe('matchers of version 7', () => {
  beforeEach(async () => {
    await browser.url('/form.html');
  });
  it('hold', async () => {
    await expect($('#heading')).toHaveTextContaining('Sign');
    await expect(browser).toHaveTitleContaining('For');
    await expect(browser).toHaveUrlContaining('/form');
    await expect($('#heading')).toBeVisible();
    await expect($('#heading')).toBeVisibleInViewport();
    await expect($('#user')).toHaveValueContaining('pre');
    await expect($('#next')).toHaveHrefContaining('list');
    await expect($('#next')).toHaveLinkContaining('list');
    await expect($('h1')).toHaveIdContaining('head');
    await expect($('#heading')).toHaveElementClassContaining('tit');
    await expect($('#user')).toHaveAttributeContaining('placeholder', 'name');
    await expect($('#user')).toHaveAttrContaining('placeholder', 'name');
    await expect($('#user')).toHaveElementPropertyContaining('value', 'set');
    await expect($('#heading')).toHaveClass('title');
    await expect($('#heading')).not.toHaveTextContaining('Sign out');
  });
  it('fail', async () => {
    let failed = '';
    await expect($('#heading'))
      .toHaveTextContaining('out', { wait: 100 })
      .catch((error) => {
        failed = error.message.split('\n')[0];
      });
    expect(failed).toContain('Expect $(`#heading`) to have text');
  });
});
describe('chai', () => {
  it('in the same expect', async () => {
    expect(true).to.be.true;
    expect([1, 2]).to.include(2);
    expect({ a: 1 }).to.deep.equal({ a: 1 });
    expect('text').to.have.lengthOf(4);
    expect(() => {
      throw new Error('x');
    }).to.throw('x');
    expect(5).to.be.above(4).and.below(6);
    expect(null).to.not.exist;
    expect(1).not.to.equal(2);
    let failed = '';
    try {
      expect(1).to.equal(2);
    } catch (error) {
      failed = error.message;
    }
    expect(failed).to.equal('expected 1 to equal 2');
  });
  it('should and assert', () => {
    chai.should();
    'a'.should.equal('a');
    chai.assert.equal(1, 1);
  });
  it('is imported', async () => {
    const { expect: said, assert } = await import('chai');
    said(1).to.equal(1);
    assert.ok(true);
  });
});
describe('storage of version 7', () => {
  it('is written and read', async () => {
    await browser.url('/form.html');
    await browser.setLocalStorage('a', '1');
    expect(await browser.getLocalStorageItem('a')).toBe('1');
    expect(await browser.getLocalStorageSize()).toBe(1);
    await browser.deleteLocalStorageItem('a');
    await browser.setSessionStorage('b', '2');
    expect(await browser.getSessionStorageItem('b')).toBe('2');
    await browser.clearSessionStorage();
  });
});
describe('older forms', () => {
  beforeEach(async () => {
    await browser.url('/later.html');
  });
  it('wait by position', async () => {
    expect(await $('#added').waitForExist(undefined, false, 'it did not come')).toBe(true);
  });
  it('say so by position', async () => {
    let said = '';
    await $('#never')
      .waitForExist(100, false, 'it did not come')
      .catch((error) => {
        said = error.message;
      });
    expect(said).toBe('it did not come');
  });
  it('see', async () => {
    expect(await $('h1').isVisible()).toBe(true);
    expect(await $('#hidden').waitForVisible()).toBe(true);
  });
});
describe('commands of the product', () => {
  it('do nothing when they are off', async () => {
    await browser.enablePerformanceAudits();
    await browser.ActivatePerformanceAudit();
    await browser.EvaluatePerformanceAudit();
    await browser.disablePerformanceAudits();
    await browser.performAudit('http://x/', 'desktopDense4G');
    await browser.CoverageStart();
    await browser.TakeCoverage('x');
    await browser.SaveToElastic({ payload: { a: 1 }, indexName: 'x' });
    await browser.InjectHeroElements({ patterns: [] }, []);
  });
  it('wait for the page', async () => {
    await browser.url('/form.html');
    await browser.waitForloadEventEnd();
    browser.execute(() => setTimeout(() => performance.mark('later'), 200));
    await browser.waitOnIncreaseEntries({ timeout: 2000 });
    let heard = 0;
    browser.once('own', () => {
      heard += 1;
    });
    browser.emit('own');
    browser.emit('own');
    browser.off('own', () => {});
    expect(heard).toBe(1);
  });
});
