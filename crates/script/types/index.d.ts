// Made by `cargo xtask script-api` of `crates/script/api.json` and `crates/script/types/preamble.d.ts`; do not edit.
type Selector = string | Element | ChainableElement | (() => any);
type EmulationScope =
  | 'geolocation'
  | 'userAgent'
  | 'colorScheme'
  | 'onLine'
  | 'device'
  | 'clock'
  | 'offline'
  | 'timezone'
  | 'locale'
  | 'media'
  | 'network'
  | 'cpu';
type ThrottlePreset =
  | 'offline'
  | 'GPRS'
  | 'Regular2G'
  | 'Good2G'
  | 'Regular3G'
  | 'Good3G'
  | 'Regular4G'
  | 'DSL'
  | 'WiFi'
  | 'online';
interface WaitOptions {
  timeout?: number;
  interval?: number;
  timeoutMsg?: string;
}
interface Cookie {
  name: string;
  value: string;
  domain?: string;
  path?: string;
  expiry?: number;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: string;
}
interface MockFilter {
  method?: string;
  requestHeaders?: Record<string, string>;
  responseHeaders?: Record<string, string>;
  statusCode?: number;
  postData?: string;
}
/** A value, or what a function of the call answers. */
type Worked<T> = T | ((call: any) => T | Promise<T>);
interface MockResponse {
  statusCode?: Worked<number>;
  headers?: Worked<Record<string, string>>;
  fetchResponse?: boolean;
}
interface MockRequest {
  url?: Worked<string>;
  method?: Worked<string>;
  headers?: Worked<Record<string, string>>;
  body?: any;
}
interface Mock {
  calls: any[];
  abort(reason?: string): Promise<void>;
  abortOnce(reason?: string): Promise<void>;
  respond(body: any, options?: MockResponse): Promise<void>;
  respondOnce(body: any, options?: MockResponse): Promise<void>;
  request(overwrite: MockRequest): Promise<void>;
  requestOnce(overwrite: MockRequest): Promise<void>;
  redirect(url: string): Promise<void>;
  clear(): Promise<void>;
  restore(): Promise<void>;
  waitForResponse(options?: WaitOptions): Promise<boolean>;
}
interface ActionSequence {
  perform(skipRelease?: boolean): Promise<void>;
  [step: string]: (...args: any[]) => any;
}
interface Element extends ElementCommands {
  elementId: string;
  selector: any;
  parent: Element | Browser;
  /** A command that a script added. */
  [name: string]: any;
}
interface ChainableElement extends ElementCommands, PromiseLike<Element> {
  [name: string]: any;
}
interface ChainableElements extends PromiseLike<Element[]>, AsyncIterable<Element> {
  length: Promise<number>;
  [index: number]: ChainableElement;
  map<T>(callback: (element: Element, index: number) => T | Promise<T>): Promise<T[]>;
  filter(callback: (element: Element, index: number) => boolean | Promise<boolean>): Promise<Element[]>;
  find(callback: (element: Element, index: number) => boolean | Promise<boolean>): Promise<Element | undefined>;
  forEach(callback: (element: Element, index: number) => any): Promise<void>;
  [name: string]: any;
}
/** A request of a page, with its response when it is known. */
interface NavigationRequest {
  url: string;
  headers: Record<string, string>;
  /** Epoch milliseconds. */
  timestamp: number;
  navigation?: string;
  redirectChain?: string[];
  children?: NavigationRequest[];
  response?: { fromCache: boolean; headers: Record<string, string>; mimeType: string; status: number };
  error?: string;
}

