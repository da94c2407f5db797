import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { Empty, Failure, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import { Dialog, Menu } from '../components/menu';
import type { Dashboard, SavedTitle } from '../services/api';
import { ago } from '../services/format';
import { newId, useRemove, useSave, useSavedList } from '../services/server';
import { useMayEdit } from '../services/session';
import './dashboards.css';
import { dashboards as say } from '../strings/dashboards';

const NEW: Dashboard = { title: '', range: { from: 'now-24h', to: 'now' }, panels: [] };

export function Dashboards() {
  const list = useSavedList('dashboards');
  const navigate = useNavigate();
  const [creating, setCreating] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const file = useRef<HTMLInputElement>(null);
  const save = useSave<Dashboard>('dashboards');
  const mayEdit = useMayEdit();

  const create = async (dashboard: Dashboard) => {
    const id = newId(dashboard.title);
    try {
      await save.mutateAsync({ id, body: dashboard });
      await navigate({ to: '/dashboards/$id', params: { id }, search: { edit: 'yes' } });
    } catch (error) {
      setProblem(error);
    }
  };
  const read = async (chosen: File | undefined) => {
    if (!chosen) return;
    try {
      await create(JSON.parse(await chosen.text()) as Dashboard);
    } catch (error) {
      setProblem(new Error(say.isNotJson(chosen.name, String(error))));
    }
  };
  return (
    <>
      <PageHead title={say.dashboards}>
        <button type="button" className="button" disabled={!mayEdit} onClick={() => file.current?.click()}>
          {say.importFile}
        </button>
        <input
          ref={file}
          type="file"
          accept="application/json"
          hidden
          aria-label={say.dashboardFile}
          onChange={(event) => void read(event.target.files?.[0])}
        />
        <button type="button" className="button primary" disabled={!mayEdit} onClick={() => setCreating(true)}>
          {say.newDashboard}
        </button>
      </PageHead>
      {problem !== undefined && <Failure error={problem} />}
      <Show query={list}>
        {(saved) =>
          saved.length === 0 ? (
            <Empty title={say.noDashboardYet} />
          ) : (
            <ul className="tiles">
              {saved.map((entry) => (
                <Tile key={entry.id} entry={entry} onProblem={setProblem} />
              ))}
            </ul>
          )
        }
      </Show>
      <Dialog title={say.newDashboard} open={creating} close={() => setCreating(false)}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            const title = String(new FormData(event.currentTarget).get('title')).trim();
            if (title) void create({ ...NEW, title });
          }}
        >
          <label className="field">
            <span>{say.title}</span>
            <input name="title" required maxLength={120} />
          </label>
          <button type="submit" className="button primary">
            {say.create}
          </button>
        </form>
      </Dialog>
    </>
  );
}

function Tile({ entry, onProblem }: { entry: SavedTitle; onProblem: (error: unknown) => void }) {
  const { filter } = useSearch({ from: '/dashboards' });
  const remove = useRemove('dashboards');
  const mayEdit = useMayEdit();
  return (
    <li className="card tile">
      <Link to="/dashboards/$id" params={{ id: entry.id }} search={filter ? { filter } : {}}>
        <h2>{entry.title}</h2>
      </Link>
      <p className="small soft">
        {entry.builtIn ? (entry.description ?? say.comesWithCanarytrace) : say.changed(ago(entry.updatedAt ?? 0))}
      </p>
      {!entry.builtIn && mayEdit && (
        <Menu
          label={say.moreAbout(entry.title)}
          className="button quiet icon"
          items={[
            {
              id: 'delete',
              text: say.remove,
              action: () => {
                if (window.confirm(say.askDelete(entry.title))) remove.mutate(entry.id, { onError: onProblem });
              },
            },
          ]}
        >
          ⋯
        </Menu>
      )}
    </li>
  );
}
