import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch as useParameters } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Empty, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Badge, causeName } from '../components/outcome';
import type { ComparedSide, Comparison, VitalChange } from '../services/api';
import { bytes, dateTime, milliseconds } from '../services/format';
import { get, post } from '../services/http';
import { resolve } from '../services/time';
import { attachment } from '../services/url';
import './compare.css';
import { common } from '../strings/common';
import { compare as say } from '../strings/compare';

export function Compare() {
  const parameters = useParameters({ from: '/compare' });
  const { run, with: other, monitor, beforeFrom, beforeTo, afterFrom, afterTo } = parameters;
  const ranges = monitor && beforeFrom && beforeTo && afterFrom && afterTo;
  const query = useQuery({
    queryKey: ['compare', parameters],
    enabled: Boolean(run || ranges),
    queryFn: ({ signal }) =>
      run
        ? get<Comparison>(
            `/api/v1/runs/${encodeURIComponent(run)}/compare${other ? `?with=${encodeURIComponent(other)}` : ''}`,
            signal,
          )
        : post<Comparison>(
            '/api/v1/compare',
            { monitor, before: { from: beforeFrom, to: beforeTo }, after: { from: afterFrom, to: afterTo } },
            signal,
          ),
  });
  return (
    <>
      <PageHead
        title={common.whatChanged}
        crumbs={
          run ? (
            <Link to="/runs/$uuid" params={{ uuid: run }}>
              {say.run(run)}
            </Link>
          ) : undefined
        }
      >
        <Another />
      </PageHead>
      {run || ranges ? (
        <Show query={query}>{(found) => <Found found={found} />}</Show>
      ) : (
        <Empty title={say.compareTwoRunsOrTwo}>
          <p>{say.openARunAndChoose}</p>
        </Empty>
      )}
    </>
  );
}

const SPANS: [string, string][] = [
  ['1h', say.theLastHourWithThe],
  ['24h', say.theLast24HoursWith],
  ['7d', say.theLast7DaysWith],
];

/** Two times of a monitor, or another run to compare with. */
function Another() {
  const parameters = useParameters({ from: '/compare' });
  const navigate = useNavigate({ from: '/compare' });
  const [monitor, setMonitor] = useState(parameters.monitor ?? '');
  const [other, setOther] = useState(parameters.with ?? '');
  if (parameters.run)
    return (
      <form
        className="row"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ search: (old) => ({ ...old, with: other.trim() }) });
        }}
      >
        <input
          className="input mono"
          style={{ width: 300 }}
          aria-label={say.compareWithRun}
          placeholder={say.idOfAnotherRun}
          value={other}
          onChange={(event) => setOther(event.target.value)}
        />
        <button type="submit" className="button">
          {say.compareWithIt}
        </button>
      </form>
    );
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        const span = String(new FormData(event.currentTarget).get('span'));
        const now = Date.now();
        const length = now - (resolve(`now-${span}`, now) ?? now);
        const iso = (at: number) => new Date(at).toISOString();
        void navigate({
          search: {
            monitor: monitor.trim(),
            beforeFrom: iso(now - 2 * length),
            beforeTo: iso(now - length),
            afterFrom: iso(now - length),
            afterTo: iso(now),
          },
        });
      }}
    >
      <input
        className="input"
        style={{ width: 200 }}
        aria-label={common.monitor}
        placeholder="Monitor"
        value={monitor}
        onChange={(event) => setMonitor(event.target.value)}
        required
      />
      <select className="input" style={{ width: 'auto' }} name="span" aria-label={say.times}>
        {SPANS.map(([span, name]) => (
          <option key={span} value={span}>
            {name}
          </option>
        ))}
      </select>
      <button type="submit" className="button primary">
        {common.compare}
      </button>
    </form>
  );
}