interface Browser extends BrowserCommands {
  config: Record<string, any>;
  options: Record<string, any>;
  capabilities: Record<string, any>;
  sessionId: string;
  /** A command that a script added. */
  [name: string]: any;
}
interface Expect {
  (actual: any): Matchers;
  soft(actual: any): Matchers;
  not: Expect;
  any(type: any): any;
  anything(): any;
  arrayContaining(items: any[]): any;
  objectContaining(members: object): any;
  stringContaining(text: string): any;
  stringMatching(pattern: string | RegExp): any;
  extend(matchers: object): void;
}
interface MochaContext {
  timeout(milliseconds: number | string): this;
  retries(count: number): this;
  slow(milliseconds: number): this;
  skip(): never;
  test: any;
  currentTest: any;
  [name: string]: any;
}
type MochaBody = ((this: MochaContext) => any) | ((this: MochaContext, done: (error?: any) => void) => void);
interface MochaTest {
  (title: string, body?: MochaBody): any;
  only(title: string, body?: MochaBody): any;
  skip(title: string, body?: MochaBody): any;
}
declare const describe: MochaTest;
declare const context: MochaTest;
declare const it: MochaTest;
declare const specify: MochaTest;
declare const xdescribe: MochaTest;
declare const xit: MochaTest;
declare function before(body: MochaBody): void;
declare function before(title: string, body: MochaBody): void;
declare function after(body: MochaBody): void;
declare function after(title: string, body: MochaBody): void;
declare function beforeEach(body: MochaBody): void;
declare function beforeEach(title: string, body: MochaBody): void;
declare function afterEach(body: MochaBody): void;
declare function afterEach(title: string, body: MochaBody): void;
declare const browser: Browser;
declare const driver: Browser;
declare function $(selector: Selector): ChainableElement;
declare function $$(selector: Selector): ChainableElements;
declare const expect: Expect;
declare module '@wdio/globals' {
  export { browser, driver, $, $$, expect };
}

