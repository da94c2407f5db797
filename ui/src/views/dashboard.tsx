import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import { Empty, Failure, Loading, Show } from '../components/faces';
import { FilterPills } from '../components/filter-pills';
import { PageHead } from '../components/layout';
import { Menu } from '../components/menu';
import { QueryBar } from '../components/query-bar';
import { TimePicker } from '../components/time-picker';
import { chosenQuery } from '../panels/controls';
import { exportedTable, PanelBody, type PanelContext } from '../panels/panel';
import type { Dashboard, Panel as PanelModel } from '../services/api';
import {
  chartFilter,
  type Filter,
  filterQueries,
  MEANT,
  readFilters,
  textQuery,
  writeFilter,
} from '../services/filters';
import { download, handOver } from '../services/http';
import { timeZone, usePreferences } from '../services/preferences';
import { kql, type Query } from '../services/search';
import { newId, type Saved, useSave, useSaved, useStatus } from '../services/server';
import { useMayEdit, useSession } from '../services/session';
import type { TimeRange } from '../services/time';
import { EmbedDialog } from './embed-dialog';
import './dashboards.css';
import { common } from '../strings/common';
import { dashboard as say } from '../strings/dashboard';

const Editor = lazy(() => import('../panels/editor'));
const EditGrid = lazy(() => import('../panels/edit-grid'));

export function DashboardView() {
  const { id } = useParams({ from: '/dashboards/$id' });
  const saved = useSaved<Dashboard>('dashboards', id);
  return <Show query={saved}>{(entry) => <Loaded key={`${entry.id} ${entry.seqNo ?? ''}`} entry={entry} />}</Show>;
}

/** What the address says of a dashboard. */
export interface DashboardSearch {
  from?: string;
  to?: string;
  refresh?: string;
  q?: string;
  filter?: string[] | undefined;
}

/** Choices of controls are filters that name their field; all others are pills. */
function controlFields(dashboard: Dashboard): string[] {
  return dashboard.panels.flatMap(({ chart }) =>
    chart.kind === 'control' ? chart.controls.map((control) => control.field) : [],
  );
}

