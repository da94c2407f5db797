import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import type { Field } from '../services/api';
import { complete, completion } from '../services/completion';
import { quoted } from '../services/filters';
import { both, buckets, kql, search } from '../services/search';
import { useFields } from '../services/server';
import { rangeQuery, type TimeRange } from '../services/time';
import './query-bar.css';
import { common } from '../strings/common';
import { queryBar as say } from '../strings/query-bar';

const WORDS = ['and', 'or', 'not'];
const MOST = 12;

interface Suggestion {
  text: string;
  note: string;
}

/** A query with completion of fields and values. */
export function QueryBar({
  value,
  onSubmit,
  index,
  range,
  language = 'kql',
  onLanguage,
  error,
  label = say.search,
}: {
  value: string;
  onSubmit: (text: string) => void;
  index: string;
  range: TimeRange;
  language?: string | undefined;
  onLanguage?: (language: string) => void;
  error?: string | undefined;
  label?: string;
}) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  const [cursor, setCursor] = useState(0);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  // The address may change by itself (back, a saved search).
  if (value !== known) {
    setKnown(value);
    setText(value);
  }
  const place = completion(text, cursor);
  const suggestions = useSuggestions(open && language === 'kql', place.wants, index, range);

  const take = (suggestion: Suggestion) => {
    const next = complete(text, place, suggestion.text);
    setText(next.text);
    setActive(-1);
    window.requestAnimationFrame(() => {
      input.current?.setSelectionRange(next.cursor, next.cursor);
      setCursor(next.cursor);
    });
  };
  const submit = () => {
    setOpen(false);
    onSubmit(text.trim());
  };
  const press = (event: KeyboardEvent) => {
    const chosen = suggestions[active];
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setOpen(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setActive((active + step + suggestions.length + 1) % (suggestions.length + 1));
    } else if (event.key === 'Escape') setOpen(false);
    else if ((event.key === 'Enter' || event.key === 'Tab') && open && chosen) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === 'Enter') submit();
  };
  const shown = open && suggestions.length > 0;
  return (
    <div className="query-bar">
      <input
        ref={input}
        type="search"
        className="input mono"
        role="combobox"
        aria-label={label}
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        aria-invalid={error !== undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder={
          language === 'kql' ? say.passedFalseAndFullTitleOrder : 'passed:false AND response.status:[400 TO *]'
        }
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setCursor(event.target.selectionStart ?? event.target.value.length);
          setOpen(true);
          setActive(-1);
        }}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart ?? 0)}
        onFocus={() => setOpen(text === '')}
        onBlur={() => setOpen(false)}
        onKeyDown={press}
      />
      {onLanguage && (
        <select
          className="input language"
          aria-label={say.queryLanguage}
          value={language}
          onChange={(event) => onLanguage(event.target.value)}
        >
          <option value="kql">{common.kql}</option>
          <option value="lucene">{common.lucene}</option>
        </select>
      )}
      <button type="button" className="button primary" onClick={submit}>
        {say.search}
      </button>
      {shown && (
        <div className="suggestions popover" role="listbox" id={`${id}-list`} aria-label={say.completions}>
          {suggestions.map((suggestion, position) => (
            <div
              key={suggestion.text}
              id={`${id}-${position}`}
              role="option"
              tabIndex={-1}
              aria-selected={position === active}
              className="menu-item spread"
              // Before the field loses its focus.
              onMouseDown={(event) => {
                event.preventDefault();
                take(suggestion);
              }}
            >
              <span className="mono break">{suggestion.text}</span>
              <span className="small soft">{suggestion.note}</span>
            </div>
          ))}
        </div>
      )}
      {error && (
        <p className="query-error small" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/** The field whose values can be counted: a text's are those of its exact sub-field. */
function countable(fields: Field[], name: string): string | undefined {
  const named = fields.filter((field) => [name, `${name}.raw`, `${name}.keyword`].includes(field.name));
  return named.find((field) => field.aggregatable)?.name;
}

/** A text as the start of a term, for the store's regular expressions. */
const startsWith = (text: string) => `${text.replaceAll(/[.?+*|(){}[\]"\\#@&<>~^$]/g, '\\$&')}.*`;

function useSuggestions(
  enabled: boolean,
  wants: ReturnType<typeof completion>['wants'],
  index: string,
  range: TimeRange,
): Suggestion[] {
  const fields = useFields(index).data ?? NO_FIELDS;
  const field = wants.kind === 'value' ? countable(fields, wants.field) : undefined;
  const kind = fields.find((own) => own.name === field)?.type;
  const values = useQuery({
    queryKey: ['values', index, field, wants.start, range],
    enabled: enabled && field !== undefined,
    staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const answer = await search(
        index,
        {
          size: 0,
          query: both(rangeQuery(range), kql('')),
          aggs: {
            values: {
              terms: {
                field,
                size: MOST,
                ...(wants.start && kind === 'keyword' ? { include: startsWith(wants.start) } : {}),
              },
            },
          },
        },
        signal,
      );
      return buckets(answer.aggregations?.values);
    },
  });
  if (!enabled) return [];
  const start = wants.start.toLowerCase();
  if (wants.kind === 'field') {
    return fields
      .filter((own) => own.name.toLowerCase().includes(start))
      .sort((a, b) => Number(!a.name.toLowerCase().startsWith(start)) - Number(!b.name.toLowerCase().startsWith(start)))
      .slice(0, MOST)
      .map((own) => ({ text: `${own.name}:`, note: own.type }));
  }
  if (wants.kind === 'word')
    return WORDS.filter((word) => word.startsWith(start)).map((word) => ({ text: word, note: '' }));
  return (values.data ?? []).map((bucket) => ({
    text: kind === 'keyword' ? quoted(bucket.key) : String(bucket.key_as_string ?? bucket.key),
    note: String(bucket.doc_count),
  }));
}
const NO_FIELDS: Field[] = [];
