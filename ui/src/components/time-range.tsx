const RANGES = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
  ['30d', 'Last 30 days'],
] as const;

export const rangeFilter = (range: string) => ({ range: { timestamp: { gte: `now-${range}` } } });

export function TimeRange({ value, onChange }: { value: string; onChange: (range: string) => void }) {
  return (
    <label className="control">
      <span className="hidden">Time range</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {RANGES.map(([id, title]) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