interface BrowserCommands {
  $$(selector: Selector): ChainableElements;
  $(selector: Selector): ChainableElement;
  action(type: 'key' | 'pointer' | 'wheel', options?: object): ActionSequence;
  actions(sequences: ActionSequence[]): Promise<void>;
  addInitScript(script: (...args: any[]) => void, ...args: any[]): Promise<{ remove(): Promise<void> }>;
  call<T>(callback: () => T | Promise<T>): Promise<T>;
  custom$$(strategy: string, ...args: any[]): ChainableElements;
  custom$(strategy: string, ...args: any[]): ChainableElement;
  /** there is no terminal in a run: it prints a line and goes on */
  debug(): Promise<void>;
  deleteCookies(filter?: string | string[] | object): Promise<void>;
  /** refuses as WebdriverIO does without Selenium Grid */
  downloadFile(name: string, folder: string): Promise<any>;
  /** more scopes than WebdriverIO has: offline, timezone, locale, media, network, cpu */
  emulate(scope: EmulationScope, options?: any): Promise<any>;
  execute<T>(script: string | ((...args: any[]) => T), ...args: any[]): Promise<Awaited<T>>;
  executeAsync(script: string | ((...args: any[]) => void), ...args: any[]): Promise<any>;
  getCookies(filter?: string | string[] | object): Promise<Cookie[]>;
  getWindowSize(): Promise<{ width: number; height: number }>;
  keys(value: string | string[]): Promise<void>;
  mock(url: string | RegExp, filter?: MockFilter): Promise<Mock>;
  mockClearAll(): Promise<void>;
  mockRestoreAll(): Promise<void>;
  newWindow(url: string, options?: { type?: 'tab' | 'window'; windowName?: string; windowFeatures?: string }): Promise<{ handle: string; type: string }>;
  pause(milliseconds?: number): Promise<void>;
  react$$(component: string, options?: { props?: object; state?: any }): ChainableElements;
  react$(component: string, options?: { props?: object; state?: any }): ChainableElement;
  reloadSession(newCapabilities?: object): Promise<string>;
  restore(scopes?: EmulationScope | EmulationScope[]): Promise<void>;
  savePDF(path: string, options?: object): Promise<Uint8Array>;
  saveScreenshot(path: string, options?: { format?: 'png' | 'jpeg' | 'jpg'; fullPage?: boolean; quality?: number; clip?: object }): Promise<Uint8Array>;
  scroll(x?: number, y?: number): Promise<void>;
  setCookies(cookies: Cookie | Cookie[]): Promise<void>;
  setTimeout(timeouts: { implicit?: number; pageLoad?: number; script?: number }): Promise<void>;
  setViewport(size: { width: number; height: number; devicePixelRatio?: number }): Promise<void>;
  setWindowSize(width: number, height: number): Promise<void>;
  switchWindow(matcher: string | RegExp): Promise<string>;
  switchFrame(context: string | number | null | Element | ChainableElement | (() => boolean)): Promise<string | void>;
  throttle(conditions: ThrottlePreset | object): Promise<void>;
  throttleCPU(factor: number): Promise<void>;
  throttleNetwork(conditions: ThrottlePreset | object): Promise<void>;
  /** answers the path of a file of the repository; the browser is on the same machine */
  uploadFile(path: string): Promise<string>;
  url(path: string, options?: { headers?: Record<string, string>; auth?: { user: string; pass: string }; wait?: 'none' | 'interactive' | 'complete' | 'networkIdle'; timeout?: number; onBeforeLoad?: () => void }): Promise<NavigationRequest | undefined>;
  waitUntil<T>(condition: () => T | Promise<T>, options?: WaitOptions): Promise<T>;
  addCommand(name: string, command: (...args: any[]) => any, forElement?: boolean | object): void;
  overwriteCommand(name: string, command: (original: (...args: any[]) => any, ...args: any[]) => any, forElement?: boolean | object): void;
  addLocatorStrategy(name: string, locate: (...args: any[]) => any): void;
  /** dialogs, `command`, `result` and the events of BiDi that were subscribed to; dialogs are told between two commands */
  on(event: string, listener: (...args: any[]) => void): Browser;
  /** dialogs, `command`, `result` and the events of BiDi that were subscribed to; dialogs are told between two commands */
  once(event: string, listener: (...args: any[]) => void): Browser;
  off(event: string, listener: (...args: any[]) => void): Browser;
  emit(event: string, ...args: any[]): boolean;
  removeAllListeners(event?: string): Browser;
  cdp(domain: string, command: string, parameters?: object): Promise<any>;
  getNodeId(selector: string): Promise<number>;
  getNodeIds(selector: string): Promise<number[]>;
  saveFullPageScreen(name: string): Promise<Uint8Array>;
  getLocalStorageItem(key: string): Promise<string | null>;
  setLocalStorage(key: string, value: string): Promise<void>;
  getLocalStorageSize(): Promise<number>;
  deleteLocalStorageItem(key: string): Promise<void>;
  setSessionStorage(key: string, value: string): Promise<void>;
  getSessionStorageItem(key: string): Promise<string | null>;
  clearSessionStorage(): Promise<void>;
  /** off: prints a line; on (`PT_AUDIT=allow`): refuses until the audit is there */
  performAudit(url: string, formFactor?: string): Promise<void>;
  waitForloadEventEnd(): Promise<number>;
  waitOnIncreaseEntries(options?: WaitOptions): Promise<void>;
  CoverageStart(): Promise<void>;
  TakeCoverage(filter?: string): Promise<void>;
  InjectHeroElements(configuration: { patterns: object[] }, rules: [string, string][]): Promise<void>;
  SaveToElastic(settings: { payload: any; indexName: string }): Promise<void>;
  /** off: prints a line; on (`PT_AUDIT=allow`): refuses until the audit is there */
  enablePerformanceAudits(options?: object): Promise<void>;
  /** off: prints a line; on (`PT_AUDIT=allow`): refuses until the audit is there */
  ActivatePerformanceAudit(options?: object): Promise<void>;
  /** off: prints a line; on (`PT_AUDIT=allow`): refuses until the audit is there */
  EvaluatePerformanceAudit(): Promise<void>;
  /** off: prints a line; on (`PT_AUDIT=allow`): refuses until the audit is there */
  disablePerformanceAudits(): Promise<void>;
  deleteSession(options?: object): Promise<void>;
  status(...args: any[]): Promise<any>;
  getTimeouts(...args: any[]): Promise<any>;
  setTimeouts(...args: any[]): Promise<any>;
  getUrl(...args: any[]): Promise<any>;
  navigateTo(...args: any[]): Promise<any>;
  back(...args: any[]): Promise<any>;
  forward(...args: any[]): Promise<any>;
  refresh(...args: any[]): Promise<any>;
  getTitle(...args: any[]): Promise<any>;
  getWindowHandle(...args: any[]): Promise<any>;
  closeWindow(...args: any[]): Promise<any>;
  switchToWindow(...args: any[]): Promise<any>;
  createWindow(...args: any[]): Promise<any>;
  getWindowHandles(...args: any[]): Promise<any>;
  printPage(...args: any[]): Promise<any>;
  switchToFrame(...args: any[]): Promise<any>;
  switchToParentFrame(...args: any[]): Promise<any>;
  getWindowRect(...args: any[]): Promise<any>;
  setWindowRect(...args: any[]): Promise<any>;
  maximizeWindow(...args: any[]): Promise<any>;
  minimizeWindow(...args: any[]): Promise<any>;
  fullscreenWindow(...args: any[]): Promise<any>;
  findElement(...args: any[]): Promise<any>;
  findElementFromShadowRoot(...args: any[]): Promise<any>;
  findElements(...args: any[]): Promise<any>;
  findElementsFromShadowRoot(...args: any[]): Promise<any>;
  findElementFromElement(...args: any[]): Promise<any>;
  findElementsFromElement(...args: any[]): Promise<any>;
  getElementShadowRoot(...args: any[]): Promise<any>;
  getActiveElement(...args: any[]): Promise<any>;
  isElementSelected(...args: any[]): Promise<any>;
  isElementDisplayed(...args: any[]): Promise<any>;
  getElementAttribute(...args: any[]): Promise<any>;
  getElementProperty(...args: any[]): Promise<any>;
  getElementCSSValue(...args: any[]): Promise<any>;
  getElementText(...args: any[]): Promise<any>;
  getElementTagName(...args: any[]): Promise<any>;
  getElementRect(...args: any[]): Promise<any>;
  isElementEnabled(...args: any[]): Promise<any>;
  elementClick(...args: any[]): Promise<any>;
  elementClear(...args: any[]): Promise<any>;
  elementSendKeys(...args: any[]): Promise<any>;
  getPageSource(...args: any[]): Promise<any>;
  executeScript(...args: any[]): Promise<any>;
  executeAsyncScript(...args: any[]): Promise<any>;
  getAllCookies(...args: any[]): Promise<any>;
  addCookie(...args: any[]): Promise<any>;
  deleteAllCookies(...args: any[]): Promise<any>;
  getNamedCookie(...args: any[]): Promise<any>;
  deleteCookie(...args: any[]): Promise<any>;
  performActions(...args: any[]): Promise<any>;
  releaseActions(...args: any[]): Promise<any>;
  dismissAlert(...args: any[]): Promise<any>;
  acceptAlert(...args: any[]): Promise<any>;
  getAlertText(...args: any[]): Promise<any>;
  sendAlertText(...args: any[]): Promise<any>;
  takeScreenshot(...args: any[]): Promise<any>;
  takeElementScreenshot(...args: any[]): Promise<any>;
  getElementComputedRole(...args: any[]): Promise<any>;
  getElementComputedLabel(...args: any[]): Promise<any>;
  setPermissions(...args: any[]): Promise<any>;
  generateTestReport(...args: any[]): Promise<any>;
  createMockSensor(...args: any[]): Promise<any>;
  getMockSensor(...args: any[]): Promise<any>;
  updateMockSensor(...args: any[]): Promise<any>;
  deleteMockSensor(...args: any[]): Promise<any>;
  setTimeZone(...args: any[]): Promise<any>;
  addVirtualAuthenticator(...args: any[]): Promise<any>;
  removeVirtualAuthenticator(...args: any[]): Promise<any>;
  addCredential(...args: any[]): Promise<any>;
  getCredentials(...args: any[]): Promise<any>;
  removeAllCredentials(...args: any[]): Promise<any>;
  removeCredential(...args: any[]): Promise<any>;
  setUserVerified(...args: any[]): Promise<any>;
  isAlertOpen(...args: any[]): Promise<any>;
  /** chromedriver 156 refuses it, as with WebdriverIO */
  isAutoReporting(): Promise<any>;
  /** chromedriver 156 refuses it, as with WebdriverIO */
  setAutoReporting(enabled: boolean): Promise<any>;
  isLoading(...args: any[]): Promise<any>;
  takeHeapSnapshot(...args: any[]): Promise<any>;
  /** refused unless the device is emulated with one, as with WebdriverIO */
  getNetworkConnection(): Promise<any>;
  /** refused unless the device is emulated with one, as with WebdriverIO */
  setNetworkConnection(parameters: object): Promise<any>;
  getNetworkConditions(...args: any[]): Promise<any>;
  setNetworkConditions(...args: any[]): Promise<any>;
  deleteNetworkConditions(...args: any[]): Promise<any>;
  sendCommand(...args: any[]): Promise<any>;
  sendCommandAndGetResult(...args: any[]): Promise<any>;
  file(file: string): Promise<string>;
  /** chromedriver 156 refuses it, as with WebdriverIO */
  launchChromeApp(id: string): Promise<any>;
  getElementValue(...args: any[]): Promise<any>;
  elementHover(...args: any[]): Promise<any>;
  /** chromedriver 156 refuses it, as with WebdriverIO */
  touchPinch(x: number, y: number, scale: number): Promise<any>;
  freeze(...args: any[]): Promise<any>;
  resume(...args: any[]): Promise<any>;
  getCastSinks(...args: any[]): Promise<any>;
  selectCastSink(...args: any[]): Promise<any>;
  startCastTabMirroring(...args: any[]): Promise<any>;
  getCastIssueMessage(...args: any[]): Promise<any>;
  stopCasting(...args: any[]): Promise<any>;
  getLogTypes(...args: any[]): Promise<any>;
  getLogs(...args: any[]): Promise<any>;
  send(frame: { method: string; params: object }): Promise<any>;
  sendAsync(params: object): Promise<any>;
  sessionStatus(params: object): Promise<any>;
  sessionNew(params: object): Promise<any>;
  sessionEnd(params: object): Promise<any>;
  sessionSubscribe(params: object): Promise<any>;
  sessionUnsubscribe(params: object): Promise<any>;
  browserClose(params: object): Promise<any>;
  browserCreateUserContext(params: object): Promise<any>;
  browserGetClientWindows(params: object): Promise<any>;
  browserGetUserContexts(params: object): Promise<any>;
  browserRemoveUserContext(params: object): Promise<any>;
  browserSetClientWindowState(params: object): Promise<any>;
  browserSetDownloadBehavior(params: object): Promise<any>;
  browsingContextActivate(params: object): Promise<any>;
  browsingContextCaptureScreenshot(params: object): Promise<any>;
  browsingContextClose(params: object): Promise<any>;
  browsingContextCreate(params: object): Promise<any>;
  browsingContextGetTree(params: object): Promise<any>;
  browsingContextHandleUserPrompt(params: object): Promise<any>;
  browsingContextLocateNodes(params: object): Promise<any>;
  browsingContextNavigate(params: object): Promise<any>;
  browsingContextPrint(params: object): Promise<any>;
  browsingContextReload(params: object): Promise<any>;
  browsingContextSetBypassCsp(params: object): Promise<any>;
  browsingContextSetViewport(params: object): Promise<any>;
  browsingContextStartScreencast(params: object): Promise<any>;
  browsingContextStopScreencast(params: object): Promise<any>;
  browsingContextTraverseHistory(params: object): Promise<any>;
  emulationSetForcedColorsModeThemeOverride(params: object): Promise<any>;
  emulationSetGeolocationOverride(params: object): Promise<any>;
  emulationSetLocaleOverride(params: object): Promise<any>;
  emulationSetNetworkConditions(params: object): Promise<any>;
  emulationSetScreenSettingsOverride(params: object): Promise<any>;
  emulationSetScreenOrientationOverride(params: object): Promise<any>;
  emulationSetUserAgentOverride(params: object): Promise<any>;
  emulationSetScriptingEnabled(params: object): Promise<any>;
  emulationSetScrollbarTypeOverride(params: object): Promise<any>;
  emulationSetTimezoneOverride(params: object): Promise<any>;
  emulationSetTouchOverride(params: object): Promise<any>;
  networkAddDataCollector(params: object): Promise<any>;
  networkAddIntercept(params: object): Promise<any>;
  networkContinueRequest(params: object): Promise<any>;
  networkContinueResponse(params: object): Promise<any>;
  networkContinueWithAuth(params: object): Promise<any>;
  networkDisownData(params: object): Promise<any>;
  networkFailRequest(params: object): Promise<any>;
  networkGetData(params: object): Promise<any>;
  networkProvideResponse(params: object): Promise<any>;
  networkRemoveDataCollector(params: object): Promise<any>;
  networkRemoveIntercept(params: object): Promise<any>;
  networkSetCacheBehavior(params: object): Promise<any>;
  networkSetExtraHeaders(params: object): Promise<any>;
  scriptAddPreloadScript(params: object): Promise<any>;
  scriptDisown(params: object): Promise<any>;
  scriptCallFunction(params: object): Promise<any>;
  scriptEvaluate(params: object): Promise<any>;
  scriptGetRealms(params: object): Promise<any>;
  scriptRemovePreloadScript(params: object): Promise<any>;
  storageGetCookies(params: object): Promise<any>;
  storageSetCookie(params: object): Promise<any>;
  storageDeleteCookies(params: object): Promise<any>;
  inputPerformActions(params: object): Promise<any>;
  inputReleaseActions(params: object): Promise<any>;
  inputSetFiles(params: object): Promise<any>;
  webExtensionInstall(params: object): Promise<any>;
  webExtensionUninstall(params: object): Promise<any>;
}

