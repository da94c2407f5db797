import { useState } from 'react';
import type { Filter } from '../services/filters';
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
    <ul className="pills" aria-label="Filters">
      {filters.map((filter, position) => (
        <li
          key={`${position} ${filter.query}`}
          className={`filter-pill${filter.disabled ? ' off' : ''}${filter.negate ? ' not' : ''}`}
        >
          <Menu
            label={`Filter ${filter.negate ? 'not ' : ''}${filter.query}`}
            items={[
              {
                id: 'pin',
                text: filter.pinned ? 'Unpin' : 'Pin: keep on other pages',
                action: () => change(position, { pinned: !filter.pinned }),
              },
              {
                id: 'negate',
                text: filter.negate ? 'Include what matches' : 'Exclude what matches',
                action: () => change(position, { negate: !filter.negate }),
              },
              {
                id: 'disable',
                text: filter.disabled ? 'Switch on' : 'Switch off',
                action: () => change(position, { disabled: !filter.disabled }),
              },
              { id: 'remove', text: 'Remove', action: () => change(position, undefined) },
            ]}
          >
            {filter.pinned && <span aria-hidden="true">📌</span>}
            {filter.negate && <strong>not</strong>}
            {filter.language === 'lucene' && <em>Lucene</em>}
            <span className="clip">{filter.query}</span>
          </Menu>
        </li>
      ))}
      <li>
        <Panel
          label="Add filter"
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
          + Filter
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
        <span>KQL</span>
        <input
          className="mono"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          placeholder='monitor: "shop"'
        />
      </label>
      <button type="submit" className="button primary">
        Add
      </button>
    </form>
  );
}