function Found({ found }: { found: Comparison }) {
  return (
    <>
      <section className="card headline" aria-label={say.mostLikelyChange}>
        <p className="small soft">{say.mostLikelyChange}</p>
        <h2 className="break">{found.headline}</h2>
      </section>
      <div className="two">
        <SideCard title={say.before} side={found.before} />
        <SideCard title={say.after} side={found.after} />
      </div>
      <Pictures before={found.before} after={found.after} />
      <Figures found={found} />
      <Steps found={found} />
      <Requests found={found} />
      <ThirdParties found={found} />
      <Console found={found} />
      <Headers found={found} />
    </>
  );
}

function SideCard({ title, side }: { title: string; side: ComparedSide }) {
  const failed = side.failed > 0;
  return (
    <section className="card" aria-label={title}>
      <header className="spread">
        <h2>{title}</h2>
        <Badge state={failed ? 'failed' : 'passed'}>
          {side.runs === 1
            ? failed
              ? `failed${side.cause ? ` · ${causeName(side.cause)}` : ''}`
              : 'passed'
            : say.ofFailed(side.failed, side.runs)}
        </Badge>
      </header>
      <p>
        {side.uuid ? (
          <Link to="/runs/$uuid" params={{ uuid: side.uuid }}>
            {dateTime(side.from)}
          </Link>
        ) : (
          `${dateTime(side.from)} – ${dateTime(side.to)}`
        )}{' '}
        · {side.monitor}
      </p>
      {side.detail && <p className="small soft break">{side.detail}</p>}
    </section>
  );
}

const VITALS: Record<string, string> = { load: common.load, lcp: 'LCP', fcp: 'FCP', ttfb: 'TTFB', cls: 'CLS' };

function Change({ before, after, show }: Pick<VitalChange, 'before' | 'after'> & { show: (value: number) => string }) {
  const change = before && after !== null ? (after / before - 1) * 100 : null;
  return (
    <>
      <td className="number">{before === null ? '–' : show(before)}</td>
      <td className="number">{after === null ? '–' : show(after)}</td>
      <td
        className={`number ${change !== null && change > 30 ? 'worse' : change !== null && change < -30 ? 'better' : ''}`}
      >
        {change === null ? '' : `${change > 0 ? '+' : ''}${change.toFixed(0)} %`}
      </td>
    </>
  );
}