const chosenValues = (query: string, field: string): string[] | undefined => {
  const parts = query.split(' or ');
  const start = `${field}: "`;
  if (!parts.every((part) => part.startsWith(start) && part.endsWith('"'))) return undefined;
  return parts.map((part) => part.slice(start.length, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\'));
};

export function useDashboard(
  dashboard: Dashboard,
  search: DashboardSearch,
  go: (changes: DashboardSearch) => void,
  open: (index: string, search: DashboardSearch) => void,
) {
  usePreferences();
  const zone = timeZone();
  const range: TimeRange = useMemo(
    () => ({ from: search.from ?? dashboard.range.from, to: search.to ?? dashboard.range.to }),
    [search.from, search.to, dashboard.range],
  );
  const filters = useMemo(() => {
    const own = readFilters(search.filter);
    // Only pinned ones, brought from another page, come on top of the dashboard's own.
    return own.every((filter) => filter.pinned) ? [...(dashboard.filters ?? []), ...own] : own;
  }, [search.filter, dashboard.filters]);
  const fields = useMemo(() => controlFields(dashboard), [dashboard]);
  const chosen = useMemo(
    () =>
      Object.fromEntries(
        fields.flatMap((field) => {
          const own = filters.map((filter) => chosenValues(filter.query, field)).find(Boolean);
          return own ? [[field, own]] : [];
        }),
      ),
    [fields, filters],
  );
  const isChoice = (filter: Filter) => fields.some((field) => chosenValues(filter.query, field));
  const setFilters = (next: Filter[]) =>
    go({ filter: [...next.filter((filter) => filter.query !== '').map(writeFilter), MEANT] });
  const pills = filters.filter((filter) => !isChoice(filter) && filter.query !== '');
  const queries: Query[] = useMemo(() => {
    const text = textQuery(search.q, 'kql');
    return [
      ...(dashboard.query ? [kql(dashboard.query)] : []),
      ...(text ? [text] : []),
      ...filterQueries(filters.filter((filter) => filter.query !== '')),
    ];
  }, [dashboard.query, search.q, filters]);
  const refreshSeconds = Number(search.refresh ?? dashboard.refreshSeconds ?? 0);
  const context: PanelContext = useMemo(
    () => ({
      scope: { range, filters: queries, timeZone: zone },
      refreshSeconds,
      chosen,
      choose: (field, values, pinned) =>
        setFilters([
          ...filters.filter((filter) => !chosenValues(filter.query, field) && filter.query !== ''),
          ...(values.length > 0 ? [{ query: chosenQuery(field, values), ...(pinned ? { pinned } : {}) }] : []),
        ]),
      setRange: (next) => go({ from: next.from, to: next.to }),
      drill: (index, more, at) =>
        open(index, {
          from: at?.from ?? range.from,
          to: at?.to ?? range.to,
          filter: [...filters.filter((filter) => filter.query !== '').map(writeFilter), ...more],
          ...(search.q ? { q: search.q } : {}),
        }),
    }),
    [range, queries, zone, refreshSeconds, chosen, filters, search.q],
  );
  return {
    context,
    range,
    pills,
    setPills: (next: Filter[]) => setFilters([...filters.filter(isChoice), ...next]),
  };
}

function Loaded({ entry }: { entry: Saved<Dashboard> }) {
  const search = useSearch({ from: '/dashboards/$id' });
  const [draft, setDraft] = useState<Dashboard>(entry.body);
  const [full, setFull] = useState<string>();
  const [problem, setProblem] = useState<unknown>();
  const [embedding, setEmbedding] = useState(false);
  const session = useSession();
  const navigate = useNavigate({ from: '/dashboards/$id' });
  const save = useSave<Dashboard>('dashboards');
  const status = useStatus();
  const mayEdit = useMayEdit();
  const editing = search.edit !== undefined && !entry.builtIn && mayEdit;
  const dashboard = editing ? draft : entry.body;
  const go = (changes: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...changes }), replace: true });
  const { context, range, pills, setPills } = useDashboard(
    dashboard,
    search,
    go,
    (index, what) => void navigate({ to: '/discover', search: { index, ...what } }),
  );
  const kiosk = search.kiosk !== undefined;

  const clone = async () => {
    const body = { ...dashboard, title: `${dashboard.title} (copy)` };
    const id = newId(body.title);
    await save.mutateAsync({ id, body });
    await navigate({ to: '/dashboards/$id', params: { id }, search: { edit: 'yes' } });
  };
  const keep = async () => {
    try {
      const body = { ...draft, range };
      await save.mutateAsync({ id: entry.id, body, seqNo: entry.seqNo });
      go({ edit: '', panel: '', from: '', to: '' });
      setProblem(undefined);
    } catch (error) {
      setProblem(error);
    }
  };
  const render = (format: 'pdf' | 'png') => {
    const path = `${window.location.pathname}?${new URLSearchParams([...new URLSearchParams(window.location.search), ['kiosk', 'yes'], ['theme', 'light']])}`;
    download('/api/v1/render', { path, title: dashboard.title, format, width: 1500 }).catch(setProblem);
  };
  const setPanel = (panel: PanelModel | undefined, id: string) =>
    setDraft((old) => ({
      ...old,
      panels: panel
        ? old.panels.some((own) => own.id === id)
          ? old.panels.map((own) => (own.id === id ? panel : own))
          : [...old.panels, panel]
        : old.panels.filter((own) => own.id !== id),
    }));
  const edited = search.panel;
  return (
    <>
      <PageHead title={dashboard.title}>
        {!kiosk && (
          <>
            <TimePicker
              range={range}
              onChange={(next) => go({ from: next.from, to: next.to })}
              refresh={search.refresh}
              onRefresh={(seconds) => go({ refresh: seconds })}
            />
            {editing ? (
              <>
                <button type="button" className="button" onClick={() => go({ panel: 'new' })}>
                  {say.addPanel}
                </button>
                <button
                  type="button"
                  className="button"
                  onClick={() => {
                    setDraft(entry.body);
                    go({ edit: '', panel: '' });
                  }}
                >
                  {say.discard}
                </button>
                <button type="button" className="button primary" onClick={() => void keep()}>
                  {common.save}
                </button>
              </>
            ) : (
              <>
                {!entry.builtIn && mayEdit && (
                  <button type="button" className="button" onClick={() => go({ edit: 'yes' })}>
                    {say.edit}
                  </button>
                )}
                <Menu
                  label={say.shareAndMore}
                  items={[
                    {
                      id: 'clone',
                      text: entry.builtIn ? say.cloneAndEdit : say.clone,
                      disabled: !mayEdit,
                      action: () => void clone().catch(setProblem),
                    },
                    {
                      id: 'link',
                      text: say.copyLink,
                      action: () => void navigator.clipboard?.writeText(window.location.href),
                    },
                    {
                      id: 'embed',
                      text: say.embedInAnotherPage,
                      disabled: session.data?.role !== 'admin',
                      action: () => setEmbedding(true),
                    },
                    { id: 'kiosk', text: say.fullScreen, action: () => go({ kiosk: 'yes' }) },
                    { id: 'json', text: say.exportAsJson, action: () => exportJson(dashboard) },
                    { id: 'pdf', text: say.reportAsPdf, action: () => render('pdf'), disabled: !status.data?.renders },
                    { id: 'png', text: say.pictureAsPng, action: () => render('png'), disabled: !status.data?.renders },
                  ]}
                />
              </>
            )}
          </>
        )}
      </PageHead>
      {!kiosk && (
        <div className="row">
          <QueryBar
            value={search.q ?? ''}
            onSubmit={(q) => go({ q })}
            index={firstIndex(dashboard)}
            range={range}
            label={say.filterAllPanels}
          />
          <FilterPills filters={pills} onChange={setPills} />
        </div>
      )}
      {problem !== undefined && <Failure error={problem} />}
      {embedding && <EmbedDialog entry={entry} search={search} close={() => setEmbedding(false)} />}
      {dashboard.panels.length === 0 && (
        <Empty title={say.noPanelYet}>
          <button type="button" className="button primary" onClick={() => go({ edit: 'yes', panel: 'new' })}>
            {say.addTheFirstPanel}
          </button>
        </Empty>
      )}
      {editing ? (
        <Suspense fallback={<Loading />}>
          <EditGrid
            panels={dashboard.panels}
            onChange={(panels) => setDraft((old) => ({ ...old, panels }))}
            render={(panel) => (
              <PanelCard
                panel={panel}
                context={context}
                tools={[
                  { id: 'edit', text: say.edit, action: () => go({ panel: panel.id }) },
                  { id: 'remove', text: common.remove, action: () => setPanel(undefined, panel.id) },
                ]}
              />
            )}
          />
        </Suspense>
      ) : (
        <div className="grid">
          {byPlace(dashboard.panels).map((panel) => (
            <PanelCard
              key={panel.id}
              panel={panel}
              context={context}
              full={full === panel.id}
              placed
              tools={viewTools(panel, context, () => setFull(full === panel.id ? undefined : panel.id), setProblem)}
            />
          ))}
        </div>
      )}
      {editing && edited && (
        <Suspense fallback={null}>
          <Editor
            panel={draft.panels.find((panel) => panel.id === edited)}
            panels={draft.panels}
            context={context}
            close={() => go({ panel: '' })}
            onSave={(panel) => {
              setPanel(panel, panel.id);
              go({ panel: '' });
            }}
          />
        </Suspense>
      )}
    </>
  );
}

