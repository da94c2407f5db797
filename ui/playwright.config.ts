import { defineConfig } from '@playwright/test';

/** Debian's browser; `CHROMIUM` names another. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  // Two cores, one of which the server needs.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: process.env.CI !== undefined,
  reporter: [['list']],
  globalSetup: './tests/servers.ts',
  use: {
    viewport: { width: 1280, height: 900 },
    launchOptions: { executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] },
    timezoneId: 'Europe/Prague',
    locale: 'en-GB',
  },
});
