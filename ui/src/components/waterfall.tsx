import { useState } from 'react';
import { bytes, milliseconds } from '../services/format';
import type { RequestDocument } from '../services/model';

const PHASES = ['blocked', 'dns', 'connect', 'ssl', 'send', 'wait', 'receive'] as const;
const MAX_ROWS = 500;

interface Row {
  document: RequestDocument;
  start: number;
  duration: number;
}

/** Requests of a step or run on one time axis. */
export function Waterfall({ requests }: { requests: RequestDocument[] }) {
  const [open, setOpen] = useState<number>();
  const begin = Math.min(...requests.map((document) => document.request.timestamp));
  const rows: Row[] = requests.slice(0, MAX_ROWS).map((document) => {
    const ended = document.response?.timestamp;
    const duration = document.har?.time ?? (ended ? (ended - document.request.timestamp) * 1000 : 0);
    return { document, start: (document.request.timestamp - begin) * 1000, duration };
  });
  const total = Math.max(...rows.map((row) => row.start + row.duration), 1);
  return (
    <div className="table-scroll">
      <table className="waterfall">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Status</th>
            <th scope="col">Type</th>
            <th scope="col" className="number">
              Size
            </th>
            <th scope="col" className="number">
              Time
            </th>
            <th scope="col" className="axis">
              0 – {milliseconds(total)}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <RequestRow
              key={row.document.sequence}
              row={row}
              total={total}
              open={open === row.document.sequence}
              toggle={() => setOpen(open === row.document.sequence ? undefined : row.document.sequence)}
            />
          ))}
        </tbody>
      </table>
      {requests.length > MAX_ROWS && (
        <p className="muted">{requests.length - MAX_ROWS} more requests are in Discover.</p>
      )}
    </div>
  );
}

function RequestRow({ row, total, open, toggle }: { row: Row; total: number; open: boolean; toggle: () => void }) {
  const { document } = row;
  const status = document.response?.status;
  const failed = document.failure !== undefined || (status !== undefined && status > 399);
  return (
    <>
      <tr className={failed ? 'bad' : undefined}>
        <td className="url">
          <button type="button" className="plain" onClick={toggle} aria-expanded={open} title={document.url}>
            {shortUrl(document.url)}
          </button>
        </td>
        <td>{document.failure ?? status ?? '–'}</td>
        <td>{document.request.type ?? '–'}</td>
        <td className="number">{bytes(document.response?.totalEncodedDataLength)}</td>
        <td className="number">{milliseconds(row.duration)}</td>
        <td className="axis">
          <span
            className="bar"
            style={{
              marginLeft: `${(row.start / total) * 100}%`,
              width: `${Math.max((row.duration / total) * 100, 0.4)}%`,
            }}
          >
            {document.har &&
              PHASES.filter((phase) => phase !== 'ssl').map((phase) => (
                <Phase key={phase} name={phase} value={document.har?.[phase] ?? 0} time={row.duration} />
              ))}
          </span>
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={6}>
            <Details document={document} />
          </td>
        </tr>
      )}
    </>
  );
}

function Phase({ name, value, time }: { name: string; value: number; time: number }) {
  if (value <= 0 || time <= 0) return null;
  return (
    <span
      className={`phase ${name}`}
      style={{ width: `${(value / time) * 100}%` }}
      title={`${name} ${milliseconds(value)}`}
    />
  );
}

function Details({ document }: { document: RequestDocument }) {
  const phases = document.har
    ? PHASES.map((phase) => [phase, document.har?.[phase] ?? -1] as const).filter(([, value]) => value >= 0)
    : [];
  return (
    <div className="details">
      <p className="break">
        {document.request.method} {document.url}
      </p>
      {phases.length > 0 && <p>{phases.map(([phase, value]) => `${phase} ${milliseconds(value)}`).join(' · ')}</p>}
      <p className="muted">
        {[document.response?.protocol, document.response?.remoteIPAddress, document.request.initialPriority]
          .filter(Boolean)
          .join(' · ')}
      </p>
      <Headers title="Response headers" headers={document.response?.headers} />
      <Headers title="Request headers" headers={document.request.headers} />
    </div>
  );
}

function Headers({ title, headers }: { title: string; headers: Record<string, string> | undefined }) {
  if (!headers) return null;
  return (
    <details>
      <summary>{title}</summary>
      <dl className="headers">
        {Object.entries(headers).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function shortUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (parsed.protocol === 'data:') return `${url.slice(0, 40)}…`;
  const path = parsed.pathname + parsed.search;
  return path === '/' ? parsed.host : path;
}
