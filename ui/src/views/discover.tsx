import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Chart, type Colors } from '../components/chart';
import { Empty, Failure, Loading } from '../components/faces';
import { FilterPills } from '../components/filter-pills';
import { PageHead } from '../components/layout';
import { Menu, Panel } from '../components/menu';
import { QueryBar } from '../components/query-bar';
import { TimePicker } from '../components/time-picker';
import { timeOption } from '../panels/draw';
import { type Filter, filterQueries, isExactly, readFilters, textQuery, writeFilter } from '../services/filters';
import { count, fullDateTime } from '../services/format';
import { ApiError, download, get } from '../services/http';
import { PATTERNS } from '../services/indices';
import { timeZone, usePreferences } from '../services/preferences';
import { both, buckets, type Hit, type Query, search, useSearch } from '../services/search';
import { type Field, newId, type Saved, useFields, useRemove, useSave, useSavedList } from '../services/server';
import { interval, rangeQuery, resolve, type TimeRange } from '../services/time';
import './discover.css';

const COLUMNS: Record<string, string[]> = {
  'c.report-*': ['sequence', 'event', 'fullTitle', 'passed', 'testStepDuration'],
  'c.run-*': ['monitor', 'verdict.outcome', 'verdict.cause', 'verdict.detail', 'durationMs'],
  'c.request-log-*': ['response.status', 'request.type', 'url', 'har.time'],
  'c.performance-entries-*': ['entryType', 'name', 'startTime', 'duration', 'responseTime'],
  'c.vitals-*': ['url', 'ttfb', 'fcp', 'lcp', 'cls', 'load'],
  'c.console-*': ['eventType', 'level', 'text'],
  'c.smoke-title-*': ['url', 'title', 'responseStatus'],
  'c.ledger-*': ['monitor', 'event', 'dueAt', 'delayMs', 'reason'],
};

const useDiscover = () => useParameters({ from: '/discover' });
type Parameters = ReturnType<typeof useDiscover>;

const DEFAULT_RANGE: TimeRange = { from: 'now-24h', to: 'now' };
const PAGE = 200;

interface View {
  index: string;
  range: TimeRange;
  columns: string[];
  filters: Filter[];
  query: Query;
  sort: [field: string, order: 'asc' | 'desc'];
  parameters: Parameters;
  go: (changes: Partial<Parameters>) => void;
  addFilter: (query: string, negate?: boolean) => void;
}

function useView(): View {
  const parameters = useParameters({ from: '/discover' });
  const navigate = useNavigate({ from: '/discover' });
  usePreferences();
  const index = parameters.index ?? 'c.report-*';
  const range = useMemo(
    () => ({ from: parameters.from ?? DEFAULT_RANGE.from, to: parameters.to ?? DEFAULT_RANGE.to }),
    [parameters.from, parameters.to],
  );
  const filters = useMemo(() => readFilters(parameters.filter), [parameters.filter]);
  const query = useMemo(
    () => both(rangeQuery(range), ...filterQueries(filters), textQuery(parameters.q, parameters.language)),
    [range, filters, parameters.q, parameters.language],
  );
  const go = (changes: Partial<Parameters>) =>
    void navigate({ search: (old) => ({ ...old, ...changes }), replace: false });
  const [field = 'timestamp', order = 'desc'] = parameters.sort?.split(' ') ?? [];
  return {
    index,
    range,
    filters,
    query,
    go,
    parameters,
    columns: parameters.columns?.split(',').filter(Boolean) ?? COLUMNS[index] ?? ['monitor', 'spec'],
    sort: [field, order === 'asc' ? 'asc' : 'desc'],
    addFilter: (text, negate) =>
      go({ filter: [...filters, { query: text, ...(negate ? { negate } : {}) }].map(writeFilter) }),
  };
}

