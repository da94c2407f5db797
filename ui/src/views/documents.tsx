import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Empty, Failure, Loading } from '../components/faces';
import { isExactly } from '../services/filters';
import { fullDateTime } from '../services/format';
import { both, type Hit, search } from '../services/search';
import type { TimeRange } from '../services/time';
import { common } from '../strings/common';
import { documents as say } from '../strings/documents';
import type { View } from './discover';

/** The endless list of documents, and one that is open. */

const PAGE = 200;

export function FilterButtons({ field, value, view }: { field: string; value: unknown; view: View }) {
  return (
    <span className="filter-buttons">
      <button
        type="button"
        className="plain link"
        title={say.onlyThese}
        aria-label={say.only(field, String(value))}
        onClick={() => view.addFilter(isExactly(field, value))}
      >
        +
      </button>
      <button
        type="button"
        className="plain link"
        title={say.allButThese}
        aria-label={say.without(field, String(value))}
        onClick={() => view.addFilter(isExactly(field, value), true)}
      >
        −
      </button>
    </span>
  );
}

interface PageStart {
  /** The time of the last hit, and how many of that time were read: the next page begins there on any store. */
  last: string | number;
  same: number;
}

const byTime = (view: View) => view.sort[0] === 'timestamp';

async function page(view: View, start: PageStart | number | undefined, signal: AbortSignal): Promise<Hit[]> {
  const [field, order] = view.sort;
  const from = typeof start === 'number' ? start : (start?.same ?? 0);
  const beyond =
    typeof start === 'object'
      ? {
          range: {
            timestamp: {
              [order === 'desc' ? 'lte' : 'gte']: start.last,
              format: 'strict_date_optional_time||epoch_millis',
            },
          },
        }
      : undefined;
  const answer = await search(
    view.index,
    {
      size: PAGE,
      from,
      track_total_hits: false,
      query: both(view.query, beyond),
      sort: [
        { [field]: { order, unmapped_type: field === 'timestamp' ? 'date' : 'keyword' } },
        ...(byTime(view) ? [{ sequence: { order, unmapped_type: 'long' } }] : []),
      ],
    },
    signal,
  );
  return answer.hits.hits;
}

const MOST_SORTED = 10_000;

function nextStart(view: View, pages: Hit[][]): PageStart | number | undefined {
  const last = pages.at(-1) ?? [];
  if (last.length < PAGE) return undefined;
  const read = pages.length * PAGE;
  if (!byTime(view)) return read + PAGE <= MOST_SORTED ? read : undefined;
  const time = last.at(-1)?.sort?.[0];
  if (time === undefined || time === null) return undefined;
  const all = pages.flat();
  let same = 0;
  for (let at = all.length - 1; at >= 0 && all[at]?.sort?.[0] === time; at -= 1) same += 1;
  return { last: time, same };
}

export function Documents({ view, total }: { view: View; total: number | undefined }) {
  const query = useInfiniteQuery({
    queryKey: ['documents', view.index, view.query, view.sort],
    initialPageParam: undefined as PageStart | number | undefined,
    queryFn: ({ pageParam, signal }) => page(view, pageParam, signal),
    getNextPageParam: (_, pages) => nextStart(view, pages),
    refetchInterval: Number(view.parameters.refresh ?? 0) * 1000 || false,
  });
  const hits = useMemo(() => query.data?.pages.flat() ?? [], [query.data]);
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Loading />;
  if (hits.length === 0)
    return (
      <Empty title={say.noDocumentMatches}>
        <p>{say.chooseALongerTimeAnother}</p>
      </Empty>
    );
  return (
    <DocumentTable
      view={view}
      hits={hits}
      more={query.hasNextPage ? () => void query.fetchNextPage() : undefined}
      isLoading={query.isFetchingNextPage}
      total={total}
    />
  );
}

const ROW_HEIGHT = 33;
/** Columns whose values are texts get more of the width. */
const LONG = /title|url|name$|text|detail|message|reason/i;