interface ElementCommands {
  $$(selector: Selector): ChainableElements;
  $(selector: Selector): ChainableElement;
  addValue(value: string | number): Promise<void>;
  clearValue(): Promise<void>;
  click(options?: { button?: number | 'left' | 'middle' | 'right'; x?: number; y?: number; skipRelease?: boolean; duration?: number }): Promise<void>;
  custom$$(strategy: string, ...args: any[]): ChainableElements;
  custom$(strategy: string, ...args: any[]): ChainableElement;
  doubleClick(): Promise<void>;
  dragAndDrop(target: Element | ChainableElement | { x: number; y: number }, options?: { duration?: number }): Promise<void>;
  execute(script: string | ((...args: any[]) => any), ...args: any[]): Promise<any>;
  executeAsync(script: string | ((...args: any[]) => void), ...args: any[]): Promise<any>;
  getAttribute(name: string): Promise<string | null>;
  getCSSProperty(name: string, pseudo?: string): Promise<{ property: string; value: any; parsed?: any }>;
  getComputedRole(): Promise<string>;
  getComputedLabel(): Promise<string>;
  getElement(): Promise<Element>;
  getLocation(axis?: 'x' | 'y'): Promise<any>;
  getProperty(name: string): Promise<any>;
  getSize(dimension?: 'width' | 'height'): Promise<any>;
  getTagName(): Promise<string>;
  getText(): Promise<string>;
  getValue(): Promise<string>;
  isClickable(): Promise<boolean>;
  isDisplayed(options?: { withinViewport?: boolean; contentVisibilityAuto?: boolean; opacityProperty?: boolean; visibilityProperty?: boolean }): Promise<boolean>;
  isEnabled(): Promise<boolean>;
  isEqual(other: Element | ChainableElement): Promise<boolean>;
  isExisting(): Promise<boolean>;
  isFocused(): Promise<boolean>;
  isSelected(): Promise<boolean>;
  isStable(): Promise<boolean>;
  moveTo(options?: { xOffset?: number; yOffset?: number }): Promise<void>;
  nextElement(): ChainableElement;
  parentElement(): ChainableElement;
  previousElement(): ChainableElement;
  react$$(component: string, options?: { props?: object; state?: any }): ChainableElements;
  react$(component: string, options?: { props?: object; state?: any }): ChainableElement;
  saveScreenshot(path: string): Promise<Uint8Array>;
  scrollIntoView(options?: boolean | ScrollIntoViewOptions): Promise<void>;
  selectByAttribute(attribute: string, value: string | number): Promise<void>;
  selectByIndex(index: number): Promise<void>;
  selectByVisibleText(text: string | number): Promise<void>;
  setValue(value: string | number): Promise<void>;
  shadow$$(selector: string): ChainableElements;
  shadow$(selector: string): ChainableElement;
  waitForClickable(options?: WaitOptions & { reverse?: boolean; withinViewport?: boolean }): Promise<true>;
  waitForDisplayed(options?: WaitOptions & { reverse?: boolean; withinViewport?: boolean }): Promise<true>;
  waitForEnabled(options?: WaitOptions & { reverse?: boolean; withinViewport?: boolean }): Promise<true>;
  waitForExist(options?: WaitOptions & { reverse?: boolean; withinViewport?: boolean }): Promise<true>;
  waitForStable(options?: WaitOptions & { reverse?: boolean; withinViewport?: boolean }): Promise<void>;
  waitUntil<T>(condition: () => T | Promise<T>, options?: WaitOptions): Promise<T>;
  isVisible(): Promise<boolean>;
  waitForVisible(options?: WaitOptions): Promise<true>;
}

