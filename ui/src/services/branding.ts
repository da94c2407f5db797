import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Branding } from './api';
import { get } from './http';
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
