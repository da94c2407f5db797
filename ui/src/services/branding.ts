import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Branding, BrandingSettings } from './api';
import { get, post, send } from './http';
import { useDrawnTheme } from './preferences';

/** Name, logo, colors and footer of the company whose UI this is. */

export const useBranding = () =>
  useQuery({
    queryKey: ['branding'],
    queryFn: ({ signal }) => get<Branding>('/api/v1/branding', signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

const DEFAULT_NAME = 'canarytrace';

/** Puts it into the page: title, icon, color. */
export function useApplied(): { name: string; logo: string | undefined; footer: string | undefined } {
  const { data } = useBranding();
  const theme = useDrawnTheme();
  const name = data?.name ?? DEFAULT_NAME;
  const logo = data?.logo ?? undefined;
  useEffect(() => {
    document.title = name;
    if (logo) document.querySelector('link[rel="icon"]')?.setAttribute('href', logo);
  }, [name, logo]);
  useEffect(() => {
    // High contrast is not for taste.
    const color = theme === 'light' ? data?.accent?.light : theme === 'dark' ? data?.accent?.dark : undefined;
    const { style } = document.documentElement;
    if (color) {
      style.setProperty('--accent', color);
      style.setProperty('--accent-soft', `color-mix(in srgb, ${color} 14%, var(--surface))`);
    } else {
      style.removeProperty('--accent');
      style.removeProperty('--accent-soft');
    }
  }, [data, theme]);
  return { name, logo, footer: data?.footer ?? undefined };
}

export const saveBranding = (settings: BrandingSettings) => post('/api/v1/branding', settings, undefined, 'PUT');
export const resetBranding = () => send('/api/v1/branding', { method: 'DELETE' });

/** Share of the light that `#rrggbb` reflects, as WCAG reckons it; undefined: not a color. */
function luminance(color: string): number | undefined {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return undefined;
  const part = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

/** Of two colors, 1 to 21. */
export function contrast(one: string, other: string): number | undefined {
  const [a, b] = [luminance(one), luminance(other)];
  return a === undefined || b === undefined ? undefined : (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
