import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty, Failure, Loading, Show } from '../components/faces';
import type { RunDocument } from '../services/api';
import { bytes, clock, count, fullDateTime } from '../services/format';
import { send } from '../services/http';
import type { ConsoleDocument } from '../services/model';
import { type Hit, type Source, search, sources } from '../services/search';
import { attachment } from '../services/url';
import { common } from '../strings/common';
import { runEvidence as say } from '../strings/run-evidence';

/** What a run leaves beside its requests, a tab each. */

const LEVELS: Record<string, string> = { error: 'failed', warning: 'slow' };

export function Console({ events }: { events: ConsoleDocument[] }) {
  const [bad, setBad] = useState(false);
  if (events.length === 0) return <Empty title={say.thePageWroteNothingTo} />;
  const level = (event: ConsoleDocument) =>
    event.level ?? event.type ?? (event.eventType === 'Runtime.exceptionThrown' ? 'error' : 'log');
  const shown = events.filter((event) => !bad || ['error', 'warning'].includes(level(event)));
  return (
    <div className="stack">
      <label className="row">
        <input type="checkbox" checked={bad} onChange={(event) => setBad(event.target.checked)} />{' '}
        {say.errorsAndWarningsOnly}
      </label>
      <ul className="console">
        {shown.map((event) => (
          <li key={`${event.sequence} ${event.eventType}`} className={LEVELS[level(event)]}>
            <span className="small soft mono">{clock(event.timestamp)}</span>
            <span className="small">{level(event)}</span>
            <span className="break mono">{event.exception?.description ?? event.text ?? event.eventType}</span>
            {event.url && (
              <span className="small soft break">
                {event.url}
                {(event.line ?? event.lineNumber) !== undefined && `:${event.line ?? event.lineNumber}`}
              </span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The text of an attachment of a run, by the end of its name. */
function useAttachedText(run: RunDocument | undefined, uuid: string, end: string) {
  const name = run?.attachments?.find((own) => own.endsWith(end));
  const query = useQuery({
    queryKey: ['attached', uuid, name],
    enabled: name !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => (await send(attachment(uuid, name ?? ''), { signal })).text(),
  });
  return { name, query };
}

interface LogLine {
  time: string;
  stream: string;
  text: string;
}

/** Lines of a log that are shown; the file has the others. */
const MOST_LINES = 2000;

function readLog(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as LogLine];
    } catch {
      // What a runner wrote last before it was killed may be half a line.
      return [{ time: '', stream: '', text: line }];
    }
  });
}

/** What the runner, the script, the browser and its driver said. */
export function Log({ run, uuid }: { run: RunDocument | undefined; uuid: string }) {
  const { name, query } = useAttachedText(run, uuid, '.log.ndjson');
  const [stream, setStream] = useState('');
  if (!name)
    return (
      <Empty title={say.noLogWasKept}>
        <p>
          {say.itIsKeptTogetherWith} <code>collect: {'{ har: always }'}</code>.
        </p>
      </Empty>
    );
  return (
    <Show query={query}>
      {(text) => {
        const lines = readLog(text);
        const streams = [...new Set(lines.map((line) => line.stream))].filter(Boolean).sort();
        const wanted = lines.filter((line) => stream === '' || line.stream === stream);
        const shown = wanted.slice(-MOST_LINES);
        return (
          <div className="stack">
            <div className="row">
              <label className="field inline">
                <span>{say.saidBy}</span>
                <select value={stream} onChange={(event) => setStream(event.target.value)}>
                  <option value="">{say.all}</option>
                  {streams.map((own) => (
                    <option key={own}>{own}</option>
                  ))}
                </select>
              </label>
              {shown.length < wanted.length && (
                <span className="soft">{say.theLastOfLines(count(shown.length), count(wanted.length))}</span>
              )}
              <a className="button" href={attachment(uuid, name)} download>
                {say.download}
              </a>
            </div>
            <ul className="console">
              {shown.map((line, position) => (
                <li key={position} className={/\berror\b/i.test(line.text) ? 'failed' : ''}>
                  <span className="small soft mono">{line.time && clock(line.time)}</span>
                  <span className="small">{line.stream}</span>
                  <span className="break mono">{line.text}</span>
                </li>
              ))}
            </ul>
          </div>
        );
      }}
    </Show>
  );
}

/** The page as it was, without anything in it that could run: scripts are off, and it may ask for nothing. */
export function PageCopy({ run, uuid }: { run: RunDocument | undefined; uuid: string }) {
  const { name, query } = useAttachedText(run, uuid, '.dom.html');
  if (!name)
    return (
      <Empty title={say.noCopyOfThePage}>
        <p>{say.aCopyIsKeptOf}</p>
      </Empty>
    );
  return (
    <Show query={query}>
      {(html) => (
        <iframe className="page-copy" title={say.copyOfThePage} sandbox="" srcDoc={html} referrerPolicy="no-referrer" />
      )}
    </Show>
  );
}

function useDocuments<T>(index: string, uuid: string, body: object) {
  return useQuery({
    queryKey: ['search', index, 'of', uuid],
    queryFn: ({ signal }) => sources<T>(index, { query: { term: { uuid } }, ...body }, signal),
  });
}

export function Memory({ uuid }: { uuid: string }) {
  const query = useDocuments<{
    timestamp: string;
    testStep: string;
    data: { usedJSHeapSize: number; totalJSHeapSize: number };
  }>('c.memory-*', uuid, {
    size: 1000,
    sort: [{ sequence: { order: 'asc', unmapped_type: 'long' } }],
  });
  return (
    <Show query={query}>
      {(samples) => {
        if (samples.length === 0) return <Empty title={say.noMemoryWasSampled} />;
        const most = Math.max(...samples.map((sample) => sample.data.totalJSHeapSize), 1);
        return (
          <table>
            <thead>
              <tr>
                <th scope="col">{common.time}</th>
                <th scope="col">{common.step}</th>
                <th scope="col" className="number">
                  {say.used}
                </th>
                <th scope="col" className="number">
                  {say.total}
                </th>
                <th scope="col" className="wide-bar">
                  <span className="visually-hidden">{say.share}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {samples.map((sample, position) => (
                <tr key={position}>
                  <td>{clock(sample.timestamp)}</td>
                  <td className="break">{sample.testStep}</td>
                  <td className="number">{bytes(sample.data.usedJSHeapSize)}</td>
                  <td className="number">{bytes(sample.data.totalJSHeapSize)}</td>
                  <td className="wide-bar">
                    <span className="share">
                      <span style={{ width: `${(sample.data.usedJSHeapSize / most) * 100}%` }} />
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        );
      }}
    </Show>
  );
}

export function Coverage({ uuid }: { uuid: string }) {
  const query = useDocuments<{ url: string; total: number; unused: number; percentUnused: number }>(
    'c.coverage-audit-*',
    uuid,
    {
      size: 500,
      sort: [{ unused: { order: 'desc', unmapped_type: 'long' } }],
    },
  );
  return (
    <Show query={query}>
      {(found) =>
        found.length === 0 ? (
          <Empty title={say.noCoverageWasMeasured}>
            <p>
              {say.switchItOnWith} <code>COVERAGE_AUDIT=allow</code>.
            </p>
          </Empty>
        ) : (
          <table>
            <thead>
              <tr>
                <th scope="col">{say.file}</th>
                <th scope="col" className="number">
                  {common.size}
                </th>
                <th scope="col" className="number">
                  {say.neverUsed}
                </th>
                <th scope="col" className="number">
                  {say.share}
                </th>
              </tr>
            </thead>
            <tbody>
              {found.map((file, position) => (
                <tr key={position}>
                  <td className="break">{file.url}</td>
                  <td className="number">{bytes(file.total)}</td>
                  <td className="number">{bytes(file.unused)}</td>
                  <td className="number">{file.percentUnused} %</td>
                </tr>
              ))}
            </tbody>
          </table>
        )
      }
    </Show>
  );
}

const MOST_DOCUMENTS = 500;

export function Documents({ uuid }: { uuid: string }) {
  const query = useQuery({
    queryKey: ['search', 'c.*', 'documents', uuid],
    queryFn: ({ signal }) =>
      search(
        'c.*',
        {
          size: MOST_DOCUMENTS,
          track_total_hits: true,
          query: { term: { uuid } },
          sort: [{ timestamp: { order: 'asc', unmapped_type: 'date' } }],
        },
        signal,
      ),
  });
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading />;
  const total = query.data.hits.total?.value ?? 0;
  return (
    <div className="stack">
      <p className="small soft">
        {count(total)} {say.documents}
        {total > MOST_DOCUMENTS && say.theFirstAreShown(MOST_DOCUMENTS)}
        {' · '}
        <Link to="/discover" search={{ index: 'c.*', q: `uuid: "${uuid}"`, from: 'now-90d', to: 'now' }}>
          {say.openInDiscover}
        </Link>
      </p>
      <ul className="document-list">
        {query.data.hits.hits.map((hit) => (
          <li key={hit._index + hit._id}>
            <DocumentLine hit={hit} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function DocumentLine({ hit }: { hit: Hit<Source> }) {
  const { event, url, name, text } = hit._source;
  return (
    <details>
      <summary>
        <span className="small soft mono">{fullDateTime(String(hit._source.timestamp))}</span>{' '}
        <span className="pill">{hit._index.replace(/-\d{4}\.\d\d\.\d\d$/, '')}</span>{' '}
        <span className="break">{String(event ?? url ?? name ?? text ?? '').slice(0, 140)}</span>
      </summary>
      <pre>{JSON.stringify(hit._source, null, 2)}</pre>
    </details>
  );
}
