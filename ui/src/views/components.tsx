import { Empty, Failure, Loading } from '../components/faces';
import { PageHead } from '../components/layout';
import { Menu, Panel } from '../components/menu';
import { Badge, type Role, Strip } from '../components/outcome';
import type { Outcome, RunDocument } from '../services/api';
import { ApiError } from '../services/http';

/** Every component in every state, for those who change them. */

const ROLES: Role[] = ['passed', 'slow', 'failed', 'broken', 'neutral', 'running'];

const run = (outcome: Outcome, position: number): RunDocument =>
  ({
    uuid: String(position).padStart(32, '0'),
    startedAt: new Date(Date.UTC(2026, 0, 1, 0, position)).toISOString(),
    durationMs: 900 + position,
    verdict: { outcome },
  }) as RunDocument;
const OUTCOMES: Outcome[] = ['passed', 'passed', 'failed', 'broken', 'passed'];

export function Components() {
  return (
    <>
      <PageHead title="Components">
        <Panel label="Panel" content={() => <p>Something to fill in.</p>} />
        <Menu
          label="Menu"
          items={[
            { id: 'one', text: 'An action', action: () => undefined },
            { id: 'two', text: 'One that cannot be taken', action: () => undefined, disabled: true },
          ]}
        />
      </PageHead>
      <section className="card stack">
        <h2>Roles</h2>
        <div className="row">
          {ROLES.map((role) => (
            <Badge key={role} state={role}>
              {role}
            </Badge>
          ))}
        </div>
        <h2>Strip of runs</h2>
        <Strip runs={Array.from({ length: 25 }, (_, at) => run(OUTCOMES[at % 5] ?? 'passed', at))} />
        <h2>Buttons</h2>
        <div className="row">
          <button type="button" className="button">
            Button
          </button>
          <button type="button" className="button primary">
            Primary
          </button>
          <button type="button" className="button danger">
            Danger
          </button>
          <button type="button" className="button quiet">
            Quiet
          </button>
          <button type="button" className="button" disabled>
            Disabled
          </button>
        </div>
        <h2>Fields</h2>
        <label className="field">
          <span>A field</span>
          <input defaultValue="Value" />
        </label>
        <p className="notice">A notice</p>
        <p className="notice slow">A notice that something is slow</p>
        <p className="notice failed">A notice that something failed</p>
      </section>
      <section className="card">
        <Loading />
      </section>
      <section className="card">
        <Empty title="Nothing here yet">
          <p>What to do next.</p>
        </Empty>
      </section>
      <section className="card">
        <Failure
          error={new ApiError('The store does not answer.', 503, 'See the page Stack.')}
          retry={() => undefined}
        />
      </section>
      <section className="card">
        <Failure error={new ApiError('This needs the role editor.', 403, 'Ask an admin.')} />
      </section>
    </>
  );
}
