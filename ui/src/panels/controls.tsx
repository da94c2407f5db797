import { isExactly } from '../services/filters';
import { both, buckets, kql, useSearch } from '../services/search';
import { rangeQuery } from '../services/time';
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
  return (
    <label className="field">
      <span>{control.label}</span>
      <select
        multiple={control.multiple}
        size={control.multiple ? Math.min(4, Math.max(2, values.length)) : undefined}
        value={control.multiple ? chosen : (chosen[0] ?? '')}
        onChange={(event) =>
          context.choose(
            control.field,
            [...event.target.selectedOptions].map((option) => option.value).filter((value) => value !== ''),
          )
        }
      >
        {!control.multiple && <option value="">All</option>}
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  );
}
