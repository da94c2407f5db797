import { type FormEvent, useState } from 'react';
import { Failure } from '../components/faces';
import { Dialog } from '../components/menu';
import type { Dashboard } from '../services/api';
import { type Saved, useStatus } from '../services/server';
import { addToken, useAccessChange, useSession } from '../services/session';
import { embedDialog as say } from '../strings/embed-dialog';
import { fill } from '../strings/fill';
import type { DashboardSearch } from './dashboard';

const USUAL_DAYS = 90;

/** All index patterns that the panels of a dashboard ask. */
function indicesOf(dashboard: Dashboard): string[] {
  const asked = dashboard.panels.flatMap(({ chart }) => [
    ...('index' in chart ? [chart.index] : []),
    ...('annotations' in chart ? (chart.annotations ?? []).map((own) => own.index) : []),
  ]);
  return [...new Set(asked.flatMap((index) => index.split(',')))];
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

function frame(entry: Saved<Dashboard>, search: DashboardSearch, secret: string | undefined): string {
  const kept = new URLSearchParams();
  for (const name of ['from', 'to', 'refresh', 'q'] as const) {
    const value = search[name];
    if (value) kept.append(name, value);
  }
  for (const filter of search.filter ?? []) kept.append('filter', filter);
  const path = `/embed/dashboards/${encodeURIComponent(entry.id)}`;
  const address = `${window.location.origin}${path}${kept.size > 0 ? `?${kept}` : ''}${secret ? `#token=${secret}` : ''}`;
  return `<iframe src="${escaped(address)}" title="${escaped(entry.body.title)}" width="100%" height="800" style="border: 0" loading="lazy"></iframe>`;
}

/** Makes what another page needs to show a dashboard, with a token for this one where people log in. */
export function EmbedDialog({
  entry,
  search,
  close,
}: {
  entry: Saved<Dashboard>;
  search: DashboardSearch;
  close: () => void;
}) {
  const session = useSession();
  const status = useStatus();
  const add = useAccessChange(addToken);
  const needsToken = session.data?.required === true;
  const [text, setText] = useState(needsToken ? undefined : frame(entry, search, undefined));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const days = Number(new FormData(event.currentTarget).get('days'));
    const token = {
      name: say.frame(entry.body.title).slice(0, 100),
      role: 'viewer' as const,
      dashboard: entry.id,
      indices: indicesOf(entry.body),
      ...(days > 0 ? { expiresInDays: days } : {}),
    };
    add.mutate(token, { onSuccess: (answer) => setText(frame(entry, search, answer.secret)) });
  };
  return (
    <Dialog title={say.embed(entry.body.title)} open close={close} wide>
      <div className="stack">
        {status.data && !status.data.embeds && (
          <p className="notice slow">{fill(say.noPageMayShowIt, <code>--frame-origin https://portal.example</code>)}</p>
        )}
        {text ? (
          <>
            <p>{say.putThisIntoTheOther(needsToken ? say.whoeverHasItSeesThis : '')}</p>
            <label className="field">
              <span>{say.htmlOfTheFrame}</span>
              <textarea className="mono" readOnly rows={5} value={text} />
            </label>
            <div className="row">
              <button
                type="button"
                className="button primary"
                onClick={() => void navigator.clipboard?.writeText(text)}
              >
                {say.copy}
              </button>
              {needsToken && <span className="soft">{say.theTokenIsTakenAway}</span>}
            </div>
          </>
        ) : (
          <form className="row" onSubmit={submit}>
            <label className="field">
              <span>{say.daysUntilItExpiresEmpty}</span>
              <input name="days" type="number" min={1} defaultValue={USUAL_DAYS} />
            </label>
            <button type="submit" className="button primary" disabled={add.isPending}>
              {say.makeATokenForThis}
            </button>
          </form>
        )}
        {add.error && <Failure error={add.error} />}
      </div>
    </Dialog>
  );
}
