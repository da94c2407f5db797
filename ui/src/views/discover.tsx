import { useState } from 'react';
import { Histogram } from '../components/charts';
import { Empty, Show } from '../components/faces';
import { rangeFilter, TimeRange } from '../components/time-range';
import { dateTime } from '../services/format';
import { useLive } from '../services/live';
import { setQuery, useLocation } from '../services/location';
import { byTime, type Hit, request, search } from '../services/search';

const INDICES = /^c\./;
const PATTERNS = [
  'c.report-*',
  'c.run-*',
  'c.request-log-*',
  'c.performance-entries-*',
  'c.console-*',
  'c.smoke-title-*',
  'c.ledger-*',
  'c.*',
];
const DEFAULTS: Record<string, string[]> = {
  'c.report-*': ['event', 'monitor', 'fullTitle', 'passed', 'testStepDuration'],
  'c.run-*': ['monitor', 'verdict.outcome', 'verdict.cause', 'verdict.detail', 'durationMs'],
  'c.request-log-*': ['response.status', 'request.type', 'url', 'har.time'],
  'c.performance-entries-*': ['entryType', 'name', 'startTime', 'duration', 'responseTime'],
  'c.console-*': ['eventType', 'level', 'text'],
  'c.smoke-title-*': ['url', 'title', 'responseStatus'],
  'c.ledger-*': ['monitor', 'event', 'dueAt', 'delayMs', 'reason'],
};
const STEPS: Record<string, string> = { '15m': '30s', '1h': '2m', '24h': '30m', '7d': '4h', '30d': '1d' };
const PAGE = 100;

interface Properties {
  [name: string]: { type?: string; properties?: Properties; enabled?: boolean };
}
interface State {
  hits: Hit[];
  total: number;
  fields: string[];
  buckets: { key: number; count: number }[];
}

function paths(properties: Properties | undefined, parent = ''): string[] {
  return Object.entries(properties ?? {}).flatMap(([name, field]) => {
    const path = parent ? `${parent}.${name}` : name;
    return field.properties ? paths(field.properties, path) : [path];
  });
}

async function load(index: string, text: string, range: string): Promise<State> {
  const filter: object[] = [rangeFilter(range)];
  if (text) filter.push({ query_string: { query: text, default_operator: 'AND' } });
  const [answer, mappings] = await Promise.all([
    search(index, {
      size: PAGE,
      query: { bool: { filter } },
      sort: [byTime('desc')],
      track_total_hits: true,
      aggs: {
        time: {
          date_histogram: {
            field: 'timestamp',
            fixed_interval: STEPS[range] ?? '30m',
            extended_bounds: { min: `now-${range}`, max: 'now' },
          },
        },
      },
    }),
    request<Record<string, { mappings: { properties?: Properties } }>>(
      `/${encodeURIComponent(index)}/_mapping?ignore_unavailable=true`,
    ),
  ]);
  const fields = new Set(Object.values(mappings).flatMap((entry) => paths(entry.mappings.properties)));
  return {
    hits: answer.hits.hits,
    total: answer.hits.total?.value ?? 0,
    fields: [...fields].sort(),
    buckets: (answer.aggregations?.time?.buckets ?? []).map((bucket) => ({
      key: Number(bucket.key),
      count: bucket.doc_count,
    })),
  };
}

export function DiscoverView() {
  const { query } = useLocation();
  const index = query.get('index') ?? 'c.report-*';
  const range = query.get('range') ?? '24h';
  const text = query.get('q') ?? '';
  const columns = query.get('columns')?.split(',').filter(Boolean) ?? DEFAULTS[index] ?? ['monitor', 'spec'];
  const [loaded, reload] = useLive(() => load(index, text, range), [index, text, range], INDICES);
  const toggle = (field: string) => {
    const next = columns.includes(field) ? columns.filter((own) => own !== field) : [...columns, field];
    setQuery({ columns: next.join(',') });
  };
  return (
    <>
      <h1>Discover</h1>
      <form className="controls" onSubmit={(event) => event.preventDefault()}>
        <label className="control">
          <span className="hidden">Index</span>
          <select value={index} onChange={(event) => setQuery({ index: event.target.value, columns: undefined })}>
            {(PATTERNS.includes(index) ? PATTERNS : [index, ...PATTERNS]).map((pattern) => (
              <option key={pattern}>{pattern}</option>
            ))}
          </select>
        </label>
        <input
          key={text}
          type="search"
          aria-label="Query"
          placeholder='passed:false, fullTitle:"Order log in", response.status:>399 …'
          defaultValue={text}
          onKeyDown={(event) => event.key === 'Enter' && setQuery({ q: event.currentTarget.value })}
        />
        <TimeRange value={range} onChange={(value) => setQuery({ range: value })} />
      </form>
      <Show loaded={loaded} retry={reload}>
        {(state) =>
          state.total === 0 ? (
            <Empty title="No document matches">
              <p>Choose a longer time range, another index, or a wider query.</p>
            </Empty>
          ) : (
            <div className="discover">
              <Fields fields={state.fields} columns={columns} toggle={toggle} />
              <div>
                <Histogram buckets={state.buckets} />
                <p className="muted">
                  {state.total} documents{state.total > PAGE && `, the latest ${PAGE} are shown`}
                </p>
                <Table hits={state.hits} columns={columns} />
              </div>
            </div>
          )
        }
      </Show>
    </>
  );
}

function Fields({ fields, columns, toggle }: { fields: string[]; columns: string[]; toggle: (field: string) => void }) {
  const [wanted, setWanted] = useState('');
  return (
    <details className="fields" open={window.innerWidth > 900}>
      <summary>Fields</summary>
      <input
        type="search"
        aria-label="Find a field"
        placeholder="Find a field"
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
      />
      <ul>
        {fields
          .filter((field) => field.toLowerCase().includes(wanted.toLowerCase()))
          .map((field) => (
            <li key={field}>
              <label>
                <input type="checkbox" checked={columns.includes(field)} onChange={() => toggle(field)} /> {field}
              </label>
            </li>
          ))}
      </ul>
    </details>
  );
}

const at = (source: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((value, name, position, names) => {
    if (value === null || typeof value !== 'object') return undefined;
    const rest = names.slice(position).join('.');
    return (value as Record<string, unknown>)[name] ?? (value as Record<string, unknown>)[rest];
  }, source);

const show = (value: unknown): string => {
  if (value === undefined || value === null) return '–';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

function Table({ hits, columns }: { hits: Hit[]; columns: string[] }) {
  const [open, setOpen] = useState<string>();
  return (
    <div className="table-scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">timestamp</th>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {hits.map((hit) => (
            <HitRow
              key={hit._index + hit._id}
              hit={hit}
              columns={columns}
              open={open === hit._id}
              toggle={() => setOpen(open === hit._id ? undefined : hit._id)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function HitRow({ hit, columns, open, toggle }: { hit: Hit; columns: string[]; open: boolean; toggle: () => void }) {
  return (
    <>
      <tr>
        <td>
          <button type="button" className="plain" onClick={toggle} aria-expanded={open}>
            {dateTime(String(hit._source.timestamp))}
          </button>
        </td>
        {columns.map((column) => (
          <td key={column} className="cell">
            {show(at(hit._source, column))}
          </td>
        ))}
      </tr>
      {open && (
        <tr>
          <td colSpan={columns.length + 1}>
            <pre>{JSON.stringify(hit._source, null, 2)}</pre>
          </td>
        </tr>
      )}
    </>
  );
}
