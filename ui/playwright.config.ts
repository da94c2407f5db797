import { defineConfig } from '@playwright/test';

/** Debian's browser; `CHROMIUM` names another. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: 'tests',
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  workers: 2,
  // Tests of a file share nothing but what the servers hold, and each asks for its own.
  fullyParallel: true,
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
