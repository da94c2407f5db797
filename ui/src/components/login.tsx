import { useState } from 'react';
import canary from '../canary.svg';
import { useApplied } from '../services/branding';
import { useLogIn } from '../services/session';
import { common } from '../strings/common';
import { login as say } from '../strings/login';

/** The only page that somebody sees who has not logged in. */
export function Login() {
  const logIn = useLogIn();
  const { name, logo } = useApplied();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  return (
    <main className="login" id="main">
      <form
        className="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          logIn.mutate({ user, password });
        }}
      >
        <h1 className="row">
          <img src={logo ?? canary} alt="" width="32" height="32" /> {name}
        </h1>
        <label className="field">
          <span>{common.name}</span>
          <input value={user} onChange={(event) => setUser(event.target.value)} autoComplete="username" required />
        </label>
        <label className="field">
          <span>{say.password}</span>
          <input
            type="password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            autoComplete="current-password"
            required
          />
        </label>
        {logIn.isError && (
          <p className="query-error small" role="alert">
            {logIn.error.message}
          </p>
        )}
        <button type="submit" className="button primary" disabled={logIn.isPending}>
          {say.logIn}
        </button>
      </form>
    </main>
  );
}
