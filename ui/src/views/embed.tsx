import { useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Empty, Show } from '../components/faces';
import type { Dashboard } from '../services/api';
import { type Saved, useSaved } from '../services/server';
import { useSession } from '../services/session';
import { byPlace, type DashboardSearch, PanelCard, useDashboard } from './dashboard';
import './dashboards.css';
import { embed as say } from '../strings/embed';

/** A dashboard in a frame of another page: panels, and what a click asks opens beside that page. */
export function Embedded() {
  const { id } = useParams({ from: '/embed/dashboards/$id' });
  const session = useSession();
  const saved = useSaved<Dashboard>('dashboards', id);
  if (session.data?.required && !session.data.user)
    return (
      <Empty title={say.thisDashboardCannotBeShown}>
        <p>{say.theFrameHasNoToken}</p>
      </Empty>
    );
  return <Show query={saved}>{(entry) => <Shown entry={entry} />}</Show>;
}

function Shown({ entry }: { entry: Saved<Dashboard> }) {
  const [search, setSearch] = useState<DashboardSearch>(useSearch({ from: '/embed/dashboards/$id' }));
  const go = (changes: DashboardSearch) => setSearch((old) => ({ ...old, ...changes }));
  const open = (index: string, what: DashboardSearch) => {
    const parameters = new URLSearchParams({ index });
    for (const [name, value] of Object.entries(what))
      for (const one of [value].flat()) if (one) parameters.append(name, one);
    window.open(`/discover?${parameters}`, '_blank', 'noopener');
  };
  const { context } = useDashboard(entry.body, search, go, open);
  return (
    <section aria-label={entry.body.title} className="grid">
      {byPlace(entry.body.panels).map((panel) => (
        <PanelCard key={panel.id} panel={panel} context={context} placed tools={[]} />
      ))}
    </section>
  );
}
