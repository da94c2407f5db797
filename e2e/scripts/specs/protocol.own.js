// The raw commands of the protocol, each once, and commands that only need to be there.
describe('raw commands', () => {
  const KEY = 'element-6066-11e4-a52e-4f735466cecf';
  const SHADOW = 'shadow-6066-11e4-a52e-4f735466cecf';
  const id = async (selector) => (await browser.findElement('css selector', selector))[KEY];
  it('open, wait and look', async () => {
    await browser.navigateTo('/form.html');
    await browser.setTimeouts(0, 20000, 10000);
    expect(await browser.getElementTagName(await id('#heading'))).toBe('h1');
    expect(await browser.getElementAttribute(await id('#user'), 'name')).toBe('user');
    expect(await browser.getElementProperty(await id('#user'), 'value')).toBe('preset');
    expect(await browser.getElementCSSValue(await id('#result'), 'width')).toBe('120px');
    expect((await browser.getElementRect(await id('#picture'))).width).toBe(20);
    expect(await browser.isElementEnabled(await id('#off'))).toBe(false);
    expect(await browser.isElementSelected(await id('#never'))).toBe(true);
    expect(await browser.isElementDisplayed(await id('#heading'))).toBe(true);
    expect(await browser.getElementComputedRole(await id('#send'))).toBe('button');
    expect(await browser.getElementComputedLabel(await id('#send'))).toBe('Send it');
    expect(await browser.getElementValue(await id('#user'))).toBe('preset');
    expect(typeof (await browser.takeElementScreenshot(await id('#heading')))).toBe('string');
    expect(await browser.isLoading()).toBe(false);
  });
  it('find below elements and roots', async () => {
    await browser.url('/form.html');
    const list = await id('#list');
    expect((await browser.findElementFromElement(list, 'css selector', '.first'))[KEY]).toBeDefined();
    expect((await browser.findElementsFromElement(list, 'css selector', 'li')).length).toBe(3);
    await browser.url('/shadow.html');
    const root = (await browser.getElementShadowRoot(await id('#closed')))[SHADOW];
    expect((await browser.findElementFromShadowRoot(root, 'css selector', '.secret'))[KEY]).toBeDefined();
    expect((await browser.findElementsFromShadowRoot(root, 'css selector', 'em')).length).toBe(1);
  });
  it('type, click and clear', async () => {
    await browser.url('/form.html');
    await browser.elementClear(await id('#user'));
    await browser.elementSendKeys(await id('#user'), 'raw');
    expect(await browser.getElementProperty(await id('#user'), 'value')).toBe('raw');
    expect((await browser.getActiveElement()).elementId).toBeDefined();
    await browser.performActions([
      {
        type: 'key',
        id: 'k',
        actions: [
          { type: 'keyDown', value: '!' },
          { type: 'keyUp', value: '!' },
        ],
      },
    ]);
    await browser.releaseActions();
    expect(await browser.getElementProperty(await id('#user'), 'value')).toBe('raw!');
  });
  it('run scripts', async () => {
    expect(await browser.executeScript('return arguments[0] + 1', [1])).toBe(2);
    expect(await browser.executeAsyncScript('arguments[1](arguments[0] * 2)', [4])).toBe(8);
  });
  it('handle windows and frames', async () => {
    const first = await browser.getWindowHandle();
    const { handle } = await browser.createWindow('tab');
    await browser.switchToWindow(handle);
    await browser.navigateTo('/frames.html');
    await browser.switchToFrame(0);
    await browser.switchToParentFrame();
    await browser.switchToFrame(null);
    await browser.maximizeWindow();
    await browser.minimizeWindow();
    await browser.fullscreenWindow();
    await browser.setWindowRect(0, 0, 1200, 900);
    await browser.closeWindow();
    await browser.switchToWindow(first);
    expect(typeof (await browser.printPage())).toBe('string');
  });
  it('handle dialogs', async () => {
    await browser.url('/dialogs.html');
    await browser.execute(() =>
      setTimeout(() => {
        window.answer = prompt('who?');
      }, 0),
    );
    await browser.waitUntil(() => browser.isAlertOpen());
    expect(await browser.getAlertText()).toBe('who?');
    await browser.sendAlertText('me');
    await browser.acceptAlert();
    expect(await browser.execute(() => window.answer)).toBe('me');
    await browser.execute(() =>
      setTimeout(() => {
        window.answer = confirm('sure?');
      }, 0),
    );
    await browser.waitUntil(() => browser.isAlertOpen());
    await browser.dismissAlert();
    expect(await browser.execute(() => window.answer)).toBe(false);
  });
  it('delete cookies', async () => {
    await browser.url('/form.html');
    await browser.addCookie({ name: 'x', value: '1' });
    await browser.deleteAllCookies();
    expect(await browser.getAllCookies()).toEqual([]);
  });
  it('of permissions, reports and sensors', async () => {
    await browser.setPermissions({ name: 'geolocation' }, 'granted');
    await browser.generateTestReport('a report');
    await browser.createMockSensor('accelerometer').catch((error) => console.log(error.message.split('\n')[0]));
    await browser.getMockSensor('accelerometer').catch((error) => console.log(error.message.split('\n')[0]));
    await browser.deleteMockSensor('accelerometer').catch((error) => console.log(error.message.split('\n')[0]));
    await browser
      .updateMockSensor('accelerometer', { x: 1, y: 1, z: 1 })
      .catch((error) => console.log(error.message.split('\n')[0]));
  });
  it('of authenticators', async () => {
    const authenticator = await browser.addVirtualAuthenticator('ctap2', 'usb', true, true);
    expect(await browser.getCredentials(authenticator)).toEqual([]);
    await browser
      .addCredential(authenticator, 'AQ', false, 'x', 'AQ')
      .catch((error) => console.log(error.message.split('\n')[0]));
    await browser.setUserVerified(authenticator, true);
    await browser.removeCredential(authenticator, 'AQ').catch((error) => console.log(error.message.split('\n')[0]));
    await browser.removeAllCredentials(authenticator);
    await browser.removeVirtualAuthenticator(authenticator);
  });
  it('of chromedriver', async () => {
    await browser.url('/form.html');
    await browser.setNetworkConditions({
      latency: 0,
      download_throughput: 1e7,
      upload_throughput: 1e7,
      offline: false,
    });
    expect((await browser.getNetworkConditions()).latency).toBe(0);
    await browser.deleteNetworkConditions();
    expect(Array.isArray(await browser.getLogTypes())).toBe(true);
    expect(Array.isArray(await browser.getLogs('browser'))).toBe(true);
    await browser.sendCommand('Page.bringToFront', {});
    expect((await browser.sendCommandAndGetResult('Runtime.evaluate', { expression: '2' })).result.value).toBe(2);
    expect(await browser.takeHeapSnapshot()).toBeDefined();
    expect(await browser.getCastSinks()).toEqual([]);
    expect(await browser.getCastIssueMessage()).not.toBe(undefined);
    const refusals = [];
    for (const refused of [
      () => browser.selectCastSink('none'),
      () => browser.startCastTabMirroring('none'),
      () => browser.stopCasting('none'),
    ])
      await refused().catch((error) => refusals.push(error.message));
    expect(refusals.length).toBeGreaterThan(0);
    await browser.elementHover(await id('#heading'));
    await browser.setTimeZone('Asia/Tokyo');
    expect(await browser.execute(() => Intl.DateTimeFormat().resolvedOptions().timeZone)).toBe('Asia/Tokyo');
    await browser.freeze();
    await browser.resume();
  });
});
describe('the rest', () => {
  it('of the browser', async () => {
    await browser.url('/form.html');
    await browser.debug();
    expect(await browser.getNodeIds('.item')).toHaveLength(3);
    await browser.throttle('online');
    await $('#file').setValue(await browser.uploadFile('./lib/data.json'));
    expect(await $('#file').getValue()).toContain('data.json');
    const mock = await browser.mock('**/api/items');
    await browser.mockClearAll();
    await browser.mockRestoreAll();
    expect(mock.calls.length).toBe(0);
    await browser.saveFullPageScreen('whole');
    expect(await $('#heading').getElement()).toBeDefined();
    await browser.throttleCPU(2);
    await browser.throttleCPU(1);
    expect(await browser.getNodeId('#heading')).toBeGreaterThan(0);
  });
  it('finds components of React', async () => {
    await browser.url('/react.html');
    expect(await browser.react$('Counter').getText()).toBe('count 1');
    expect(await browser.react$$('Item').length).toBe(2);
    expect(
      await $('#root')
        .react$('Item', { props: { name: 'two' } })
        .getText(),
    ).toBe('two');
    expect(await $('#root').react$$('Item').length).toBe(2);
  });
  it('refuses by name', async () => {
    for (const name of ['getPuppeteer', 'downloadFile', 'saveRecordingScreen', 'touchAction']) {
      let said = '';
      await browser[name]().catch((error) => {
        said = error.message;
      });
      expect(said.length).toBeGreaterThan(10);
    }
  });
});
describe('matchers beside elements', () => {
  it('of mocks', async () => {
    await browser.url('/network.html');
    const mock = await browser.mock('**/api/items');
    await browser.execute(() => window.ask('/api/items'));
    await expect(mock).toBeRequested();
    await expect(mock).toBeRequestedTimes(1);
    await expect(mock).toBeRequestedWith({ method: 'GET' });
    await expect(mock)
      .toBeRequestedWithResponse(expect.anything(), { wait: 100 })
      .catch(() => {});
    await mock.restore();
  });
  it('of storage and clipboard', async () => {
    await browser.url('/form.html');
    await browser.execute(() => localStorage.setItem('k', 'v'));
    await expect(browser).toHaveLocalStorageItem('k', 'v');
  });
  it('of attributes by their older name', async () => {
    await browser.url('/form.html');
    await expect($('#user')).toHaveAttributeAndValue('name', 'user');
  });
});
