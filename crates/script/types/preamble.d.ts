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
