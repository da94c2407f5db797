import { time as say } from '../strings/time';

/** Times of charts and lists: date math as Elasticsearch reads it, and what it means now. */

export interface TimeRange {
  from: string;
  to: string;
}

export const QUICK: [string, TimeRange][] = [
  [say.last15Minutes, { from: 'now-15m', to: 'now' }],
  [say.lastHour, { from: 'now-1h', to: 'now' }],
  [say.last4Hours, { from: 'now-4h', to: 'now' }],
  [say.last24Hours, { from: 'now-24h', to: 'now' }],
  [say.today, { from: 'now/d', to: 'now' }],
  [say.yesterday, { from: 'now-1d/d', to: 'now/d' }],
  [say.last7Days, { from: 'now-7d', to: 'now' }],
  [say.last30Days, { from: 'now-30d', to: 'now' }],
  [say.last90Days, { from: 'now-90d', to: 'now' }],
];

const UNIT_MS: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  H: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

function floor(at: number, unit: string): number {
  const date = new Date(at);
  if (unit === 'M') return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  if (unit === 'y') return Date.UTC(date.getUTCFullYear(), 0, 1);
  if (unit === 'w') {
    const monday = (date.getUTCDay() + 6) % 7;
    return Math.floor(at / 86_400_000) * 86_400_000 - monday * 86_400_000;
  }
  const size = UNIT_MS[unit] ?? 1;
  return Math.floor(at / size) * size;
}

function shift(at: number, amount: number, unit: string): number {
  const date = new Date(at);
  if (unit === 'M') return date.setUTCMonth(date.getUTCMonth() + amount);
  if (unit === 'y') return date.setUTCFullYear(date.getUTCFullYear() + amount);
  return at + amount * (UNIT_MS[unit] ?? 0);
}

/** Epoch milliseconds of date math or RFC 3339; undefined when it is neither. Rounds as Elasticsearch does: by UTC. */
export function resolve(text: string, now = Date.now()): number | undefined {
  if (!text.startsWith('now')) {
    const at = Date.parse(text);
    return Number.isNaN(at) ? undefined : at;
  }
  let at = now;
  let rest = text.slice(3);
  while (rest) {
    const part = /^(?:([+-])(\d+)([smhHdwMy])|\/([smhHdwMy]))/.exec(rest);
    if (!part) return undefined;
    at = part[4] ? floor(at, part[4]) : shift(at, Number(`${part[1]}${part[2]}`), part[3] ?? 's');
    rest = rest.slice(part[0].length);
  }
  return at;
}

export const isRange = (range: TimeRange): boolean => {
  const from = resolve(range.from);
  const to = resolve(range.to);
  return from !== undefined && to !== undefined && from < to;
};

export const duration = (range: TimeRange): number => {
  const now = Date.now();
  return (resolve(range.to, now) ?? now) - (resolve(range.from, now) ?? now - 86_400_000);
};

/** Lengths of buckets, from a second to a month. */
const INTERVALS: [string, number][] = [
  ['1s', 1000],
  ['5s', 5000],
  ['10s', 10_000],
  ['30s', 30_000],
  ['1m', 60_000],
  ['5m', 300_000],
  ['10m', 600_000],
  ['30m', 1_800_000],
  ['1h', 3_600_000],
  ['3h', 10_800_000],
  ['12h', 43_200_000],
  ['1d', 86_400_000],
  ['7d', 604_800_000],
  ['30d', 2_592_000_000],
];

const toMs = (interval: string): number => {
  const part = /^(\d+)([smhd])$/.exec(interval);
  return part ? Number(part[1]) * (UNIT_MS[part[2] ?? ''] ?? 0) : 0;
};

/** The shortest interval that gives at most so many buckets, at least `minimum`. */
export function interval(range: TimeRange, mostBuckets = 120, minimum?: string): string {
  const least = Math.max(duration(range) / mostBuckets, minimum ? toMs(minimum) : 0);
  return (INTERVALS.find(([, size]) => size >= least) ?? INTERVALS.at(-1) ?? ['1d', 0])[0];
}

export const rangeQuery = (range: TimeRange, field = 'timestamp'): object => ({
  range: { [field]: { gte: range.from, lte: range.to, format: 'strict_date_optional_time||epoch_millis' } },
});

export function rangeLabel(range: TimeRange, format: (at: number) => string): string {
  const quick = QUICK.find(([, own]) => own.from === range.from && own.to === range.to);
  if (quick) return quick[0];
  const rounded = /^now-(\d+)([smhdwMy])(?:\/[smhdwMy])?$/.exec(range.from);
  if (rounded && range.to === 'now') return say.last(rounded[1] ?? '', rounded[2] ?? '');
  const from = resolve(range.from);
  const to = resolve(range.to);
  if (from === undefined || to === undefined) return `${range.from} – ${range.to}`;
  return `${format(from)} – ${range.to === 'now' ? 'now' : format(to)}`;
}
