import { choice as say } from '../strings/choice';

/** One of some values, or any. */
export function Choice({
  label,
  value,
  options,
  onChange,
  name = (option) => option,
}: {
  label: string;
  value: string | undefined;
  options: string[];
  onChange: (value: string) => void;
  name?: (option: string) => string;
}) {
  return (
    <select
      className="input"
      style={{ width: 'auto' }}
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{say.any(label.toLowerCase())}</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {name(option)}
        </option>
      ))}
    </select>
  );
}
