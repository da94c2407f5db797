import { expect, test } from 'vitest';
import { interval, isRange, rangeLabel, resolve } from '../../src/services/time';

const NOW = Date.UTC(2026, 10, 26, 2, 30, 45, 500);
const iso = (text: string) => {
  const at = resolve(text, NOW);
  return at === undefined ? undefined : new Date(at).toISOString();
};

test('date math means what Elasticsearch means by it', () => {
  expect(iso('now')).toBe('2026-11-26T02:30:45.500Z');
  expect(iso('now-24h/h')).toBe('2026-11-25T02:00:00.000Z');
  expect(iso('now/d')).toBe('2026-11-26T00:00:00.000Z');
  expect(iso('now-1M/M')).toBe('2026-10-01T00:00:00.000Z');
  expect(iso('now/w')).toBe('2026-11-23T00:00:00.000Z');
  expect(iso('now-1y+2d')).toBe('2025-11-28T02:30:45.500Z');
  expect(iso('2026-11-26T08:00:00+01:00')).toBe('2026-11-26T07:00:00.000Z');
});

test('what is no time is none', () => {
  for (const text of ['', 'yesterday', 'now-', 'now-3x', 'now//d']) expect(iso(text), text).toBeUndefined();
  expect(isRange({ from: 'now', to: 'now-1h' })).toBe(false);
  expect(isRange({ from: 'now-1h', to: 'now' })).toBe(true);
});

test('buckets are as short as the most of them allow', () => {
  const range = { from: 'now-24h', to: 'now' };
  expect(interval(range, 120)).toBe('30m');
  expect(interval(range, 24)).toBe('1h');
  expect(interval(range, 300, '10m')).toBe('10m');
  expect(interval({ from: 'now-90d', to: 'now' }, 100)).toBe('1d');
});

test('a time has a short name', () => {
  const format = (at: number) => new Date(at).toISOString().slice(0, 10);
  expect(rangeLabel({ from: 'now-24h', to: 'now' }, format)).toBe('Last 24 hours');
  expect(rangeLabel({ from: 'now-3d', to: 'now' }, format)).toBe('Last 3 d');
  expect(rangeLabel({ from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' }, format)).toBe(
    '2026-11-01 – 2026-11-02',
  );
});
