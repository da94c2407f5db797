import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Empty } from './components/faces';
import { Layout } from './components/layout';
import { router as say } from './strings/router';

/** Paths and their search parameters: every state of a page that is worth sharing. */

type Raw = Record<string, unknown>;

const text = (raw: Raw, name: string): string | undefined => {
  const value = raw[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

const list = (raw: Raw, name: string): string[] | undefined => {
  const value = raw[name];
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' && value !== '' ? [value] : undefined;
};

/** Reads parameters by name; unknown ones fall away. */
const texts =
  <Name extends string>(...names: Name[]) =>
  (raw: Raw) => {
    const search: { [name in Name]?: string } = {};
    for (const name of names) {
      const value = text(raw, name);
      if (value !== undefined) search[name] = value;
    }
    return { ...search, ...(text(raw, 'kiosk') ? { kiosk: 'yes' } : {}) } as { [name in Name | 'kiosk']?: string };
  };

const root = createRootRoute({
  component: Layout,
  notFoundComponent: () => (
    <Empty title={say.thereIsNoSuchPage}>
      <p>{say.theAddressMayBeOld}</p>
    </Empty>
  ),
});

const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: texts('window', 'q', 'rotate'),
  component: lazyRouteComponent(() => import('./views/overview'), 'Overview'),
});

const monitor = createRoute({
  getParentRoute: () => root,
  path: '/monitors/$id',
  validateSearch: texts('from', 'to', 'tab'),
  component: lazyRouteComponent(() => import('./views/monitor'), 'MonitorView'),
});

const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  validateSearch: texts('monitor', 'outcome', 'cause', 'q', 'from', 'to'),
  component: lazyRouteComponent(() => import('./views/runs'), 'Runs'),
});

const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$uuid',
  validateSearch: texts('tab', 'step', 'request', 'type', 'host', 'status', 'q', 'frame'),
  component: lazyRouteComponent(() => import('./views/run'), 'RunView'),
});

const compare = createRoute({
  getParentRoute: () => root,
  path: '/compare',
  validateSearch: texts('run', 'with', 'monitor', 'beforeFrom', 'beforeTo', 'afterFrom', 'afterTo', 'picture'),
  component: lazyRouteComponent(() => import('./views/compare'), 'Compare'),
});

const discover = createRoute({
  getParentRoute: () => root,
  path: '/discover',
  validateSearch: (raw: Raw) => ({
    ...texts('index', 'q', 'language', 'from', 'to', 'refresh', 'columns', 'sort')(raw),
    ...(list(raw, 'filter') ? { filter: list(raw, 'filter') } : {}),
  }),
  component: lazyRouteComponent(() => import('./views/discover'), 'Discover'),
});

const dashboards = createRoute({
  getParentRoute: () => root,
  path: '/dashboards',
  validateSearch: (raw: Raw) => (list(raw, 'filter') ? { filter: list(raw, 'filter') } : {}),
  component: lazyRouteComponent(() => import('./views/dashboards'), 'Dashboards'),
});

const dashboard = createRoute({
  getParentRoute: () => root,
  path: '/dashboards/$id',
  validateSearch: (raw: Raw) => ({
    ...texts('from', 'to', 'refresh', 'q', 'edit', 'panel')(raw),
    ...(list(raw, 'filter') ? { filter: list(raw, 'filter') } : {}),
  }),
  component: lazyRouteComponent(() => import('./views/dashboard'), 'DashboardView'),
});

const embedded = createRoute({
  getParentRoute: () => root,
  path: '/embed/dashboards/$id',
  validateSearch: (raw: Raw) => ({
    ...texts('from', 'to', 'refresh', 'q')(raw),
    ...(list(raw, 'filter') ? { filter: list(raw, 'filter') } : {}),
  }),
  component: lazyRouteComponent(() => import('./views/embed'), 'Embedded'),
});

const incidents = createRoute({
  getParentRoute: () => root,
  path: '/incidents',
  validateSearch: texts('from', 'to'),
  component: lazyRouteComponent(() => import('./views/incidents'), 'Incidents'),
});

const incident = createRoute({
  getParentRoute: () => root,
  path: '/incidents/$id',
  validateSearch: texts('silence'),
  component: lazyRouteComponent(() => import('./views/incident'), 'IncidentView'),
});

const errors = createRoute({
  getParentRoute: () => root,
  path: '/errors',
  validateSearch: texts('from', 'to', 'kind', 'monitor', 'q'),
  component: lazyRouteComponent(() => import('./views/errors'), 'Errors'),
});

const error = createRoute({
  getParentRoute: () => root,
  path: '/errors/$fingerprint',
  validateSearch: texts('from', 'to', 'monitor'),
  component: lazyRouteComponent(() => import('./views/error'), 'ErrorView'),
});

const rules = createRoute({
  getParentRoute: () => root,
  path: '/rules',
  validateSearch: texts('rule'),
  component: lazyRouteComponent(() => import('./views/rules'), 'Rules'),
});

const report = createRoute({
  getParentRoute: () => root,
  path: '/report',
  validateSearch: texts('day', 'period'),
  component: lazyRouteComponent(() => import('./views/report'), 'Report'),
});

const stack = createRoute({
  getParentRoute: () => root,
  path: '/stack',
  validateSearch: texts('from', 'to'),
  component: lazyRouteComponent(() => import('./views/stack'), 'Stack'),
});

const access = createRoute({
  getParentRoute: () => root,
  path: '/access',
  component: lazyRouteComponent(() => import('./views/access'), 'AccessView'),
});

const branding = createRoute({
  getParentRoute: () => root,
  path: '/branding',
  component: lazyRouteComponent(() => import('./views/branding'), 'BrandingView'),
});

const components = createRoute({
  getParentRoute: () => root,
  path: '/components',
  component: lazyRouteComponent(() => import('./views/components'), 'Components'),
});

/** Plain texts, as people type and share them; a name that comes twice is a list. */
function parseSearch(search: string): Raw {
  const found: Raw = {};
  for (const [name, value] of new URLSearchParams(search)) {
    const before = found[name];
    found[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return found;
}

function stringifySearch(search: Raw): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== '') parameters.append(name, String(one));
    }
  }
  const text = parameters.toString().replaceAll('%3A', ':').replaceAll('%2F', '/').replaceAll('%2C', ',');
  return text ? `?${text}` : '';
}

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    monitor,
    runs,
    run,
    compare,
    discover,
    dashboards,
    dashboard,
    embedded,
    incidents,
    incident,
    errors,
    error,
    rules,
    report,
    stack,
    access,
    branding,
    components,
  ]),
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
  defaultPreload: 'intent',
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
