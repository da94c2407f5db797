import './trend.css';

/** Counts of equal parts of a time as small bars, oldest first; the words beside it say what it is. */
export function Trend({ counts, label }: { counts: number[]; label: string }) {
  const most = Math.max(1, ...counts);
  return (
    <span className="trend" role="img" aria-label={`${label}: ${counts.join(', ')}`}>
      {counts.map((value, position) => (
        <i key={position} style={{ height: `${value === 0 ? 4 : 12 + (88 * value) / most}%` }} data-some={value > 0} />
      ))}
    </span>
  );
}