function Table({
  title,
  note,
  head,
  children,
  empty,
}: {
  title: string;
  note?: string;
  head: string[];
  children: ReactNode[];
  empty?: string;
}) {
  if (children.length === 0 && !empty) return null;
  return (
    <section className="card flush" aria-label={title}>
      <header className="spread">
        <h2>{title}</h2>
        {note && <span className="small soft">{note}</span>}
      </header>
      {children.length === 0 ? (
        <p className="soft" style={{ padding: 'var(--space-4)' }}>
          {empty}
        </p>
      ) : (
        <div className="scroll-x">
          <table>
            <thead>
              <tr>
                {head.map((name) => (
                  <th
                    key={name}
                    scope="col"
                    className={['Before', 'After', 'Change', 'Size', 'Time'].includes(name) ? 'number' : undefined}
                  >
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Figures({ found }: { found: Comparison }) {
  const names: Record<string, string> = {
    browser: common.browser,
    canarytrace: 'canarytrace',
    revision: say.revisionOfTheScript,
  };
  return (
    <div className="two">
      <Table title={say.webVitals} head={[say.vital, say.before, say.after, common.change]}>
        {found.vitals.map((vital) => (
          <tr key={vital.name}>
            <td>{VITALS[vital.name] ?? vital.name}</td>
            <Change {...vital} show={vital.name === 'cls' ? (value) => value.toFixed(3) : milliseconds} />
          </tr>
        ))}
      </Table>
      <Table title={say.versions} head={[say.what, say.before, say.after]}>
        {found.versions
          .filter((version) => (version.before?.length ?? 0) + (version.after?.length ?? 0) > 0)
          .map((version) => {
            const same = String(version.before) === String(version.after);
            return (
              <tr key={version.name}>
                <td>{names[version.name] ?? version.name}</td>
                <td className="number">{version.before?.join(', ')}</td>
                <td className={`number ${same ? '' : 'worse'}`}>{same ? say.theSame : version.after?.join(', ')}</td>
              </tr>
            );
          })}
      </Table>
    </div>
  );
}

function Changes({ list }: { list: string[] }) {
  return (
    <span className="row">
      {list.map((change) => (
        <Badge
          key={change}
          state={
            ['fails', 'other answer', 'gone'].includes(change)
              ? 'failed'
              : ['slower', 'bigger', 'new'].includes(change)
                ? 'slow'
                : 'passed'
          }
        >
          {change}
        </Badge>
      ))}
    </span>
  );
}

function Steps({ found }: { found: Comparison }) {
  return (
    <Table title={common.steps} head={[common.step, say.what, say.before, say.after, common.change]}>
      {found.steps.map((step) => (
        <tr key={step.title}>
          <td className="break">
            {step.title}
            {step.after?.error && <p className="small worse break">{step.after.error}</p>}
          </td>
          <td>
            <Changes list={step.changes} />
          </td>
          <Change before={step.before?.durationMs ?? null} after={step.after?.durationMs ?? null} show={milliseconds} />
        </tr>
      ))}
    </Table>
  );
}

const MOST = 50;

function Requests({ found }: { found: Comparison }) {
  const [all, setAll] = useState(false);
  const shown = all ? found.requests : found.requests.slice(0, MOST);
  return (
    <>
      <Table
        title={common.requests}
        note={say.changedDidNot(found.requests.length, found.requestsSame)}
        head={[say.request, say.what, say.answer, common.size, say.before, say.after, common.change]}
        empty={say.noRequestChanged}
      >
        {shown.map((request) => (
          <tr key={request.method + request.url}>
            <td className="break">
              {request.thirdParty && <span className="pill">{say.thirdParty}</span>}{' '}
              {request.method === 'GET' ? '' : `${request.method} `}
              {request.url}
            </td>
            <td>
              <Changes list={request.changes} />
            </td>
            <td className={request.changes.includes('other answer') ? 'worse' : undefined}>
              {[request.before?.answers.join(', '), request.after?.answers.join(', ')]
                .filter((answer, at, list) => answer !== undefined && (at === 0 || answer !== list[0]))
                .join(' → ')}
            </td>
            <td className="number">{bytes(request.after?.bytes ?? request.before?.bytes)}</td>
            <Change
              before={request.before?.durationMs ?? null}
              after={request.after?.durationMs ?? null}
              show={milliseconds}
            />
          </tr>
        ))}
      </Table>
      {!all && found.requests.length > MOST && (
        <button type="button" className="button" onClick={() => setAll(true)}>
          {say.showAll(found.requests.length)}
        </button>
      )}
    </>
  );
}

function ThirdParties({ found }: { found: Comparison }) {
  return (
    <Table
      title={say.thirdParties}
      note={say.timeOfAllTheirRequests}
      head={[common.host, say.what, say.before, say.after, common.change]}
    >
      {found.thirdParties.map((party) => (
        <tr key={party.host}>
          <td>{party.host}</td>
          <td>
            <Changes list={[party.change]} />
          </td>
          <Change {...party} show={milliseconds} />
        </tr>
      ))}
    </Table>
  );
}

function Console({ found }: { found: Comparison }) {
  return (
    <Table title={say.console} note={say.errorsAndWarningsStandsFor} head={[say.text, say.what]}>
      {found.console.map((line) => (
        <tr key={line.text + line.change}>
          <td className="break mono">{line.text}</td>
          <td>
            <Badge state={line.change === 'new' ? 'failed' : 'passed'}>{line.change}</Badge>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Headers({ found }: { found: Comparison }) {
  return (
    <Table title={say.headersOfPages} head={[say.header, say.before, say.after]}>
      {found.headers.map((header) => (
        <tr key={header.url + header.name}>
          <td className="break">
            <span className="mono">{header.name}</span>
            <p className="small soft">{header.url}</p>
          </td>
          <td className="break">{header.before ?? '–'}</td>
          <td className="break">{header.after ?? '–'}</td>
        </tr>
      ))}
    </Table>
  );
}

const MODES: Record<string, string> = { side: say.sideBySide, slider: say.slider, difference: say.difference };

function Pictures({ before, after }: { before: ComparedSide; after: ComparedSide }) {
  const { picture = 'side' } = useParameters({ from: '/compare' });
  const navigate = useNavigate({ from: '/compare' });
  if (!before.screenshot || !after.screenshot || !before.uuid || !after.uuid) return null;
  const [one, other] = [attachment(before.uuid, before.screenshot), attachment(after.uuid, after.screenshot)];
  return (
    <section className="card" aria-label={say.screenshots}>
      <header className="spread">
        <h2>{say.screenshots}</h2>
        <fieldset className="segments">
          <legend className="visually-hidden">{say.howToCompare}</legend>
          {Object.entries(MODES).map(([mode, name]) => (
            <label key={mode} className={mode === picture ? 'on' : undefined}>
              <input
                type="radio"
                className="visually-hidden"
                name="picture"
                checked={mode === picture}
                onChange={() =>
                  void navigate({ search: (old) => ({ ...old, picture: mode }), replace: true, resetScroll: false })
                }
              />
              {name}
            </label>
          ))}
        </fieldset>
      </header>
      {picture === 'side' && (
        <div className="two">
          <img className="screenshot" src={one} alt={say.before} />
          <img className="screenshot" src={other} alt={say.after} />
        </div>
      )}
      {picture === 'slider' && <Slider before={one} after={other} />}
      {picture === 'difference' && <Difference before={one} after={other} />}
    </section>
  );
}

function Slider({ before, after }: { before: string; after: string }) {
  const [at, setAt] = useState(50);
  return (
    <div>
      <div className="slider">
        <img src={after} alt={say.after} />
        <img src={before} alt={say.before} style={{ clipPath: `inset(0 ${100 - at}% 0 0)` }} />
        <span className="slider-line" style={{ left: `${at}%` }} />
      </div>
      <input
        type="range"
        min="0"
        max="100"
        value={at}
        aria-label={say.beforeOnTheLeftAfter}
        onChange={(event) => setAt(Number(event.target.value))}
        style={{ width: '100%' }}
      />
    </div>
  );
}

const NOTABLE_DIFFERENCE = 24;

/** Pixels that differ, in the color of a failure over a pale picture. */
function Difference({ before, after }: { before: string; after: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [share, setShare] = useState<number>();
  useEffect(() => {
    let gone = false;
    const load = (source: string) =>
      new Promise<HTMLImageElement>((done, failed) => {
        const image = new Image();
        image.onload = () => done(image);
        image.onerror = failed;
        image.src = source;
      });
    void Promise.all([load(before), load(after)]).then(([one, other]) => {
      const place = canvas.current;
      if (gone || !place) return;
      place.width = Math.max(one.width, other.width);
      place.height = Math.max(one.height, other.height);
      const context = place.getContext('2d', { willReadFrequently: true });
      if (!context) return;
      const pixels = (image: HTMLImageElement) => {
        context.clearRect(0, 0, place.width, place.height);
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, place.width, place.height);
      };
      const [a, b] = [pixels(one), pixels(other)];
      let different = 0;
      for (let at = 0; at < a.data.length; at += 4) {
        const distance = [0, 1, 2, 3].reduce(
          (most, part) => Math.max(most, Math.abs((a.data[at + part] ?? 0) - (b.data[at + part] ?? 0))),
          0,
        );
        const isOther = distance > NOTABLE_DIFFERENCE;
        different += Number(isOther);
        const pale = 200 + ((b.data[at] ?? 0) + (b.data[at + 1] ?? 0) + (b.data[at + 2] ?? 0)) / 14;
        b.data.set(isOther ? [192, 49, 43, 255] : [pale, pale, pale, 255], at);
      }
      context.putImageData(b, 0, 0);
      setShare((different / (a.data.length / 4)) * 100);
    });
    return () => {
      gone = true;
    };
  }, [before, after]);
  return (
    <figure>
      <canvas ref={canvas} className="screenshot" />
      <figcaption className="small soft" role="status">
        {share === undefined ? say.comparing : say.ofThePixelsDiffer(share.toFixed(2))}
      </figcaption>
    </figure>
  );
}
