import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import type { RequestDocument } from '../services/api';
import { bytes, count, milliseconds } from '../services/format';
import { shortUrl } from '../services/url';
import {
  matches,
  NO_ANSWER,
  PHASE_NAMES,
  PHASES,
  type Row,
  statusClass,
  THIRD_PARTIES,
  typeOf,
  type Wanted,
  waterfall,
} from '../services/waterfall';
import './waterfall.css';
import { common } from '../strings/common';
import { waterfall as say } from '../strings/waterfall';

export interface Mark {
  name: string;
  /** Milliseconds after the first request. */
  at: number;
}

const ROW_HEIGHT = 27;

/** All requests of a run, however many; one can be open beside them. */
export function Waterfall({
  requests,
  marks,
  wanted,
  onWanted,
  open,
  onOpen,
}: {
  requests: RequestDocument[];
  marks: Mark[];
  wanted: Wanted;
  onWanted: (changes: Partial<Wanted>) => void;
  open: string | undefined;
  onOpen: (sequence: string | undefined) => void;
}) {
  const { rows, total } = useMemo(() => waterfall(requests), [requests]);
  const shown = useMemo(() => rows.filter((row) => matches(row, wanted)), [rows, wanted]);
  const opened = rows.find((row) => String(row.document.sequence) === open);
  const place = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: shown.length,
    getScrollElement: () => place.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 20,
  });
  return (
    <div className="stack">
      <Filters rows={rows} shown={shown.length} wanted={wanted} onWanted={onWanted} />
      <div className={opened ? 'waterfall-frame with-details' : 'waterfall-frame'}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is scrolled by keys, too */}
        <div className="waterfall" ref={place} tabIndex={0}>
          <div role="table" aria-label={common.requests} aria-rowcount={shown.length + 1}>
            <div role="row" className="waterfall-row head">
              <span role="columnheader">{say.request}</span>
              <span role="columnheader">{say.status}</span>
              <span role="columnheader" className="minor">
                {say.type}
              </span>
              <span role="columnheader" className="minor">
                {say.priority}
              </span>
              <span role="columnheader" className="number">
                {common.size}
              </span>
              <span role="columnheader" className="number">
                {common.time}
              </span>
              <span role="columnheader" className="axis">
                <Scale total={total} marks={marks} />
              </span>
            </div>
            <div role="rowgroup" style={{ height: list.getTotalSize(), position: 'relative' }}>
              {list.getVirtualItems().map((item) => {
                const row = shown[item.index];
                if (!row) return null;
                return (
                  <RequestRow
                    key={row.document.sequence}
                    row={row}
                    total={total}
                    marks={marks}
                    top={item.start}
                    position={item.index}
                    isOpen={row === opened}
                    toggle={() => onOpen(row === opened ? undefined : String(row.document.sequence))}
                  />
                );
              })}
            </div>
          </div>
        </div>
        {opened && <Details row={opened} close={() => onOpen(undefined)} />}
      </div>
      <ul className="row legend small" aria-label={say.phases}>
        {PHASES.map((phase) => (
          <li key={phase}>
            <span className={`dot ${phase}`} aria-hidden="true" /> {PHASE_NAMES[phase]}
          </li>
        ))}
        <li>
          <span className="third-mark" aria-hidden="true">
            3
          </span>{' '}
          {say.thirdParty}
        </li>
      </ul>
    </div>
  );
}

const options = (values: string[]): [string, number][] =>
  [...Map.groupBy(values, (value) => value)]
    .map(([value, all]): [string, number] => [value, all.length])
    .sort((a, b) => b[1] - a[1]);

function Filters({
  rows,
  shown,
  wanted,
  onWanted,
}: {
  rows: Row[];
  shown: number;
  wanted: Wanted;
  onWanted: (changes: Partial<Wanted>) => void;
}) {
  const third = rows.filter((row) => row.isThird).length;
  const choices: ['type' | 'host' | 'status', string, [string, number][]][] = [
    ['type', say.anyType, options(rows.map(typeOf))],
    [
      'host',
      say.anyHost,
      [...(third > 0 ? [[THIRD_PARTIES, third] as [string, number]] : []), ...options(rows.map((row) => row.host))],
    ],
    ['status', say.anyStatus, options(rows.map(statusClass))],
  ];
  return (
    <div className="row">
      <input
        type="search"
        className="input find"
        aria-label={say.findARequest}
        placeholder={say.findARequest}
        value={wanted.text ?? ''}
        onChange={(event) => onWanted({ text: event.target.value })}
      />
      {choices.map(([name, any, list]) => (
        <select
          key={name}
          className="input"
          style={{ width: 'auto', maxWidth: 200 }}
          aria-label={any}
          value={wanted[name] ?? ''}
          onChange={(event) => onWanted({ [name]: event.target.value })}
        >
          <option value="">{any}</option>
          {list.map(([value, many]) => (
            <option key={value} value={value}>
              {WORDS[value] ?? value} ({many})
            </option>
          ))}
        </select>
      ))}
      <span className="small soft" role="status">
        {shown === rows.length
          ? say.requestCount(count(rows.length))
          : say.ofRequests(count(shown), count(rows.length))}{' '}
        · {bytes(rows.reduce((sum, row) => sum + (row.document.response?.totalEncodedDataLength ?? 0), 0))}
      </span>
    </div>
  );
}

