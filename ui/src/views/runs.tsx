import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Choice } from '../components/choice';
import { Empty, Failure, Loading } from '../components/faces';
import { PageHead } from '../components/layout';
import { causeName, Outcome } from '../components/outcome';
import { QueryBar } from '../components/query-bar';
import { TimePicker } from '../components/time-picker';
import type { RunDocument } from '../services/api';
import { isExactly, textQuery } from '../services/filters';
import { count, dateTime, milliseconds } from '../services/format';
import { ApiError } from '../services/http';
import { both, kql, type Query, search } from '../services/search';
import { rangeQuery } from '../services/time';
import { common } from '../strings/common';
import { runs as say } from '../strings/runs';

const OUTCOMES = ['passed', 'failed', 'broken'];
const CAUSES = [
  'site',
  'third-party',
  'network',
  'login',
  'script',
  'browser',
  'runner',
  'configuration',
  'inconclusive',
];
const PAGE = 100;

export function Runs() {
  const parameters = useParameters({ from: '/runs' });
  const navigate = useNavigate({ from: '/runs' });
  const go = (changes: Partial<typeof parameters>) => void navigate({ search: (old) => ({ ...old, ...changes }) });
  const range = useMemo(
    () => ({ from: parameters.from ?? 'now-24h', to: parameters.to ?? 'now' }),
    [parameters.from, parameters.to],
  );
  const { monitor, outcome, cause, q } = parameters;
  const query: Query = useMemo(
    () =>
      both(
        rangeQuery(range, 'startedAt'),
        monitor && kql(isExactly('monitor', monitor)),
        outcome && { term: { 'verdict.outcome': outcome } },
        cause && { term: { 'verdict.cause': cause } },
        textQuery(q, 'kql'),
      ),
    [range, monitor, outcome, cause, q],
  );
  const runs = useInfiniteQuery({
    queryKey: ['search', 'c.run-*', 'list', query],
    meta: { live: true },
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      search<RunDocument>(
        'c.run-*',
        {
          size: PAGE,
          from: pageParam,
          query,
          track_total_hits: true,
          sort: [{ startedAt: { order: 'desc', unmapped_type: 'date' } }],
          _source: { excludes: ['verdict.facts'] },
        },
        signal,
      ),
    getNextPageParam: (last, pages) =>
      last.hits.hits.length === PAGE && pages.length * PAGE < 10_000 ? pages.length * PAGE : undefined,
  });
  const wrong = runs.error instanceof ApiError && runs.error.status === 400 ? runs.error.message : undefined;
  const found = runs.data?.pages.flatMap((page) => page.hits.hits.map((hit) => hit._source)) ?? [];
  const total = runs.data?.pages[0]?.hits.total?.value ?? 0;
  return (
    <>
      <PageHead title={common.runs}>
        <TimePicker range={range} onChange={(next) => go({ from: next.from, to: next.to })} />
      </PageHead>
      <div className="row">
        <QueryBar value={q ?? ''} onSubmit={(text) => go({ q: text })} index="c.run-*" range={range} error={wrong} />
        <Choice label={say.outcome} value={outcome} options={OUTCOMES} onChange={(next) => go({ outcome: next })} />
        <Choice
          label={common.cause}
          value={cause}
          options={CAUSES}
          name={causeName}
          onChange={(next) => go({ cause: next })}
        />
        {monitor && (
          <button type="button" className="button" onClick={() => go({ monitor: '' })}>
            {monitor} ✕
          </button>
        )}
      </div>
      {runs.isError && !wrong && <Failure error={runs.error} retry={() => void runs.refetch()} />}
      {runs.isPending && !runs.isError && <Loading />}
      {runs.data && total === 0 && (
        <Empty title={say.noRunMatches}>
          <p>{say.chooseALongerTimeOr}</p>
        </Empty>
      )}
      {found.length > 0 && (
        <section className="card flush">
          <header className="small">
            <strong>{count(total)}</strong> {say.runs}
          </header>
          <RunTable runs={found} />
          {runs.hasNextPage && (
            <p className="table-more">
              <button
                type="button"
                className="button"
                onClick={() => void runs.fetchNextPage()}
                disabled={runs.isFetchingNextPage}
              >
                {say.showMore}
              </button>
            </p>
          )}
        </section>
      )}
    </>
  );
}

export function RunTable({ runs, withMonitor = true }: { runs: RunDocument[]; withMonitor?: boolean }) {
  return (
    <div className="scroll-x">
      <table>
        <thead>
          <tr>
            <th scope="col">{say.started}</th>
            {withMonitor && <th scope="col">{common.monitor}</th>}
            <th scope="col">{say.outcome}</th>
            <th scope="col" style={{ width: '45%' }}>
              {say.whatHappened}
            </th>
            <th scope="col" className="number">
              {common.run}
            </th>
            <th scope="col" className="number">
              {common.load}
            </th>
            <th scope="col" className="number">
              {say.lcp}
            </th>
            <th scope="col">
              <span className="visually-hidden">{common.compare}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.uuid}>
              <td style={{ whiteSpace: 'nowrap' }}>
                <Link to="/runs/$uuid" params={{ uuid: run.uuid }}>
                  {dateTime(run.startedAt)}
                </Link>
              </td>
              {withMonitor && (
                <td className="clip monitor-name" title={run.monitor}>
                  <Link to="/monitors/$id" params={{ id: run.monitor }}>
                    {run.monitor}
                  </Link>
                </td>
              )}
              <td>
                <Outcome verdict={run.verdict} />
              </td>
              <td className="break">{run.verdict.detail ?? ''}</td>
              <td className="number">{milliseconds(run.durationMs)}</td>
              <td className="number">{milliseconds(run.vitals?.load)}</td>
              <td className="number">{milliseconds(run.vitals?.lcp)}</td>
              <td className="clip">
                {!run.passed && (
                  <Link to="/compare" search={{ run: run.uuid }}>
                    {common.whatChanged}
                  </Link>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
