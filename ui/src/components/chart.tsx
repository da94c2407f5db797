import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { type PointerEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useDrawnTheme } from '../services/preferences';
import './chart.css';

/** The colors of the theme that is drawn. */
export interface Colors {
  palette: string[];
  ink: string;
  soft: string;
  line: string;
  surface: string;
  sunken: string;
  accent: string;
  role: (name: string) => string;
}

export function readColors(): Colors {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    palette: Array.from({ length: 8 }, (_, position) => read(`chart-${position + 1}`)),
    ink: read('ink'),
    soft: read('ink-soft'),
    line: read('line'),
    surface: read('surface'),
    sunken: read('sunken'),
    accent: read('accent'),
    role: (name) => read(name),
  };
}

export interface ClickedPoint {
  seriesName: string;
  seriesIndex: number;
  dataIndex: number;
  name: string;
  value: unknown;
  data: unknown;
}

interface Properties {
  /** What the chart shows, for those who do not see it. */
  label: string;
  option: (colors: Colors) => EChartsCoreOption;
  /** The numbers as a table, for those who do not see the chart. */
  table?: ReactNode;
  onClick?: (point: ClickedPoint) => void;
  /** A time was chosen by drawing over it: epoch ms. */
  onRange?: (from: number, to: number) => void;
  height?: number | string;
}

const LEAST_DRAG = 8;

/** A chart of the size of its place, in the colors of the theme. */
export function Chart({ label, option, table, onClick, onRange, height = '100%' }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(undefined);
  const [ready, setReady] = useState(false);
  const theme = useDrawnTheme();
  const click = useRef(onClick);
  click.current = onClick;

  useEffect(() => {
    let gone = false;
    let observer: ResizeObserver | undefined;
    void import('../services/echarts').then(({ init }) => {
      if (gone || !place.current) return;
      const own = init(place.current, undefined, { renderer: 'canvas' });
      chart.current = own;
      own.on('click', (event) => click.current?.(event as unknown as ClickedPoint));
      observer = new ResizeObserver(() => own.resize());
      observer.observe(place.current);
      setReady(true);
    });
    return () => {
      gone = true;
      observer?.disconnect();
      chart.current?.dispose();
      chart.current = undefined;
    };
  }, []);

  useEffect(() => {
    if (!ready) return;
    chart.current?.setOption({ animation: false, ...option(readColors()) }, { notMerge: true });
  }, [ready, option, theme]);

  const drag = useDrag(chart, onRange);
  return (
    <figure className="chart" style={{ height }}>
      <div ref={place} className="chart-place" role="img" aria-label={label} {...drag.handlers} />
      {drag.box && <div className="chart-drag" style={drag.box} />}
      {table && <div className="visually-hidden">{table}</div>}
    </figure>
  );
}

/** Drawing over a time, from press to release. */
function useDrag(chart: { current: EChartsType | undefined }, onRange: Properties['onRange']) {
  const [box, setBox] = useState<{ left: number; width: number }>();
  const start = useRef<number>(undefined);
  if (!onRange) return { box: undefined, handlers: {} };
  const within = (x: number) => chart.current?.containPixel({ gridIndex: 0 }, [x, 40]) ?? false;
  const at = (x: number) => Number(chart.current?.convertFromPixel({ xAxisIndex: 0 }, x));
  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button === 0 && within(event.nativeEvent.offsetX)) start.current = event.nativeEvent.offsetX;
    },
    onPointerMove: (event: PointerEvent) => {
      const from = start.current;
      if (from === undefined) return;
      const x = event.nativeEvent.offsetX;
      if (Math.abs(x - from) > LEAST_DRAG) setBox({ left: Math.min(x, from), width: Math.abs(x - from) });
    },
    onPointerUp: (event: PointerEvent) => {
      const from = start.current;
      start.current = undefined;
      setBox(undefined);
      const x = event.nativeEvent.offsetX;
      if (from === undefined || Math.abs(x - from) <= LEAST_DRAG) return;
      const [left, right] = [at(Math.min(x, from)), at(Math.max(x, from))];
      if (Number.isFinite(left) && Number.isFinite(right)) onRange(Math.round(left), Math.round(right));
    },
    onPointerLeave: () => {
      start.current = undefined;
      setBox(undefined);
    },
  };
  return { box, handlers };
}