function DocumentTable({
  view,
  hits,
  more,
  isLoading,
  total,
}: {
  view: View;
  hits: Hit[];
  more: (() => void) | undefined;
  isLoading: boolean;
  total: number | undefined;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const rows = useVirtualizer({
    count: hits.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    getItemKey: (position) => `${hits[position]?._index}/${hits[position]?._id}`,
  });
  const items = rows.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !isLoading && lastShown >= hits.length - PAGE / 2) more();
  }, [more, isLoading, lastShown, hits.length]);
  const toggle = (key: string) => {
    const next = new Set(open);
    if (!next.delete(key)) next.add(key);
    setOpen(next);
  };
  const [sortField, order] = view.sort;
  const head = (name: string) => (
    <div
      key={name}
      role="columnheader"
      aria-sort={sortField === name ? (order === 'asc' ? 'ascending' : 'descending') : 'none'}
    >
      <button
        type="button"
        className="plain clip"
        onClick={() => view.go({ sort: `${name} ${sortField === name && order === 'desc' ? 'asc' : 'desc'}` })}
      >
        {name} <span aria-hidden="true">{sortField === name ? (order === 'asc' ? '▲' : '▼') : ''}</span>
      </button>
    </div>
  );
  const template = `26px 215px ${view.columns.map((name) => `minmax(80px, ${LONG.test(name) ? 3 : 1}fr)`).join(' ')}`;
  return (
    <section className="card flush documents" aria-label={common.documents}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is scrolled by keys, too */}
      <div className="documents-scroll" ref={place} tabIndex={0}>
        <div role="table" aria-rowcount={total ?? hits.length} aria-label={common.documents}>
          <div role="row" className="document-row head" style={{ gridTemplateColumns: template }}>
            <div role="columnheader" aria-label={say.open} />
            {['timestamp', ...view.columns].map(head)}
          </div>
          <div style={{ height: rows.getTotalSize(), position: 'relative' }} role="rowgroup">
            {items.map((item) => {
              const hit = hits[item.index];
              if (!hit) return null;
              const key = String(item.key);
              return (
                <div
                  key={key}
                  ref={rows.measureElement}
                  data-index={item.index}
                  className="document"
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <div role="row" className="document-row" style={{ gridTemplateColumns: template }}>
                    <div role="cell">
                      <button
                        type="button"
                        className="plain"
                        aria-expanded={open.has(key)}
                        aria-label={say.openDocument}
                        onClick={() => toggle(key)}
                      >
                        {open.has(key) ? '▾' : '▸'}
                      </button>
                    </div>
                    <div role="cell" className="clip">
                      {fullDateTime(String(hit._source.timestamp))}
                    </div>
                    {view.columns.map((column) => (
                      <div role="cell" key={column} className="clip" title={text(at(hit._source, column))}>
                        {text(at(hit._source, column))}
                      </div>
                    ))}
                  </div>
                  {open.has(key) && <OpenDocument hit={hit} view={view} />}
                </div>
              );
            })}
          </div>
        </div>
        {isLoading && <Loading label={say.loadingMore} />}
      </div>
    </section>
  );
}

/** The value of a dotted path; names may have dots themselves. */
export function at(value: unknown, path: string): unknown {
  if (value === null || typeof value !== 'object') return undefined;
  const map = value as Record<string, unknown>;
  if (path in map) return map[path];
  for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
    const found = at(map[path.slice(0, dot)], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  // A sub-field has the value of its field.
  const parent = path.replace(/\.(raw|keyword)$/, '');
  return parent === path ? undefined : at(value, parent);
}

export const text = (value: unknown): string => {
  if (value === undefined || value === null) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

function leaves(value: unknown, path: string): [string, unknown][] {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, inside]) => leaves(inside, path ? `${path}.${name}` : name));
  }
  return [[path, value]];
}

function OpenDocument({ hit, view }: { hit: Hit; view: View }) {
  const [json, setJson] = useState(false);
  const uuid = hit._source.uuid;
  const around = (minutes: number): TimeRange => {
    const time = new Date(String(hit._source.timestamp)).getTime();
    return {
      from: new Date(time - minutes * 60_000).toISOString(),
      to: new Date(time + minutes * 60_000).toISOString(),
    };
  };
  return (
    <div className="open-document">
      <div className="row">
        <button type="button" className="button" aria-pressed={json} onClick={() => setJson(!json)}>
          {json ? say.asATable : say.asJson}
        </button>
        {typeof uuid === 'string' && (
          <Link className="button" to="/runs/$uuid" params={{ uuid }}>
            {common.run}
          </Link>
        )}
        <button type="button" className="button" onClick={() => view.go({ ...around(1), filter: [], q: '' })}>
          {say.whatCameBeforeAndAfter}
        </button>
        <span className="small soft break">
          {hit._index} · {hit._id}
        </span>
      </div>
      {json ? (
        <pre>{JSON.stringify(hit._source, null, 2)}</pre>
      ) : (
        <table>
          <tbody>
            {leaves(hit._source, '').map(([name, value]) => (
              <tr key={name}>
                <th scope="row" className="mono">
                  {name}
                </th>
                <td>
                  <FilterButtons field={name} value={value} view={view} />
                </td>
                <td className="break">{text(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
