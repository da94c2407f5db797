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
import { access as say } from '../strings/access';
import { common } from '../strings/common';
import { fill } from '../strings/fill';

const ROLES: [Role, string][] = [
  ['viewer', say.viewerLooksAtEverything],
  ['editor', say.editorChangesDashboardsAndMonitors],
  ['admin', say.adminEverything],
  ['ingest', say.ingestOnlySendsDocuments],
];

const text = (form: FormData, name: string): string => String(form.get(name) ?? '').trim();

/** Who may log in, and which programs. */
export function AccessView() {
  const session = useSession();
  if (session.data && !session.data.required)
    return (
      <>
        <PageHead title={say.access} />
        <Empty title={say.everybodyOnThisMachineMay}>
          <p>{fill(say.addTheFirstUserWith, <code>canarytrace user add NAME --role admin --data DIR</code>)}</p>
        </Empty>
      </>
    );
  return (
    <>
      <PageHead title={say.access} />
      <Users />
      <Tokens />
    </>
  );
}

function RoleChoice() {
  return (
    <label className="field">
      <span>{say.role}</span>
      <select name="role" defaultValue={say.viewer}>
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
    <section className="card stack" aria-label={say.users}>
      <h2>{say.users}</h2>
      <Show query={users}>
        {(list) => (
          <table>
            <thead>
              <tr>
                <th scope="col">{common.name}</th>
                <th scope="col">{say.role}</th>
                <th scope="col">
                  <span className="visually-hidden">{common.remove}</span>
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
                      onClick={() => window.confirm(say.remove(user.name)) && remove.mutate(user.name)}
                    >
                      {common.remove}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Show>
      {problem && <Failure error={problem} />}
      <form className="row fields" onSubmit={submit}>
        <label className="field">
          <span>{common.name}</span>
          <input name="name" required autoComplete="off" />
        </label>
        <label className="field">
          <span>{say.passwordAtLeast10Characters}</span>
          <input name="password" type="password" required minLength={10} autoComplete="new-password" />
        </label>
        <RoleChoice />
        <button type="submit" className="button primary">
          {say.addOrChange}
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
    <section className="card stack" aria-label={say.tokens}>
      <h2>{say.tokensForPrograms}</h2>
      {secret && (
        <p className="notice slow" role="status">
          {say.keepThisNowItIs} <code className="break">{secret}</code>
        </p>
      )}
      <Show query={tokens}>
        {(list) =>
          list.length === 0 ? (
            <p className="soft">{say.noTokenYet}</p>
          ) : (
            <div className="scroll-x">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{common.name}</th>
                    <th scope="col">{say.role}</th>
                    <th scope="col">{say.indices}</th>
                    <th scope="col">{say.expires}</th>
                    <th scope="col">
                      <span className="visually-hidden">{common.remove}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((token) => (
                    <tr key={token.id}>
                      <td>{token.name}</td>
                      <td>{token.role}</td>
                      <td className="mono">
                        {token.dashboard ? say.dashboard(token.dashboard) : token.indices.join(', ') || 'all'}
                      </td>
                      <td>{token.expires ? dateTime(token.expires) : 'never'}</td>
                      <td className="number">
                        <button type="button" className="button danger" onClick={() => remove.mutate(token.id)}>
                          {common.remove}
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
      <form className="row fields" onSubmit={submit}>
        <label className="field">
          <span>{common.name}</span>
          <input name="name" required autoComplete="off" />
        </label>
        <RoleChoice />
        <label className="field">
          <span>{say.indexPatternsEmptyAll}</span>
          <input name="indices" className="mono" placeholder={say.cReportCRun} />
        </label>
        <label className="field">
          <span>{say.daysUntilItExpiresEmpty}</span>
          <input name="days" type="number" min="1" max="3650" />
        </label>
        <button type="submit" className="button primary">
          {say.makeAToken}
        </button>
      </form>
    </section>
  );
}
