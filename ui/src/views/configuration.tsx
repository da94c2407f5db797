import { Failure, Known, Loading } from '../components/faces';
import { useInForce } from '../services/server';
import { useMayEdit } from '../services/session';
import './configuration.css';
import { configuration as say } from '../strings/configuration';
import { fill } from '../strings/fill';

/** What the server runs with. */
export function ConfigurationInForce() {
  const mayEdit = useMayEdit();
  const query = useInForce(mayEdit);
  if (!mayEdit) return null;
  const found = query.data;
  return (
    <section className="card stack" aria-label={say.configurationInForce}>
      <h2>{say.configurationInForce}</h2>
      {query.isPending && <Loading />}
      {query.isError && <Failure error={query.error} retry={() => void query.refetch()} />}
      {found && (
        <>
          <Table
            label={say.startedWith}
            rows={Object.entries(found.arguments).map(([name, value]) => [name, spoken(value)])}
          />
          {Object.keys(found.variables).length > 0 && (
            <Table label={say.variablesThatWereRead} rows={Object.entries(found.variables)} />
          )}
          {found.file ? (
            <>
              <h3 className="break">{found.file.path}</h3>
              {found.file.problem && <p className="worse break">{found.file.problem}</p>}
              {found.file.text && <Yaml text={found.file.text} label={say.canarytraceYaml} />}
            </>
          ) : (
            <p className="soft">
              {fill(say.noWasNamedStartWith, <code>canarytrace.yaml</code>, <code>--config FILE</code>)}
            </p>
          )}
        </>
      )}
    </section>
  );
}

const spoken = (value: unknown): string =>
  Array.isArray(value) ? value.join(', ') : value === true ? 'yes' : value === false ? 'no' : String(value);

function Table({ label, rows }: { label: string; rows: [string, string][] }) {
  return (
    <>
      <h3>{label}</h3>
      <Known rows={rows} wide />
    </>
  );
}

export function Yaml({ text, label }: { text: string; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled has to be reached by keys
    <pre className="yaml" tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
  );
}

/** A monitor's part of the configuration. */
export function MonitorConfiguration({ id }: { id: string }) {
  const mayEdit = useMayEdit();
  const query = useInForce(mayEdit);
  const text = query.data?.file?.monitors?.[id];
  if (!text) return null;
  return (
    <section className="card stack" aria-label={say.configuration}>
      <header className="spread">
        <h2>{say.configuration}</h2>
        <span className="small soft break">{say.withoutSecrets(query.data?.file?.path ?? '')}</span>
      </header>
      <Yaml text={text} label={say.configurationOf(id)} />
    </section>
  );
}
