import { expect, test } from 'vitest';
import { complete, completion } from '../../src/services/completion';
import { type Filter, filterQueries, isExactly, pinnedOf, readFilter, writeFilter } from '../../src/services/filters';

const wants = (text: string) => completion(text, text.length).wants;

test('a field, a value or a word is completed by what stands before', () => {
  expect(wants('')).toEqual({ kind: 'field', start: '' });
  expect(wants('eve')).toEqual({ kind: 'field', start: 'eve' });
  expect(wants('event: test')).toEqual({ kind: 'value', field: 'event', start: 'test' });
  expect(wants('event:"testStep')).toEqual({ kind: 'value', field: 'event', start: 'testStep' });
  expect(wants('a: 1 ')).toEqual({ kind: 'word', start: '' });
  expect(wants('a: 1 and pas')).toEqual({ kind: 'field', start: 'pas' });
  expect(wants('not (pas')).toEqual({ kind: 'field', start: 'pas' });
});

test('what is taken replaces what was begun', () => {
  const text = 'event: tes and a: 1';
  const place = completion(text, 10);
  expect(complete(text, place, '"testEnd"')).toEqual({ text: 'event: "testEnd" and a: 1', cursor: 17 });
});

test('filters come back from an address as they went into it', () => {
  const filters: Filter[] = [
    { query: 'a: 1' },
    { query: 'a: "!x"', negate: true },
    { query: 'b', disabled: true, pinned: true, negate: true },
    { query: 'status:>=500', language: 'lucene', negate: true },
  ];
  for (const filter of filters) {
    expect(readFilter(writeFilter(filter))).toEqual(filter);
  }
});

test('only filters that are on ask for something', () => {
  expect(
    filterQueries([{ query: 'a: 1' }, { query: 'b: 2', negate: true }, { query: 'c: 3', disabled: true }]),
  ).toEqual([{ kql: 'a: 1' }, { bool: { must_not: [{ kql: 'b: 2' }] } }]);
  expect(filterQueries([{ query: 'status:>=500', language: 'lucene' }])).toEqual([
    { query_string: { query: 'status:>=500', default_operator: 'AND' } },
  ]);
});

test('a value is a text of KQL, whatever is in it', () => {
  expect(isExactly('a', 'x "y" \\ z')).toBe('a: "x \\"y\\" \\\\ z"');
  expect(isExactly('passed', true)).toBe('passed: true');
});

test('only pinned filters go along', () => {
  expect(pinnedOf(['a: 1', '^b: 2', '^!c: 3', '~'])).toEqual(['^b: 2', '^!c: 3']);
  expect(pinnedOf(['a: 1'])).toBeUndefined();
});
