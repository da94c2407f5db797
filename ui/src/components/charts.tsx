import { milliseconds, time } from '../services/format';
import type { RunDocument } from '../services/model';
import { Link } from './layout';

/** The last runs, oldest first; each opens. */
export function Strip({ runs, slots = 30 }: { runs: RunDocument[]; slots?: number }) {
  const shown = runs.slice(0, slots).reverse();
  return (
    <div className="strip">
      {Array.from({ length: slots - shown.length }, (_, position) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: empty slots have no identity
        <span key={position} className="slot" />
      ))}
      {shown.map((run) => (
        <Link
          key={run.uuid}
          to={`/runs/${run.uuid}`}
          className={`slot ${run.verdict.outcome}`}
          label={`${time(run.startedAt)} ${run.verdict.outcome}${run.verdict.detail ? `: ${run.verdict.detail}` : ''}`}
        >
          <span className="hidden">{run.verdict.outcome}</span>
        </Link>
      ))}
    </div>
  );
}

const WIDTH = 160;
const HEIGHT = 36;

/** Load times, oldest first; the scale begins at zero. */
export function Sparkline({ values }: { values: number[] }) {
  const last = values[values.length - 1];
  if (values.length < 2 || last === undefined) return <span className="muted">{milliseconds(last)}</span>;
  const max = Math.max(...values, 1);
  const x = (position: number) => (position / (values.length - 1)) * (WIDTH - 6) + 3;
  const y = (value: number) => HEIGHT - 3 - (value / max) * (HEIGHT - 6);
  const points = values.map((value, position) => `${x(position).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return (
    <span className="sparkline">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width={WIDTH}
        height={HEIGHT}
        role="img"
        aria-label={`Load time, ${values.length} runs, last ${milliseconds(last)}, highest ${milliseconds(max)}`}
      >
        <polyline points={points} />
        <circle cx={x(values.length - 1)} cy={y(last)} r="2.5" />
      </svg>
      <span>{milliseconds(last)}</span>
    </span>
  );
}

/** Documents over time. */
export function Histogram({ buckets }: { buckets: { key: number; count: number }[] }) {
  const max = Math.max(...buckets.map((bucket) => bucket.count), 1);
  return (
    <div className="histogram" role="img" aria-label={`Documents over time, at most ${max} in an interval`}>
      {buckets.map((bucket) => (
        <span
          key={bucket.key}
          title={`${new Date(bucket.key).toLocaleString()}: ${bucket.count}`}
          style={{ height: `${Math.max((bucket.count / max) * 100, bucket.count ? 3 : 0)}%` }}
        />
      ))}
    </div>
  );
}