/** What words of addresses are called. */
const WORDS: Record<string, string> = {
  [THIRD_PARTIES]: say.thirdParties,
  [NO_ANSWER]: say.noAnswer,
  '': say.none,
};

function Scale({ total, marks }: { total: number; marks: Mark[] }) {
  return (
    <span className="scale">
      <span>0</span>
      <span>{milliseconds(total)}</span>
      {marks.map((mark) => (
        <span
          key={mark.name}
          className="mark-name"
          style={{ left: `${(mark.at / total) * 100}%` }}
          title={`${mark.name} ${milliseconds(mark.at)}`}
        >
          {mark.name}
        </span>
      ))}
    </span>
  );
}

function RequestRow({
  row,
  total,
  marks,
  top,
  position,
  isOpen,
  toggle,
}: {
  row: Row;
  total: number;
  marks: Mark[];
  top: number;
  position: number;
  isOpen: boolean;
  toggle: () => void;
}) {
  const { document } = row;
  return (
    <div
      role="row"
      aria-rowindex={position + 2}
      className={`waterfall-row${row.isBad ? ' bad' : ''}${isOpen ? ' open' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" className="clip">
        <button type="button" className="plain clip" onClick={toggle} aria-expanded={isOpen} title={document.url}>
          {row.isThird && (
            <span className="third-mark" title={say.thirdPartyHost(row.host)}>
              3<span className="visually-hidden">{say.rdParty}</span>
            </span>
          )}
          {shortUrl(document.url)}
        </button>
      </span>
      <span role="cell" className="clip" title={document.failure}>
        {document.failure ? '✗ failed' : (document.response?.status ?? '–')}
      </span>
      <span role="cell" className="minor clip">
        {document.request.type ?? '–'}
      </span>
      <span role="cell" className="minor clip">
        {document.request.initialPriority ?? '–'}
      </span>
      <span role="cell" className="number">
        {bytes(document.response?.totalEncodedDataLength)}
      </span>
      <span role="cell" className="number">
        {milliseconds(row.duration)}
      </span>
      <span role="cell" className="axis">
        {marks.map((mark) => (
          <span key={mark.name} className="mark" style={{ left: `${(mark.at / total) * 100}%` }} />
        ))}
        <span
          className="bar"
          style={{ left: `${(row.start / total) * 100}%`, width: `${Math.max((row.duration / total) * 100, 0.3)}%` }}
        >
          {row.phases.map(([phase, value]) => (
            <span
              key={phase}
              className={phase}
              style={{ width: `${row.duration > 0 ? (value / row.duration) * 100 : 0}%` }}
              title={`${PHASE_NAMES[phase]} ${milliseconds(value)}`}
            />
          ))}
        </span>
      </span>
    </div>
  );
}

function Details({ row, close }: { row: Row; close: () => void }) {
  const { document } = row;
  const { initiator } = document.request;
  const facts: [string, string | undefined][] = [
    [say.status, document.failure ?? `${document.response?.status ?? '–'} ${document.response?.statusText ?? ''}`],
    [common.host, `${row.host}${row.isThird ? say.thirdPartySuffix : ''}`],
    [say.address, document.response?.remoteIPAddress],
    [say.protocol, document.response?.protocol],
    [say.type, document.response?.mimeType],
    [say.priority, document.request.initialPriority],
    [
      say.askedForBy,
      initiator
        ? [initiator.type, initiator.url, initiator.lineNumber].filter((part) => part !== undefined).join(' ')
        : undefined,
    ],
    [common.size, bytes(document.response?.totalEncodedDataLength)],
  ];
  return (
    <aside className="details card" aria-label={say.request}>
      <header className="spread">
        <h3>{say.requestOfMethod(document.request.method)}</h3>
        <button type="button" className="button quiet icon" aria-label={common.close} onClick={close}>
          ✕
        </button>
      </header>
      <p className="break mono small">{document.url}</p>
      <dl className="facts">
        {facts.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd className="break">{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      {row.phases.length > 0 && (
        <table className="small">
          <caption className="visually-hidden">{say.timing}</caption>
          <tbody>
            {row.phases.map(([phase, value]) => (
              <tr key={phase}>
                <th scope="row">
                  <span className={`dot ${phase}`} aria-hidden="true" /> {PHASE_NAMES[phase]}
                </th>
                <td className="number">{milliseconds(value)}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">{say.total}</th>
              <td className="number">{milliseconds(row.duration)}</td>
            </tr>
          </tbody>
        </table>
      )}
      <Headers title={say.responseHeaders} headers={document.response?.headers} />
      <Headers title={say.requestHeaders} headers={document.request.headers} />
      {document.request.postData && (
        <details>
          <summary>{say.requestBody}</summary>
          <pre>{document.request.postData}</pre>
        </details>
      )}
    </aside>
  );
}

function Headers({ title, headers }: { title: string; headers: Record<string, string> | undefined }) {
  if (!headers || Object.keys(headers).length === 0) return null;
  return (
    <details>
      <summary>
        {title} ({Object.keys(headers).length})
      </summary>
      <dl className="headers small">
        {Object.entries(headers).map(([name, value]) => (
          <div key={name}>
            <dt className="mono">{name}</dt>
            <dd className="break">{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
