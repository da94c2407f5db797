import { expect, test } from 'vitest';
import type { RequestDocument } from '../../src/services/api';
import { matches, statusClass, waterfall } from '../../src/services/waterfall';

/** What the waterfall reads of a request; the rest is left out. */
const request = (url: string, at: number, more: object = {}) =>
  ({
    requestId: url,
    sequence: at,
    url,
    uuidAction: 'a',
    request: { method: 'GET', type: 'Script', wallTime: 0, timestamp: at, headers: {} },
    response: { status: 200, statusText: 'OK', mimeType: 'text/javascript', headers: {}, timestamp: at + 0.5 },
    ...more,
  }) as unknown as RequestDocument;

test('requests stand on one time axis, in milliseconds after the first', () => {
  const { rows, total } = waterfall([request('https://shop.example/', 10), request('https://shop.example/a.js', 10.2)]);
  expect(rows.map((row) => Math.round(row.start))).toEqual([0, 200]);
  expect(Math.round(total)).toBe(700);
});

test('another site is a third party, a sub-domain is not', () => {
  const urls = [
    'https://www.shop.co.uk/',
    'https://cdn.shop.co.uk/a.js',
    'https://other.co.uk/b.js',
    'data:text/css,a',
  ];
  expect(waterfall(urls.map((url, at) => request(url, at))).rows.map((row) => row.isThird)).toEqual([
    false,
    false,
    true,
    false,
  ]);
});

test('TLS is within connect and counts once', () => {
  const har = { blocked: 0, dns: 1, connect: 10, ssl: 6, send: 0, wait: 20, receive: 3, time: 34 };
  const [row] = waterfall([request('https://a.example/', 1, { har })]).rows;
  expect(row?.phases).toEqual([
    ['dns', 1],
    ['connect', 4],
    ['ssl', 6],
    ['wait', 20],
    ['receive', 3],
  ]);
});

test('requests are found by type, host, status and text', () => {
  const { rows } = waterfall([
    request('https://a.example/x', 1),
    request('https://b.example/y', 2, { failure: 'net::ERR_FAILED' }),
  ]);
  const urls = (wanted: Parameters<typeof matches>[1]) =>
    rows.filter((row) => matches(row, wanted)).map((row) => row.host);
  expect(urls({ host: 'third parties' })).toEqual(['b.example']);
  expect(urls({ status: 'failed' })).toEqual(['b.example']);
  expect(urls({ status: '2xx' })).toEqual(['a.example']);
  expect(urls({ text: 'EXAMPLE/X' })).toEqual(['a.example']);
  expect(rows.map(statusClass)).toEqual(['2xx', 'failed']);
});
