import { Panel } from '../components/menu';
import { isExactly } from '../services/filters';
import { both, buckets, kql, useSearch } from '../services/search';
import { rangeQuery } from '../services/time';
import { controls as say } from '../strings/controls';
import type { ControlChart } from './model';
import type { PanelContext } from './panel';

/** Lists to choose from; a later one offers only what fits the earlier ones. */
export function Controls({ chart, context }: { chart: ControlChart; context: PanelContext }) {
  return (
    <div className="controls-panel">
      {chart.controls.map((control, position) => (
        <Control
          key={control.field}
          index={chart.index}
          control={control}
          before={chart.controls.slice(0, position).map((own) => own.field)}
          context={context}
        />
      ))}
    </div>
  );
}

/** What was chosen of a field as one condition. */
export const chosenQuery = (field: string, values: string[]): string =>
  values.map((value) => isExactly(field, value)).join(' or ');

function Control({
  index,
  control,
  before,
  context,
}: {
  index: string;
  control: ControlChart['controls'][number];
  before: string[];
  context: PanelContext;
}) {
  const chosen = context.chosen[control.field] ?? [];
  const earlier = before.flatMap((field) => {
    const values = context.chosen[field] ?? [];
    return values.length > 0 ? [kql(chosenQuery(field, values))] : [];
  });
  const query = useSearch(index, {
    size: 0,
    query: both(rangeQuery(context.scope.range), ...earlier),
    aggs: { values: { terms: { field: control.field, size: control.size ?? 50, order: { _key: 'asc' } } } },
  });
  const found = buckets(query.data?.aggregations?.values).map((bucket) => String(bucket.key_as_string ?? bucket.key));
  const values = [...new Set([...found, ...chosen])];
  if (control.multiple)
    return (
      <div className="field">
        <span>{control.label}</span>
        <Panel
          label={control.label}
          content={() => (
            <fieldset className="choices">
              <legend className="visually-hidden">{control.label}</legend>
              {values.length === 0 && <p className="soft">{say.nothingToChooseInThis}</p>}
              {values.map((value) => (
                <label key={value} className="row">
                  <input
                    type="checkbox"
                    checked={chosen.includes(value)}
                    onChange={(event) =>
                      context.choose(
                        control.field,
                        event.target.checked ? [...chosen, value] : chosen.filter((own) => own !== value),
                        control.pinned,
                      )
                    }
                  />
                  {value}
                </label>
              ))}
            </fieldset>
          )}
        >
          <span className="clip">{chosen.length === 0 ? say.all : chosen.join(', ')}</span>
        </Panel>
      </div>
    );
  return (
    <label className="field">
      <span>{control.label}</span>
      <select
        value={chosen[0] ?? ''}
        onChange={(event) =>
          context.choose(control.field, event.target.value ? [event.target.value] : [], control.pinned)
        }
      >
        <option value="">{say.all}</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}
