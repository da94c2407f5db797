import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Smaller ones are not worth a second file. */
const LEAST = 1400;

/** Puts a compressed copy beside each asset, when all of them are written: the server sends it to whoever takes it. */
const compressed = (): Plugin => ({
  name: 'compressed',
  apply: 'build',
  closeBundle() {
    const folder = new URL('./dist/assets/', import.meta.url);
    for (const name of readdirSync(folder).filter((own) => /\.(js|css|svg)$/.test(own))) {
      const source = readFileSync(new URL(name, folder));
      if (source.length < LEAST) continue;
      const content = brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
      writeFileSync(new URL(`${name}.br`, folder), content);
    }
  },
});

export default defineConfig({
  plugins: [react(), compressed()],
  build: { target: 'es2024', sourcemap: false, chunkSizeWarningLimit: 700 },
});
