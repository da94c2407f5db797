// Bundles each entry into one expression that the engine evaluates when a script first needs it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const builtin = new Set([...builtinModules, 'graceful-fs']);
const ENTRIES = ['node', 'expect', 'chai', 'roles', 'html', 'intl'];
// What expect-webdriverio imports of WebdriverIO itself, and what only Node could do.
const STANDINS = {
  // Colours, stacks and files are not what a monitor's log wants of a matcher.
  chalk: 'chalk.js',
  'jest-message-util': 'jest-message.js',
  'jest-util': 'jest-util.js',
  'jest-mock': 'empty.js',
  '@wdio/globals': 'wdio-globals.js',
  '@wdio/logger': 'wdio-logger.js',
  '@vitest/snapshot': 'snapshot.js',
  '@vitest/snapshot/environment': 'snapshot.js',
  'node:module': 'node-module.js',
  module: 'node-module.js',
};

const standIns = {
  name: 'stand-ins',
  resolveId(source, importer) {
    if (STANDINS[source]) return here(`src/${STANDINS[source]}`);
    const name = source.replace(/^node:/, '');
    // The engine's own Node modules, whichever package asks; a package of the same name is bundled only where it is one.
    if (builtin.has(name) && !importer?.endsWith('/src/node.js')) return `\0builtin:${name}`;
    return undefined;
  },
  load(id) {
    if (!id.startsWith('\0builtin:')) return undefined;
    return `module.exports = globalThis.__builtin?.(${JSON.stringify(id.slice('\0builtin:'.length))}) ?? {};`;
  },
};

await mkdir(here('dist'), { recursive: true });
for (const entry of ENTRIES) {
  const bundle = await rolldown({
    input: here(`src/${entry}.js`),
    plugins: [standIns],
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { 'process.env.NODE_ENV': '"production"' }, target: 'es2022' },
  });
  const { output } = await bundle.generate({ format: 'iife', name: 'library', minify: true, exports: 'named' });
  await bundle.close();
  const text = `(() => {${output[0].code}\nreturn library;})()`;
  const file = here(`dist/${entry}.js`);
  // What has not changed is left alone, so that nothing is built again for it.
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeFile(file, text);
}
