/** What may come next in a KQL text. Pure. */

export interface Completion {
  /** Characters of the text that are replaced. */
  from: number;
  to: number;
  /** What is asked for: the value of a field, a field, or a word between. */
  wants:
    | { kind: 'field'; start: string }
    | { kind: 'value'; field: string; start: string }
    | { kind: 'word'; start: string };
}

/** Looks at the text before the cursor. */
export function completion(text: string, cursor: number): Completion {
  const before = text.slice(0, cursor);
  const value = /([\w.@*-]+)\s*(?::|<=|>=|<|>)\s*(?:\(\s*(?:[^()]*\s(?:or|and)\s+)?)?("[^"]*|[^\s"()]*)$/i.exec(before);
  if (value?.[1] !== undefined && value[2] !== undefined) {
    return {
      from: cursor - value[2].length,
      to: cursor,
      wants: { kind: 'value', field: value[1], start: value[2].replace(/^"/, '') },
    };
  }
  const word = /[^\s():"]*$/.exec(before)?.[0] ?? '';
  const earlier = before.slice(0, before.length - word.length).trimEnd();
  const expectsField = earlier === '' || /(^|[\s(])(and|or|not)$/i.test(earlier) || earlier.endsWith('(');
  return {
    from: cursor - word.length,
    to: cursor,
    wants: { kind: expectsField ? 'field' : 'word', start: word },
  };
}

/** The text with the completion taken, and where the cursor is then. */
export function complete(text: string, place: Completion, taken: string): { text: string; cursor: number } {
  const added = `${taken} `;
  return {
    text: text.slice(0, place.from) + added + text.slice(place.to).trimStart(),
    cursor: place.from + added.length,
  };
}
