import { useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { type ReactNode, useCallback, useMemo, useState } from 'react';
import { Chart, type Colors } from '../components/chart';
import { Failure, Loading } from '../components/faces';
import { FilterPills } from '../components/filter-pills';
import { PageHead } from '../components/layout';
import { Menu, Panel } from '../components/menu';
import { QueryBar } from '../components/query-bar';
import { TimePicker } from '../components/time-picker';
import { timeOption } from '../panels/draw';
import type { Field } from '../services/api';
import { type Filter, filterQueries, readFilters, textQuery, writeFilter } from '../services/filters';
import { count } from '../services/format';
import { ApiError, download, get } from '../services/http';
import { PATTERNS } from '../services/indices';
import { timeZone, usePreferences } from '../services/preferences';
import { both, buckets, type Query, useSearch } from '../services/search';
import { newId, type Saved, useFields, useRemove, useSave, useSavedList } from '../services/server';
import { interval, rangeQuery, resolve, type TimeRange } from '../services/time';
import { Documents, FilterButtons } from './documents';
import './discover.css';
import { common } from '../strings/common';
import { discover as say } from '../strings/discover';

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

export interface View {
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
      <PageHead title={say.discover}>
        <SavedSearches parameters={parameters} onProblem={setProblem} />
        <Menu
          label={say.exportAs}
          items={(['csv', 'xlsx', 'ndjson'] as const).map((format) => ({
            id: format,
            text: `${format.toUpperCase()}${total === undefined ? '' : say.andDocuments(count(total))}`,
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
          aria-label={say.indexPattern}
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
            name: common.documents,
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
    <section className="card histogram" aria-label={say.documentsOverTime}>
      <p className="small" role="status">
        <strong>{total === undefined ? '…' : count(total)}</strong> {say.documents}
        <span className="soft">{say.aBarIsDrawOver(interval(view.range, 80))}</span>
      </p>
      <Chart
        label={say.documentsOverTimeInAll(total ?? 0)}
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
      <summary>{say.fields(fields.length)}</summary>
      <input
        type="search"
        className="input"
        aria-label={say.findAField}
        placeholder={say.findAField}
        value={wanted}
        onChange={(event) => setWanted(event.target.value)}
      />
      <ul>
        {shown.map((field) => (
          <li key={field.name}>
            <div className="field-row">
              <input
                type="checkbox"
                aria-label={say.column(field.name)}
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
  if (found.length === 0) return <p className="small soft">{say.noValuesInThisTime}</p>;
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
      label={say.savedSearches}
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
              aria-label={common.name}
              placeholder={say.saveThisSearchAs}
              maxLength={120}
            />
            <button type="submit" className="button primary">
              {common.save}
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
                {say.basicTestReportCanarytrace}
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
                  aria-label={say.deleteSearch(entry.title)}
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
