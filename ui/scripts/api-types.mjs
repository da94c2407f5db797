// src/services/api.d.ts: the types of what the server takes and answers, made of its OpenAPI document.
import { readFileSync, writeFileSync } from 'node:fs';
import { compile } from 'json-schema-to-typescript';

const source = new URL('../../crates/server/openapi.json', import.meta.url);
const text = readFileSync(source, 'utf8').replaceAll('#/components/schemas/', '#/definitions/');
const definitions = JSON.parse(text).components.schemas;

/** What the server may leave out it leaves out; it does not write null there. */
function withoutNull(schema) {
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((own) => own !== 'null');
    return { ...schema, type: types.length === 1 ? types[0] : types };
  }
  if (!schema.oneOf) return schema;
  const others = schema.oneOf.filter((own) => own.type !== 'null');
  return others.length === 1 ? others[0] : { ...schema, oneOf: others };
}

function walk(schema) {
  if (Array.isArray(schema)) return schema.map(walk);
  if (schema === null || typeof schema !== 'object') return schema;
  // What stands beside a reference would make another type of it.
  if (schema.$ref) return { $ref: schema.$ref };
  const walked = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, walk(value)]));
  // The draft that the generator reads writes a tuple so.
  if (walked.prefixItems) {
    const { prefixItems, items: _, ...rest } = walked;
    return { ...rest, items: prefixItems, minItems: prefixItems.length, maxItems: prefixItems.length };
  }
  if (walked.type !== 'object' || !walked.properties) return walked;
  const required = new Set(walked.required ?? []);
  const properties = Object.entries(walked.properties).map(([name, own]) => [
    name,
    required.has(name) ? own : withoutNull(own),
  ]);
  return { ...walked, properties: Object.fromEntries(properties) };
}

const types = await compile(
  { definitions: walk(definitions), type: 'object', additionalProperties: false },
  'Nothing',
  {
    bannerComment: '// Made by scripts/api-types.mjs; do not edit.',
    additionalProperties: false,
    unreachableDefinitions: true,
    unknownAny: true,
  },
);
writeFileSync(new URL('../src/services/api.d.ts', import.meta.url), types);
