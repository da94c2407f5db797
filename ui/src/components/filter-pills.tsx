import { useState } from 'react';
import type { Filter } from '../services/filters';
import { common } from '../strings/common';
import { filterPills as say } from '../strings/filter-pills';
import { Menu, Panel } from './menu';

/** Conditions that can be switched off, turned round, kept for other pages, changed and removed. */
export function FilterPills({ filters, onChange }: { filters: Filter[]; onChange: (filters: Filter[]) => void }) {
  const change = (at: number, changes: Partial<Filter> | undefined) =>
    onChange(
      filters.flatMap((filter, position) => {
        if (position !== at) return [filter];
        return changes ? [{ ...filter, ...changes }] : [];
      }),
    );
  return (
    <ul className="pills" aria-label={say.filters}>
      {filters.map((filter, position) => (
        <li
          key={`${position} ${filter.query}`}
          className={`filter-pill${filter.disabled ? ' off' : ''}${filter.negate ? ' not' : ''}`}
        >
          <Menu
            label={say.filter(filter.negate ? 'not ' : '', filter.query)}
            items={[
              {
                id: 'pin',
                text: filter.pinned ? say.unpin : say.pinKeepOnOtherPages,
                action: () => change(position, { pinned: !filter.pinned }),
              },
              {
                id: 'negate',
                text: filter.negate ? say.includeWhatMatches : say.excludeWhatMatches,
                action: () => change(position, { negate: !filter.negate }),
              },
              {
                id: 'disable',
                text: filter.disabled ? say.switchOn : say.switchOff,
                action: () => change(position, { disabled: !filter.disabled }),
              },
              { id: 'remove', text: common.remove, action: () => change(position, undefined) },
            ]}
          >
            {filter.pinned && <span aria-hidden="true">📌</span>}
            {filter.negate && <strong>{say.negated}</strong>}
            {filter.language === 'lucene' && <em>{common.lucene}</em>}
            <span className="clip">{filter.query}</span>
          </Menu>
        </li>
      ))}
      <li>
        <Panel
          label={say.addFilter}
          className="button quiet"
          content={(close) => (
            <AddFilter
              onAdd={(query) => {
                onChange([...filters, { query }]);
                close();
              }}
            />
          )}
        >
          {say.plusFilter}
        </Panel>
      </li>
    </ul>
  );
}

function AddFilter({ onAdd }: { onAdd: (query: string) => void }) {
  const [query, setQuery] = useState('');
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (query.trim()) onAdd(query.trim());
      }}
    >
      <label className="field">
        <span>{common.kql}</span>
        <input
          className="mono"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          placeholder={say.monitorShop}
        />
      </label>
      <button type="submit" className="button primary">
        {say.add}
      </button>
    </form>
  );
}
