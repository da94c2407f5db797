import {
  type CellData,
  createColumnHelper,
  createSortedRowModel,
  rowSortingFeature,
  type SortingState,
  sortFns,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useMemo, useState } from 'react';
import { chartTable as say } from '../strings/chart-table';

type Value = string | number | null;

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns });
const helper = createColumnHelper<typeof features, Value[]>();

/** More rows are looked at in Discover. */
const PAGE = 200;

/** A table of values: sorted by a click on a heading; a row opens what is behind it. */
export function ChartTable({
  head,
  rows,
  title,
  visible,
  numbersFrom = 1,
  sort,
  show = (value) => (value === null ? '–' : String(value)),
  onRow,
}: {
  head: string[];
  rows: Value[][];
  title?: string;
  visible?: boolean;
  numbersFrom?: number;
  sort?: { column: number; ascending?: boolean } | undefined;
  show?: (value: Value, column: number) => string;
  onRow?: (row: Value[]) => void;
}) {
  const [sorting, setSorting] = useState<SortingState>(
    sort ? [{ id: String(sort.column), desc: !sort.ascending }] : [],
  );
  const [most, setMost] = useState(PAGE);
  const columns = useMemo(
    () =>
      helper.columns(
        head.map((name, position) =>
          helper.accessor((row) => row[position] as CellData, { id: String(position), header: name }),
        ),
      ),
    [head],
  );
  const table = useTable({ features, columns, data: rows, state: { sorting }, onSortingChange: setSorting });
  const sorted = table.getRowModel().rows;
  const shown = sorted.slice(0, most);
  return (
    <div className={visible ? 'table-panel' : undefined}>
      <table>
        {title && <caption className="visually-hidden">{title}</caption>}
        <thead>
          <tr>
            {head.map((name, position) => {
              const column = table.getColumn(String(position));
              const order = column?.getIsSorted();
              return (
                <th
                  key={name}
                  scope="col"
                  className={position >= numbersFrom ? 'number' : undefined}
                  aria-sort={order === 'asc' ? 'ascending' : order === 'desc' ? 'descending' : 'none'}
                >
                  {visible ? (
                    <button type="button" className="plain" onClick={column?.getToggleSortingHandler()}>
                      {name} <span aria-hidden="true">{order === 'asc' ? '▲' : order === 'desc' ? '▼' : ''}</span>
                    </button>
                  ) : (
                    name
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={row.id}>
              {row.original.map((value, position) => {
                const text = show(value, position);
                return (
                  <td key={position} className={position >= numbersFrom ? 'number' : 'break'}>
                    {position === 0 && onRow ? (
                      <button type="button" className="plain link" onClick={() => onRow(row.original)}>
                        {text}
                      </button>
                    ) : (
                      text
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {visible && sorted.length > most && (
        <p className="table-more">
          <button type="button" className="button" onClick={() => setMost(most + PAGE)}>
            {say.more(sorted.length - most)}
          </button>
        </p>
      )}
    </div>
  );
}
