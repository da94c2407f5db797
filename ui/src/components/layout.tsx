import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import canary from '../canary.svg';
import { useApplied } from '../services/branding';
import { isEmbedded } from '../services/embed';
import { pinnedOf } from '../services/filters';
import { setPreferences, type Theme, usePreferences } from '../services/preferences';
import { useStatus } from '../services/server';
import { useLogOut, useSession } from '../services/session';
import { Login } from './login';
import { Dialog, Panel } from './menu';
import './layout.css';
import { common } from '../strings/common';
import { layout as say } from '../strings/layout';

const PAGES = [
  ['/', common.overview, 'M3 12 12 4l9 8v8h-6v-6H9v6H3z'],
  ['/runs', common.runs, 'M4 6h16M4 12h16M4 18h10'],
  ['/incidents', common.incidents, 'M12 4 21 19H3zM12 10v4M12 16.6v.4'],
  ['/errors', say.errors, 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9 9l6 6M15 9l-6 6'],
  ['/discover', say.discover, 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM20 20l-4.6-4.6'],
  ['/dashboards', say.dashboards, 'M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z'],
  ['/stack', say.stack, 'M4 7l8-4 8 4-8 4zM4 12l8 4 8-4M4 17l8 4 8-4'],
] as const;

function Icon({ path }: { path: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinejoin="round"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  );
}

const KEYS: [string, string][] = [
  ['/', say.search],
  ['?', say.thisHelp],
  ['g o', common.overview],
  ['g r', common.runs],
  ['g i', common.incidents],
  ['g e', say.errors],
  ['g d', say.discover],
  ['g b', say.dashboards],
  ['g s', say.stack],
  ['Esc', say.closeWhatIsOpen],
];

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** One key for search and help, two for pages. */
function useKeys(help: () => void): void {
  const navigate = useNavigate();
  useEffect(() => {
    let before = '';
    const pages: Record<string, '/' | '/runs' | '/incidents' | '/errors' | '/discover' | '/dashboards' | '/stack'> = {
      o: '/',
      r: '/runs',
      i: '/incidents',
      e: '/errors',
      d: '/discover',
      b: '/dashboards',
      s: '/stack',
    };
    const press = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const page = before === 'g' ? pages[event.key] : undefined;
      before = event.key;
      if (page) void navigate({ to: page });
      else if (event.key === '?') help();
      else if (event.key === '/') {
        event.preventDefault();
        const field = document.querySelector<HTMLInputElement>('main input[type="search"]');
        if (field) field.focus();
        else void navigate({ to: '/discover' });
      }
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [help, navigate]);
}

export function Layout() {
  const [help, setHelp] = useState(false);
  const { narrow } = usePreferences();
  const kiosk = useRouterState({ select: (state) => new URLSearchParams(state.location.searchStr).has('kiosk') });
  useKeys(() => setHelp(true));
  const { footer } = useApplied();
  const session = useSession();
  // Nothing is shown that would be taken away again.
  if (session.isPending) return null;
  if (session.data?.required && !session.data.user && !isEmbedded) return <Login />;
  if (kiosk || isEmbedded)
    return (
      <main id="main" className="kiosk">
        <Outlet />
      </main>
    );
  return (
    <div className={narrow ? 'frame narrow' : 'frame'}>
      <a className="skip" href="#main">
        {say.skipToContent}
      </a>
      <Navigation help={() => setHelp(true)} />
      <main id="main" tabIndex={-1}>
        <ConfigurationProblem />
        <Outlet />
        {footer && <footer className="small soft">{footer}</footer>}
      </main>
      <Dialog title={say.keys} open={help} close={() => setHelp(false)}>
        <table>
          <tbody>
            {KEYS.map(([key, what]) => (
              <tr key={key}>
                <td>
                  <kbd>{key}</kbd>
                </td>
                <td>{what}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Dialog>
    </div>
  );
}

/** Pages whose filters are those of other pages, too. */
const FILTERED = ['/discover', '/dashboards'];

function Navigation({ help }: { help: () => void }) {
  const { narrow } = usePreferences();
  const { name, logo } = useApplied();
  const search = useRouterState({ select: (state) => state.location.searchStr });
  const pinned = pinnedOf(new URLSearchParams(search).getAll('filter'));
  return (
    <header className="side">
      <Link to="/" className="brand">
        <img src={logo ?? canary} alt="" width="26" height="26" />
        <span className="text">{name}</span>
      </Link>
      <nav aria-label={say.pages}>
        {PAGES.map(([to, title, path]) => (
          <Link
            key={to}
            to={to}
            search={pinned && FILTERED.includes(to) ? { filter: pinned } : {}}
            activeOptions={{ exact: to === '/', includeSearch: false }}
            activeProps={{ className: 'current', 'aria-current': 'page' }}
            title={title}
          >
            <Icon path={path} />
            <span className="text">{title}</span>
          </Link>
        ))}
      </nav>
      <div className="side-foot">
        <Settings />
        <button
          type="button"
          className="button quiet icon"
          onClick={help}
          aria-label={say.keys}
          title={say.keysWithShortcut}
        >
          ?
        </button>
        <button
          type="button"
          className="button quiet icon fold"
          aria-label={narrow ? say.showNamesOfPages : say.hideNamesOfPages}
          onClick={() => setPreferences({ narrow: !narrow })}
        >
          {narrow ? '»' : '«'}
        </button>
      </div>
    </header>
  );
}

const ZONES = ['', 'UTC', ...Intl.supportedValuesOf('timeZone')];
const THEMES: [Theme, string][] = [
  ['system', say.asTheSystem],
  ['light', say.light],
  ['dark', say.dark],
  ['contrast', say.highContrast],
];

function Settings() {
  const { theme, timeZone } = usePreferences();
  const status = useStatus();
  return (
    <Panel
      label={say.settings}
      className="button quiet icon"
      content={() => (
        <div className="stack">
          <label className="field">
            <span>{say.theme}</span>
            <select value={theme} onChange={(event) => setPreferences({ theme: event.target.value as Theme })}>
              {THEMES.map(([id, title]) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>{say.timeZone}</span>
            <select value={timeZone} onChange={(event) => setPreferences({ timeZone: event.target.value })}>
              {ZONES.map((zone) => (
                <option key={zone} value={zone}>
                  {zone || say.browser(Intl.DateTimeFormat().resolvedOptions().timeZone)}
                </option>
              ))}
            </select>
          </label>
          <Person />
          <p className="small soft">{say.canarytraceStore(status.data?.version ?? '', status.data?.store ?? '')}</p>
        </div>
      )}
    >
      <Icon path="M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2" />
    </Panel>
  );
}

/** Who is logged in, where people log in. */
function Person() {
  const session = useSession();
  const logOut = useLogOut();
  return (
    <div className="spread">
      {session.data?.user ? (
        <>
          <span className="small">
            {session.data.user} · {session.data.role}
          </span>
          <button type="button" className="button" onClick={() => logOut.mutate()}>
            {say.logOut}
          </button>
        </>
      ) : null}
      {session.data?.role === 'admin' && (
        <>
          <Link className="small" to="/access">
            {say.usersAndTokens}
          </Link>
          <Link className="small" to="/branding">
            {say.branding}
          </Link>
        </>
      )}
    </div>
  );
}

/** Why the configuration file is not in force. */
function ConfigurationProblem() {
  const status = useStatus();
  if (!status.data?.configurationProblem) return null;
  return (
    <p className="notice failed" role="alert">
      {say.theChangedConfigurationIsNot(status.data.configurationProblem)}
    </p>
  );
}

/** The head of a page: what it is, and what can be done. */
export function PageHead({ title, children, crumbs }: { title: ReactNode; children?: ReactNode; crumbs?: ReactNode }) {
  return (
    <header className="page-head">
      <div className="page-title">
        {crumbs && <p className="small soft">{crumbs}</p>}
        <h1>{title}</h1>
      </div>
      {children && <div className="row">{children}</div>}
    </header>
  );
}
