// Node's modules that are plain JavaScript.
import 'core-js/web/url';
import 'core-js/web/url-search-params';
import 'core-js/web/structured-clone';
import { AbortController, AbortSignal } from 'abortcontroller-polyfill/dist/cjs-ponyfill';
import assert from 'assert/';
import { Buffer } from 'buffer/';
import EventEmitter from 'events/';
import * as inspection from 'node-inspect-extracted';
import path from 'path-browserify';

export { AbortController, AbortSignal, assert, Buffer, EventEmitter, inspection, path };