interface Matchers {
  not: Matchers;
  resolves: Matchers;
  rejects: Matchers;
  /** chai's words */
  to: any;
  toBeChecked(...args: any[]): Promise<void>;
  toBeClickable(...args: any[]): Promise<void>;
  toBeDisabled(...args: any[]): Promise<void>;
  toBeDisplayed(...args: any[]): Promise<void>;
  toBeDisplayedInViewport(...args: any[]): Promise<void>;
  toBeElementsArrayOfSize(...args: any[]): Promise<void>;
  toBeEnabled(...args: any[]): Promise<void>;
  toBeExisting(...args: any[]): Promise<void>;
  toBeFocused(...args: any[]): Promise<void>;
  toBePresent(...args: any[]): Promise<void>;
  toBeRequested(...args: any[]): Promise<void>;
  toBeRequestedTimes(...args: any[]): Promise<void>;
  toBeRequestedWith(...args: any[]): Promise<void>;
  toBeRequestedWithResponse(...args: any[]): Promise<void>;
  toBeSelected(...args: any[]): Promise<void>;
  toExist(...args: any[]): Promise<void>;
  toHaveAttr(...args: any[]): Promise<void>;
  toHaveAttribute(...args: any[]): Promise<void>;
  toHaveAttributeAndValue(...args: any[]): Promise<void>;
  toHaveChildren(...args: any[]): Promise<void>;
  toHaveClass(...args: any[]): Promise<void>;
  toHaveClipboardText(...args: any[]): Promise<void>;
  toHaveComputedLabel(...args: any[]): Promise<void>;
  toHaveComputedRole(...args: any[]): Promise<void>;
  toHaveElementClass(...args: any[]): Promise<void>;
  toHaveElementProperty(...args: any[]): Promise<void>;
  toHaveHTML(...args: any[]): Promise<void>;
  toHaveHeight(...args: any[]): Promise<void>;
  toHaveHref(...args: any[]): Promise<void>;
  toHaveId(...args: any[]): Promise<void>;
  toHaveLink(...args: any[]): Promise<void>;
  toHaveLocalStorageItem(...args: any[]): Promise<void>;
  toHaveSize(...args: any[]): Promise<void>;
  toHaveStyle(...args: any[]): Promise<void>;
  toHaveText(...args: any[]): Promise<void>;
  toHaveTitle(...args: any[]): Promise<void>;
  toHaveUrl(...args: any[]): Promise<void>;
  toHaveValue(...args: any[]): Promise<void>;
  toHaveWidth(...args: any[]): Promise<void>;
  toHaveTextContaining(...args: any[]): Promise<void>;
  toHaveTitleContaining(...args: any[]): Promise<void>;
  toHaveUrlContaining(...args: any[]): Promise<void>;
  toHaveValueContaining(...args: any[]): Promise<void>;
  toHaveHrefContaining(...args: any[]): Promise<void>;
  toHaveLinkContaining(...args: any[]): Promise<void>;
  toHaveIdContaining(...args: any[]): Promise<void>;
  toHaveElementClassContaining(...args: any[]): Promise<void>;
  toHaveAttributeContaining(...args: any[]): Promise<void>;
  toHaveAttrContaining(...args: any[]): Promise<void>;
  toHaveElementPropertyContaining(...args: any[]): Promise<void>;
  toBeVisible(...args: any[]): Promise<void>;
  toBeVisibleInViewport(...args: any[]): Promise<void>;
  toBe(...args: any[]): void;
  toEqual(...args: any[]): void;
  toStrictEqual(...args: any[]): void;
  toContain(...args: any[]): void;
  toContainEqual(...args: any[]): void;
  toHaveLength(...args: any[]): void;
  toMatch(...args: any[]): void;
  toMatchObject(...args: any[]): void;
  toBeNull(...args: any[]): void;
  toBeUndefined(...args: any[]): void;
  toBeDefined(...args: any[]): void;
  toBeTruthy(...args: any[]): void;
  toBeFalsy(...args: any[]): void;
  toBeNaN(...args: any[]): void;
  toBeGreaterThan(...args: any[]): void;
  toBeGreaterThanOrEqual(...args: any[]): void;
  toBeLessThan(...args: any[]): void;
  toBeLessThanOrEqual(...args: any[]): void;
  toBeCloseTo(...args: any[]): void;
  toBeInstanceOf(...args: any[]): void;
  toHaveProperty(...args: any[]): void;
  toThrow(...args: any[]): void;
}