export function Discover() {
  const view = useView();
  const { index, range, parameters, go } = view;
  const fields = useFields(index);
  const [problem, setProblem] = useState<unknown>();
  const body = useMemo(
    () => ({
      size: 0,
      query: view.query,
      track_total_hits: true,
      aggs: {
        time: {
          date_histogram: {
            field: 'timestamp',
            fixed_interval: interval(range, 80),
            time_zone: timeZone(),
            min_doc_count: 0,
            extended_bounds: { min: resolve(range.from), max: resolve(range.to) },
          },
        },
      },
    }),
    [view.query, range],
  );
  const histogram = useSearch(index, body, { refreshSeconds: Number(parameters.refresh ?? 0) });
  const wrong =
    histogram.error instanceof ApiError && histogram.error.status === 400 ? histogram.error.message : undefined;
  const total = histogram.data?.hits.total?.value;
  return (
    <>
      <PageHead title="Discover">
        <SavedSearches parameters={parameters} onProblem={setProblem} />
        <Menu
          label="Export"
          items={(['csv', 'xlsx', 'ndjson'] as const).map((format) => ({
            id: format,
            text: `${format.toUpperCase()}${total === undefined ? '' : `, ${count(total)} documents`}`,
            action: () => {
              const columns = format === 'ndjson' ? [] : ['timestamp', ...view.columns];
              const title = `discover-${index.replaceAll(/[^\w.-]/g, '')}`;
              download('/api/v1/export', { title, format, index, query: view.query, columns }).catch(setProblem);
            },
          }))}
        />
        <TimePicker
          range={range}
          onChange={(next) => go({ from: next.from, to: next.to })}
          refresh={parameters.refresh}
          onRefresh={(seconds) => go({ refresh: seconds })}
        />
      </PageHead>
      <div className="row discover-bar">
        <select
          className="input"
          aria-label="Index pattern"
          value={index}
          onChange={(event) => go({ index: event.target.value, columns: '', sort: '' })}
        >
          {[...new Set([index, ...PATTERNS])].map((pattern) => (
            <option key={pattern}>{pattern}</option>
          ))}
        </select>
        <QueryBar
          value={parameters.q ?? ''}
          onSubmit={(q) => go({ q })}
          index={index}
          range={range}
          language={parameters.language ?? 'kql'}
          onLanguage={(language) => go({ language: language === 'kql' ? '' : language })}
          error={wrong}
        />
      </div>
      <FilterPills filters={view.filters} onChange={(filters) => go({ filter: filters.map(writeFilter) })} />
      {problem !== undefined && <Failure error={problem} />}
      {histogram.isError && !wrong ? (
        <Failure error={histogram.error} retry={() => void histogram.refetch()} />
      ) : (
        !wrong && (
          <div className="discover">
            <FieldList fields={fields.data ?? []} view={view} />
            <div className="stack discover-main">
              <TimeHistogram view={view} found={buckets(histogram.data?.aggregations?.time)} total={total} />
              <Documents view={view} total={total} />
            </div>
          </div>
        )
      )}
    </>
  );
}

function TimeHistogram({
  view,
  found,
  total,
}: {
  view: View;
  found: { key: string | number; doc_count: number }[];
  total: number | undefined;
}) {
  const option = useCallback(
    (colors: Colors) =>
      timeOption(
        [
          {
            name: 'Documents',
            series: { metric: { aggregation: 'count' }, style: 'bar' },
            points: found.map((bucket) => [Number(bucket.key), bucket.doc_count]),
          },
        ],
        { from: resolve(view.range.from) ?? 0, to: resolve(view.range.to) ?? 0 },
        [],
        [],
        colors,
      ),
    [found, view.range],
  );
  return (
    <section className="card histogram" aria-label="Documents over time">
      <p className="small" role="status">
        <strong>{total === undefined ? '…' : count(total)}</strong> documents
        <span className="soft"> · a bar is {interval(view.range, 80)}; draw over the chart to look closer</span>
      </p>
      <Chart
        label={`Documents over time, ${total ?? 0} in all`}
        option={option}
        height={110}
        onRange={(from, to) => view.go({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })}
      />
    </section>
  );
}

function FieldList({ fields, view }: { fields: Field[]; view: View }) {
  const [wanted, setWanted] = useState('');
  const [open, setOpen] = useState<string>();
  const shown = fields.filter((field) => field.name.toLowerCase().includes(wanted.toLowerCase()));
  const toggle = (name: string) =>
    view.go({
      columns: (view.columns.includes(name)
        ? view.columns.filter((own) => own !== name)
        : [...view.columns, name]
      ).join(','),
    });
  return (
    <details className="fields card" open={window.innerWidth > 1000}>
      <summary>Fields ({fields.length})</summary>
      <input
        type="search"
        className="input"
        aria-label="Find a field"
        placeholder="Find a field"
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
      />
      <ul>
        {shown.map((field) => (
          <li key={field.name}>
            <div className="field-row">
              <input
                type="checkbox"
                aria-label={`Column ${field.name}`}
                checked={view.columns.includes(field.name)}
                onChange={() => toggle(field.name)}
              />
              <button
                type="button"
                className="plain clip"
                title={`${field.name} (${field.type})`}
                aria-expanded={open === field.name}
                disabled={!field.aggregatable}
                onClick={() => setOpen(open === field.name ? undefined : field.name)}
              >
                {field.name}
              </button>
              <span className="soft small">{field.type}</span>
            </div>
            {open === field.name && <TopValues field={field.name} view={view} />}
          </li>
        ))}
      </ul>
    </details>
  );
}

