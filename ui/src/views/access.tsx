import { type FormEvent, useState } from 'react';
import { Empty, Failure, Show } from '../components/faces';
import { PageHead } from '../components/layout';
import type { Role } from '../services/api';
import { dateTime } from '../services/format';
import {
  addToken,
  putUser,
  removeToken,
  removeUser,
  useAccessChange,
  useSession,
  useTokens,
  useUsers,
} from '../services/session';

const ROLES: [Role, string][] = [
  ['viewer', 'Viewer: looks at everything'],
  ['editor', 'Editor: changes dashboards and monitors, too'],
  ['admin', 'Admin: everything'],
  ['ingest', 'Ingest: only sends documents'],
];

const text = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

/** Who may log in, and which programs. */
export function AccessView() {
  const session = useSession();
  if (session.data && !session.data.required)
    return (
      <>
        <PageHead title="Access" />
        <Empty title="Everybody on this machine may do everything">
          <p>
            Add the first user with <code>canarytrace user add NAME --role admin --data DIR</code> and start the server
            again: from then on people log in.
          </p>
        </Empty>
      </>
    );
  return (
    <>
      <PageHead title="Access" />
      <Users />
      <Tokens />
    </>
  );
}

function RoleChoice() {
  return (
    <label className="field">
      <span>Role</span>
      <select name="role" defaultValue="viewer">
        {ROLES.map(([role, what]) => (
          <option key={role} value={role}>
            {what}
          </option>
        ))}
      </select>
    </label>
  );
}

function Users() {
  const users = useUsers();
  const put = useAccessChange(putUser);
  const remove = useAccessChange(removeUser);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const wanted = new FormData(form);
    put.mutate(
      { name: text(wanted, 'name'), password: String(wanted.get('password')), role: text(wanted, 'role') as Role },
      { onSuccess: () => form.reset() },
    );
  };
  const problem = put.error ?? remove.error;
  return (
    <section className="card stack" aria-label="Users">
      <h2>Users</h2>
      <Show query={users}>
        {(list) => (
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Role</th>
                <th scope="col">
                  <span className="visually-hidden">Remove</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map((user) => (
                <tr key={user.name}>
                  <td>{user.name}</td>
                  <td>{user.role}</td>
                  <td className="number">
                    <button
                      type="button"
                      className="button danger"
                      onClick={() => window.confirm(`Remove ${user.name}?`) && remove.mutate(user.name)}
                    >
                      Remove
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Show>
      {problem && <Failure error={problem} />}
      <form className="row" onSubmit={submit}>
        <label className="field">
          <span>Name</span>
          <input name="name" required autoComplete="off" />
        </label>
        <label className="field">
          <span>Password, at least 10 characters</span>
          <input name="password" type="password" required minLength={10} autoComplete="new-password" />
        </label>
        <RoleChoice />
        <button type="submit" className="button primary">
          Add or change
        </button>
      </form>
    </section>
  );
}

function Tokens() {
  const tokens = useTokens();
  const add = useAccessChange(addToken);
  const remove = useAccessChange(removeToken);
  const [secret, setSecret] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const wanted = new FormData(form);
    const days = Number(text(wanted, 'days'));
    const indices = text(wanted, 'indices')
      .split(/[\s,]+/)
      .filter(Boolean);
    add.mutate(
      {
        name: text(wanted, 'name'),
        role: text(wanted, 'role') as Role,
        indices,
        ...(days > 0 ? { expiresInDays: days } : {}),
      },
      {
        onSuccess: (answer) => {
          setSecret(answer.secret);
          form.reset();
        },
      },
    );
  };
  const problem = add.error ?? remove.error;
  return (
    <section className="card stack" aria-label="Tokens">
      <h2>Tokens for programs</h2>
      {secret && (
        <p className="notice slow" role="status">
          Keep this now, it is not shown again: <code className="break">{secret}</code>
        </p>
      )}
      <Show query={tokens}>
        {(list) =>
          list.length === 0 ? (
            <p className="soft">No token yet.</p>
          ) : (
            <div className="scroll-x">
              <table>
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Role</th>
                    <th scope="col">Indices</th>
                    <th scope="col">Expires</th>
                    <th scope="col">
                      <span className="visually-hidden">Remove</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((token) => (
                    <tr key={token.id}>
                      <td>{token.name}</td>
                      <td>{token.role}</td>
                      <td className="mono">
                        {token.dashboard ? `dashboard ${token.dashboard}` : token.indices.join(', ') || 'all'}
                      </td>
                      <td>{token.expires ? dateTime(token.expires) : 'never'}</td>
                      <td className="number">
                        <button type="button" className="button danger" onClick={() => remove.mutate(token.id)}>
                          Remove
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Show>
      {problem && <Failure error={problem} />}
      <form className="row" onSubmit={submit}>
        <label className="field">
          <span>Name</span>
          <input name="name" required autoComplete="off" />
        </label>
        <RoleChoice />
        <label className="field">
          <span>Index patterns (empty: all)</span>
          <input name="indices" className="mono" placeholder="c.report-*, c.run-*" />
        </label>
        <label className="field">
          <span>Days until it expires (empty: never)</span>
          <input name="days" type="number" min="1" max="3650" />
        </label>
        <button type="submit" className="button primary">
          Make a token
        </button>
      </form>
    </section>
  );
}