/** From top to bottom: the order on a phone, and for those who tab through. */
export const byPlace = (panels: PanelModel[]): PanelModel[] =>
  [...panels].sort((a, b) => a.grid.y - b.grid.y || a.grid.x - b.grid.x);

function firstIndex(dashboard: Dashboard): string {
  const chart = dashboard.panels.map((panel) => panel.chart).find((own) => 'index' in own);
  return chart && 'index' in chart ? chart.index : 'c.*';
}

type Tools = { id: string; text: string; action: () => void }[];

function viewTools(
  panel: PanelModel,
  context: PanelContext,
  full: () => void,
  failed: (error: unknown) => void,
): Tools {
  const { chart } = panel;
  const tools: Tools = [{ id: 'full', text: say.largeOrSmallAgain, action: full }];
  if ('index' in chart && chart.kind !== 'control') {
    const query = 'query' in chart ? chartFilter(chart) : [];
    tools.push({ id: 'documents', text: say.documentsBehindIt, action: () => context.drill(chart.index, query) });
  }
  if (chart.kind === 'table' || chart.kind === 'bar') {
    for (const format of ['csv', 'xlsx'] as const) {
      tools.push({
        id: format,
        text: say.exportAs(format.toUpperCase()),
        action: () => {
          exportedTable(chart, { ...context.scope, width: 800 })
            .then((table) => download('/api/v1/export', { title: panel.title, format, ...table }))
            .catch(failed);
        },
      });
    }
  }
  return tools;
}

function exportJson(dashboard: Dashboard): void {
  const content = new Blob([JSON.stringify(dashboard, null, 2)], { type: 'application/json' });
  handOver(content, `${dashboard.title.replaceAll(/[^\w-]+/g, '-')}.json`);
}

const ROW = 28;

export function PanelCard({
  panel,
  context,
  tools,
  full,
  placed,
}: {
  panel: PanelModel;
  context: PanelContext;
  tools: Tools;
  full?: boolean;
  placed?: boolean;
}): ReactNode {
  const { x, y, w, h } = panel.grid;
  const style = placed
    ? {
        gridColumn: `${x + 1} / span ${w}`,
        gridRow: `${y + 1} / span ${h}`,
        '--own-height': `${Math.max(h * ROW, 90)}px`,
      }
    : {};
  return (
    <section
      className={`panel-card${full ? ' full' : ''}${panel.hideTitle ? ' bare' : ''}`}
      style={style}
      aria-label={panel.title}
    >
      {!panel.hideTitle && (
        <header>
          <h2 className="clip" title={panel.title}>
            {panel.title}
          </h2>
          {tools.length > 0 && (panel.chart.kind !== 'markdown' || tools.some((tool) => tool.id === 'edit')) ? (
            <Menu label={say.moreAbout(panel.title)} className="button quiet icon" items={tools}>
              ⋯
            </Menu>
          ) : null}
        </header>
      )}
      <div className="panel-content">
        <PanelBody panel={panel} context={context} />
      </div>
    </section>
  );
}
