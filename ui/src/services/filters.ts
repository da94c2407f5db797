import type { DashboardFilter as Filter } from './api';
import { kql, type Query } from './search';

/** Filter pills. In an address each is its KQL with marks before it: `!` not, `~` switched off, `^` goes along to other pages, `$` Lucene. */

export type { DashboardFilter as Filter } from './api';

export function readFilter(text: string): Filter {
  const marks = /^[!~^$]*/.exec(text)?.[0] ?? '';
  return {
    query: text.slice(marks.length),
    ...(marks.includes('!') ? { negate: true } : {}),
    ...(marks.includes('~') ? { disabled: true } : {}),
    ...(marks.includes('^') ? { pinned: true } : {}),
    ...(marks.includes('$') ? { language: 'lucene' as const } : {}),
  };
}

export const writeFilter = (filter: Filter): string =>
  `${filter.pinned ? '^' : ''}${filter.disabled ? '~' : ''}${filter.negate ? '!' : ''}${filter.language === 'lucene' ? '$' : ''}${filter.query}`;

export const readFilters = (texts: string[] | undefined): Filter[] => (texts ?? []).map(readFilter);

/** Says that what stands in an address is meant, also when it is nothing: a dashboard's own filters do not come back. */
export const MEANT = '~';

/** Those that go along to another page. */
export const pinnedOf = (texts: string[] | undefined): string[] | undefined => {
  const pinned = (texts ?? []).filter((text) => readFilter(text).pinned);
  return pinned.length > 0 ? pinned : undefined;
};

/** What the filters that are on say. */
export const filterQueries = (filters: readonly Filter[]): Query[] =>
  filters
    .filter((filter) => !filter.disabled)
    .map(({ query, language, negate }) => {
      const meant = textQuery(query, language ?? 'kql') ?? { match_all: {} };
      return negate ? { bool: { must_not: [meant] } } : meant;
    });

/** A value as KQL writes it: in quotes, so that nothing in it is a sign. */
export const quoted = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

export const isExactly = (field: string, value: unknown): string => `${field}: ${quoted(value)}`;

export const textQuery = (text: string | undefined, language: string | undefined): Query | undefined => {
  if (!text) return undefined;
  return language === 'lucene' ? { query_string: { query: text, default_operator: 'AND' } } : kql(text);
};

/** A chart's own query as a filter of an address. */
export const chartFilter = ({ query, language }: { query?: string; language?: string }): string[] =>
  query ? [writeFilter({ query, ...(language === 'lucene' ? { language } : {}) })] : [];
