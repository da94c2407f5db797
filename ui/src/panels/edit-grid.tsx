import { type ReactNode, useMemo } from 'react';
import { ReactGridLayout, useContainerWidth } from 'react-grid-layout';
import type { Panel as PanelModel } from '../services/api';

/** The grid while it is edited: panels are moved by their head and sized by their corner. */
export default function EditGrid({
  panels,
  onChange,
  render,
}: {
  panels: PanelModel[];
  onChange: (panels: PanelModel[]) => void;
  render: (panel: PanelModel) => ReactNode;
}) {
  const { width, containerRef, mounted } = useContainerWidth();
  const layout = useMemo(() => panels.map((panel) => ({ i: panel.id, ...panel.grid })), [panels]);
  return (
    <div ref={containerRef} className="editing">
      {mounted && (
        <ReactGridLayout
          layout={layout}
          width={width}
          gridConfig={{ cols: 48, rowHeight: 20, margin: [8, 8], containerPadding: [0, 0] }}
          dragConfig={{ handle: 'header', cancel: 'button' }}
          onLayoutChange={(next) => {
            const places = new Map(next.map(({ i, x, y, w, h }) => [i, { x, y, w, h }]));
            const changed = panels.some((panel) => {
              const place = places.get(panel.id);
              return place && JSON.stringify(place) !== JSON.stringify(panel.grid);
            });
            if (changed) onChange(panels.map((panel) => ({ ...panel, grid: places.get(panel.id) ?? panel.grid })));
          }}
        >
          {panels.map((panel) => (
            <div key={panel.id}>{render(panel)}</div>
          ))}
        </ReactGridLayout>
      )}
    </div>
  );
}
