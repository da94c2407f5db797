import { readdirSync, readFileSync } from 'node:fs';
import { parseSync } from 'vite';
import { expect, test } from 'vitest';

/** What a person reads stands in src/strings, so that it can be read, corrected and translated in one place. */

const SOURCE = new URL('../../src/', import.meta.url);
/** A page for those who build this one. */
const EXCEPT = ['views/components.tsx'];
/** Commands and configuration are the same in every language. */
const CODE = ['code', 'kbd', 'pre'];
const READ = ['label', 'title', 'aria-label', 'placeholder', 'alt'];
const WORD = /\p{L}{3,}/u;

interface Node {
  type: string;
  value?: unknown;
  name?: { name?: string };
  openingElement?: { name: { name?: string } };
  [key: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;

function texts(node: Node, found: string[] = []): string[] {
  if (node.type === 'JSXElement' && CODE.includes(node.openingElement?.name.name ?? '')) return found;
  if (node.type === 'JSXText' && WORD.test(String(node.value))) found.push(String(node.value).trim());
  if (node.type === 'JSXAttribute' && READ.includes(node.name?.name ?? '') && isNode(node.value)) {
    const { type, value } = node.value;
    // What has no space may be an address or a pattern that shows how to write one.
    if (
      type === 'Literal' &&
      WORD.test(String(value)) &&
      (node.name?.name !== 'placeholder' || /\s/.test(String(value)))
    )
      found.push(String(value));
  }
  for (const child of Object.values(node).flat()) if (isNode(child)) texts(child, found);
  return found;
}

test('a text that people read stands in src/strings', () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.tsx') && !EXCEPT.includes(name),
  );
  expect(files.length).toBeGreaterThan(30);
  for (const name of files) {
    const { program, errors } = parseSync(name, readFileSync(new URL(name, SOURCE), 'utf8'));
    expect(errors, name).toEqual([]);
    expect(texts(program as unknown as Node), name).toEqual([]);
  }
});