function TopValues({ field, view }: { field: string; view: View }) {
  const query = useSearch(view.index, {
    size: 0,
    query: view.query,
    track_total_hits: true,
    aggs: { values: { terms: { field, size: 8 } } },
  });
  if (query.isError) return <p className="small soft">{query.error.message}</p>;
  if (!query.data) return <Loading />;
  const total = query.data.hits.total?.value || 1;
  const found = buckets(query.data.aggregations?.values);
  if (found.length === 0) return <p className="small soft">No values in this time.</p>;
  return (
    <ul className="top-values">
      {found.map((bucket) => {
        const text = String(bucket.key_as_string ?? bucket.key);
        return (
          <li key={text}>
            <span className="clip" title={text}>
              {text}
            </span>
            <span className="small soft">{((bucket.doc_count / total) * 100).toFixed(1)} %</span>
            <FilterButtons field={field} value={bucket.key_as_string ?? bucket.key} view={view} />
            <span className="bar" style={{ width: `${(bucket.doc_count / total) * 100}%` }} />
          </li>
        );
      })}
    </ul>
  );
}

function FilterButtons({ field, value, view }: { field: string; value: unknown; view: View }) {
  return (
    <span className="filter-buttons">
      <button
        type="button"
        className="plain link"
        title="Only these"
        aria-label={`Only ${field} ${String(value)}`}
        onClick={() => view.addFilter(isExactly(field, value))}
      >
        +
      </button>
      <button
        type="button"
        className="plain link"
        title="All but these"
        aria-label={`Not ${field} ${String(value)}`}
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

function Documents({ view, total }: { view: View; total: number | undefined }) {
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
      <Empty title="No document matches">
        <p>Choose a longer time, another index pattern, or a wider query.</p>
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
    <section className="card flush documents" aria-label="Documents">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is scrolled by keys, too */}
      <div className="documents-scroll" ref={place} tabIndex={0}>
        <div role="table" aria-rowcount={total ?? hits.length} aria-label="Documents">
          <div role="row" className="document-row head" style={{ gridTemplateColumns: template }}>
            <div role="columnheader" aria-label="Open" />
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
                        aria-label="Open document"
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
        {isLoading && <Loading label="Loading more" />}
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
          {json ? 'As a table' : 'As JSON'}
        </button>
        {typeof uuid === 'string' && (
          <Link className="button" to="/runs/$uuid" params={{ uuid }}>
            Run
          </Link>
        )}
        <button type="button" className="button" onClick={() => view.go({ ...around(1), filter: [], q: '' })}>
          What came before and after
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

interface SavedSearch {
  title: string;
  parameters: Parameters;
}

function SavedSearches({ parameters, onProblem }: { parameters: Parameters; onProblem: (error: unknown) => void }) {
  const list = useSavedList('searches');
  const save = useSave<SavedSearch>('searches');
  const remove = useRemove('searches');
  const navigate = useNavigate({ from: '/discover' });
  const open = async (id: string) => {
    try {
      const saved = await get<Saved<SavedSearch>>(`/api/v1/saved/searches/${id}`);
      await navigate({ search: saved.body.parameters });
    } catch (error) {
      onProblem(error);
    }
  };
  return (
    <Panel
      label="Saved searches"
      content={(close): ReactNode => (
        <div className="stack">
          <form
            className="row"
            onSubmit={(event) => {
              event.preventDefault();
              const title = String(new FormData(event.currentTarget).get('title')).trim();
              if (title)
                save.mutate(
                  { id: newId(title), body: { title, parameters } },
                  { onError: onProblem, onSuccess: close },
                );
            }}
          >
            <input
              className="input"
              name="title"
              aria-label="Name"
              placeholder="Save this search as…"
              maxLength={120}
            />
            <button type="submit" className="button primary">
              Save
            </button>
          </form>
          <ul className="stack">
            <li>
              <button
                type="button"
                className="plain link"
                onClick={() => {
                  close();
                  void navigate({
                    search: { index: 'c.report-*', columns: 'sequence,event,fullTitle,passed,testStepDuration' },
                  });
                }}
              >
                Basic test report (canarytrace)
              </button>
            </li>
            {(list.data ?? []).map((entry) => (
              <li key={entry.id} className="spread">
                <button
                  type="button"
                  className="plain link"
                  onClick={() => {
                    close();
                    void open(entry.id);
                  }}
                >
                  {entry.title}
                </button>
                <button
                  type="button"
                  className="button quiet icon"
                  aria-label={`Delete ${entry.title}`}
                  onClick={() => remove.mutate(entry.id, { onError: onProblem })}
                >
                  ✕
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    />
  );
}
