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
      setProblem(new Error(`${chosen.name} is not JSON: ${String(error)}`));
    }
  };
  return (
    <>
      <PageHead title="Dashboards">
        <button type="button" className="button" disabled={!mayEdit} onClick={() => file.current?.click()}>
          Import
        </button>
        <input
          ref={file}
          type="file"
          accept="application/json"
          hidden
          aria-label="Dashboard file"
          onChange={(event) => void read(event.target.files?.[0])}
        />
        <button type="button" className="button primary" disabled={!mayEdit} onClick={() => setCreating(true)}>
          New dashboard
        </button>
      </PageHead>
      {problem !== undefined && <Failure error={problem} />}
      <Show query={list}>
        {(saved) =>
          saved.length === 0 ? (
            <Empty title="No dashboard yet" />
          ) : (
            <ul className="tiles">
              {saved.map((entry) => (
                <Tile key={entry.id} entry={entry} onProblem={setProblem} />
              ))}
            </ul>
          )
        }
      </Show>
      <Dialog title="New dashboard" open={creating} close={() => setCreating(false)}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            const title = String(new FormData(event.currentTarget).get('title')).trim();
            if (title) void create({ ...NEW, title });
          }}
        >
          <label className="field">
            <span>Title</span>
            <input name="title" required maxLength={120} />
          </label>
          <button type="submit" className="button primary">
            Create
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
        {entry.builtIn ? (entry.description ?? 'Comes with canarytrace') : `Changed ${ago(entry.updatedAt ?? 0)}`}
      </p>
      {!entry.builtIn && mayEdit && (
        <Menu
          label={`More about ${entry.title}`}
          className="button quiet icon"
          items={[
            {
              id: 'delete',
              text: 'Delete',
              action: () => {
                if (window.confirm(`Delete “${entry.title}”?`)) remove.mutate(entry.id, { onError: onProblem });
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
