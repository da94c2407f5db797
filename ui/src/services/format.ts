import { format as say } from '../strings/format';
import type { Unit } from './api';
import { timeZone } from './preferences';

/** Numbers and times as texts. */

type Maybe = number | null | undefined;

const NONE = '–';
const isNone = (value: Maybe): value is null | undefined =>
  value === null || value === undefined || Number.isNaN(value);

export function milliseconds(value: Maybe): string {
  if (isNone(value)) return NONE;
  if (Math.abs(value) < 10 && value !== Math.round(value)) return say.ms(value.toFixed(1));
  if (Math.abs(value) < 1000) return say.ms(Math.round(value));
  if (Math.abs(value) < 120_000) return `${(value / 1000).toFixed(Math.abs(value) < 10_000 ? 2 : 1)} s`;
  if (Math.abs(value) < 7_200_000) return say.minutesWithFraction((value / 60_000).toFixed(1));
  return `${(value / 3_600_000).toFixed(1)} h`;
}

export function bytes(value: Maybe): string {
  if (isNone(value)) return NONE;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let amount = value;
  let unit = 0;
  while (Math.abs(amount) >= 1000 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit === 0 || Math.abs(amount) >= 100 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]}`;
}

export function count(value: Maybe): string {
  if (isNone(value)) return NONE;
  return Number.isInteger(value)
    ? value.toLocaleString('en')
    : value.toLocaleString('en', { maximumFractionDigits: 3 });
}

/** For axes and large figures. */
export function short(value: Maybe): string {
  if (isNone(value)) return NONE;
  if (Math.abs(value) >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (Math.abs(value) >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (Math.abs(value) >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return count(value);
}

export function percent(value: Maybe, digits = 1): string {
  if (isNone(value)) return NONE;
  // 99.96 % is not 100 %.
  const shown =
    value < 100 && value > 100 - 10 ** -digits / 2 ? Math.floor(value * 10 ** digits) / 10 ** digits : value;
  return `${shown.toFixed(shown === 100 || shown === 0 ? 0 : digits)} %`;
}

export function inUnit(value: Maybe, unit: Unit | undefined): string {
  switch (unit) {
    case 'milliseconds':
      return milliseconds(value);
    case 'bytes':
      return bytes(value);
    case 'percent':
      return percent(value);
    default:
      return count(value);
  }
}

type Time = string | number | Date;

const formatters = new Map<string, Intl.DateTimeFormat>();
function formatted(at: Time, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return NONE;
  const zone = timeZone();
  const key = zone + JSON.stringify(options);
  let formatter = formatters.get(key);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
    formatters.set(key, formatter);
  }
  return formatter.format(date);
}

export const clock = (at: Time): string => formatted(at, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export const hourMinute = (at: Time): string => formatted(at, { hour: '2-digit', minute: '2-digit' });

export const day = (at: Time): string => formatted(at, { day: 'numeric', month: 'short' });

export const dateTime = (at: Time): string =>
  formatted(at, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });

export const fullDateTime = (at: Time): string =>
  formatted(at, {
    year: 'numeric',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
  });

export const zonedDay = (at: Time): string =>
  formatted(at, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });

export function ago(at: Time, now = Date.now()): string {
  const seconds = Math.round((now - new Date(at).getTime()) / 1000);
  if (seconds < 5) return 'now';
  if (seconds < 90) return say.sAgo(seconds);
  if (seconds < 5400) return say.minAgo(Math.round(seconds / 60));
  if (seconds < 129_600) return say.hAgo(Math.round(seconds / 3600));
  return say.dAgo(Math.round(seconds / 86_400));
}

export function until(at: Time, now = Date.now()): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  if (seconds <= 0) return 'now';
  if (seconds < 90) return say.inS(seconds);
  if (seconds < 5400) return say.inMin(Math.round(seconds / 60));
  return say.inH(Math.round(seconds / 3600));
}

/** A length of time in its two largest units. */
export function duration(ms: Maybe): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return '–';
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 60) return say.min(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : say.hMin(hours, minutes % 60);
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A number with as many digits as say something. */
export function number(value: Maybe): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
}
