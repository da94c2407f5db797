import { useSyncExternalStore } from 'react';

/** What a person likes, kept in their browser; everything else is in the address. */

export type Theme = 'system' | 'light' | 'dark' | 'contrast';

interface Preferences {
  theme: Theme;
  /** IANA name; empty: the browser's. */
  timeZone: string;
  /** The navigation shows icons only. */
  narrow: boolean;
}

const KEY = 'canarytrace.preferences';
const DEFAULTS: Preferences = { theme: 'system', timeZone: '', narrow: false };

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>) };
  } catch {
    return DEFAULTS;
  }
}

let current = read();
const listeners = new Set<() => void>();
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const contrast = window.matchMedia('(prefers-contrast: more)');

/** The theme that is drawn: charts read colors from it. */
export function drawnTheme(): Exclude<Theme, 'system'> {
  const asked = new URLSearchParams(window.location.search).get('theme') as Theme | null;
  const theme = asked ?? current.theme;
  if (theme !== 'system') return theme;
  if (contrast.matches) return 'contrast';
  return dark.matches ? 'dark' : 'light';
}

function announce(): void {
  document.documentElement.dataset.theme = drawnTheme();
  for (const listener of listeners) listener();
}
dark.addEventListener('change', announce);
contrast.addEventListener('change', announce);
announce();

export function setPreferences(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
  localStorage.setItem(KEY, JSON.stringify(current));
  announce();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, () => current);
export const useDrawnTheme = (): string => useSyncExternalStore(subscribe, drawnTheme);

/** The zone in which times are shown. */
export const timeZone = (): string => current.timeZone || Intl.DateTimeFormat().resolvedOptions().timeZone;
