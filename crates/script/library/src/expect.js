export { expect, matchers, SoftAssertService, setOptions } from 'expect-webdriverio';
