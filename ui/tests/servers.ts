import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Servers of the tests: with days of telemetry, with nothing, and with hostile texts; real ones, ended afterwards. */

const needed = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; hint: cargo xtask test ui`);
  return value;
};

export const passwordOf = (name: string): string => `${name}'s long password`;

/** `STORE` names a cluster that the first server shows instead of its own store (the long form). */
function cluster(): string | undefined {
  const { STORE } = process.env;
  if (STORE) execFileSync(needed('CANARYTRACE'), ['setup', '--store', STORE], { stdio: 'ignore' });
  return STORE;
}

interface Server {
  url: string;
  child: ChildProcess;
  folder: string;
}

const CONFIGURATION = `version: 1
monitors:
  - id: paused-shop
    urls: ["https://shop.example/"]
    env: { SHOP_PASSWORD: "correct horse battery" }
branding:
  name: Example Monitoring
  logo: logo.svg
  accent: { light: "#7a1fa2", dark: "#d8a6f0" }
  footer: "Questions: web-team@shop.example"
`;
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script>parent.hacked = 1</script><circle cx="4" cy="4" r="4"/></svg>';

/** A server of its own; with users, people have to log in, and it has a company's name. */
function start(
  users: Record<string, string> = {},
  store?: string,
  listener?: string,
  more: string[] = [],
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'canarytrace-ui-'));
  for (const [name, role] of Object.entries(users)) {
    execFileSync(needed('CANARYTRACE'), ['user', 'add', name, '--role', role, '--data', folder], {
      input: `${passwordOf(name)}\n`,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }
  const configured = listener || Object.keys(users).length > 0 ? ['--config', join(folder, 'canarytrace.yaml')] : [];
  writeFileSync(join(folder, 'canarytrace.yaml'), listener ?? CONFIGURATION);
  writeFileSync(join(folder, 'logo.svg'), LOGO);
  const child = spawn(
    needed('CANARYTRACE'),
    [
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--data',
      folder,
      ...configured,
      ...(store ? ['--store', store] : []),
      ...more,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      // How full the disk of the machine is, is not these tests' business: the store's own check would open an incident.
      env: {
        ...process.env,
        CANARYTRACE_BROWSER_FLAGS: '--disable-gpu --disable-quic',
        ELASTIC_NODES_HEALTHCHECK: 'deny',
      },
    },
  );
  return new Promise((done, failed) => {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const url = /ready: (http:\/\/\S+?)\/?\s/.exec(said)?.[1];
      if (url) done({ url, child, folder });
    });
    child.on('exit', (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
  });
}

/** So many days, monitors, and seconds between two runs of one. */
const HISTORY = ['2', '6', '2400'];
const BATCH = 16 * 1024 * 1024;

/** Sends a made-up history in pieces that end with a document. */
async function feed(url: string): Promise<void> {
  const lines = execFileSync(needed('FEED'), HISTORY, { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'ignore'] });
  for (let from = 0; from < lines.length; ) {
    let to = Math.min(from + BATCH, lines.length);
    if (to < lines.length) to = lines.lastIndexOf('{"create"', to);
    const response = await fetch(`${url}/_bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: new Uint8Array(lines.subarray(from, to)),
    });
    if (!response.ok) throw new Error(`the history was refused: ${await response.text()}`);
    from = to;
  }
  await fetch(`${url}/_refresh`, { method: 'POST' });
}

/** A receiver of notices: takes them at /good, is not there at /gone. */
async function receiver(): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    request.resume();
    response.statusCode = request.url === '/gone' ? 410 : 200;
    response.end('ok');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Another site, whose page is what its address says. */
async function portal(): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    const body = new URL(request.url ?? '/', 'http://portal').searchParams.get('body') ?? '';
    response.end(`<!doctype html><html lang="en"><title>Portal</title><h1>Portal</h1>${body}`);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

const listening = (url: string): string => `version: 1
links:
  - { title: Traces, url: "https://traces.example/{uuid}?of={monitor}&end={to}" }
listener:
  builtin: [monitors]
  channels:
    slack: { webhook: { url: "${url}/good" } }
    slack-internal: { webhook: { url: "${url}/gone" } }
  maintenance: [{ reason: nightly import, monitors: [bank-*], weekly: "00:00-24:00" }]
`;

/** Two failed runs of each of two causes. */
async function failing(url: string): Promise<void> {
  const lines = [
    ['shop', 'site'],
    ['pay', 'runner'],
  ].flatMap(([monitor, cause], position) =>
    [2, 1].flatMap((minutes) => {
      const timestamp = new Date(Date.now() - minutes * 60_000).toISOString();
      const uuid = `${position}${minutes}`.padStart(32, '0');
      const outcome = cause === 'site' ? 'failed' : 'broken';
      const facts = { url: `https://${monitor}.example/` };
      return [
        { create: { _index: `c.run-${timestamp.slice(0, 10).replaceAll('-', '.')}`, _id: uuid } },
        {
          uuid,
          monitor,
          timestamp,
          startedAt: timestamp,
          endedAt: timestamp,
          durationMs: 5000,
          passed: false,
          spec: 'smoke.js',
          labels: ['zone=1'],
          verdict: { outcome, cause, detail: `https://${monitor}.example/ answered 503`, facts },
        },
      ];
    }),
  );
  const response = await fetch(`${url}/_bulk?refresh=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
  });
  if (!response.ok) throw new Error(await response.text());
}

export default async function setup(): Promise<() => Promise<void>> {
  const [hooks, site] = await Promise.all([receiver(), portal()]);
  const users = { anna: 'admin', ed: 'editor', vic: 'viewer', guessed: 'viewer' };
  const servers = await Promise.all([
    start({}, cluster()),
    start(),
    start(),
    start(users, undefined, undefined, ['--frame-origin', site.url]),
    start({}, undefined, listening(hooks.url)),
  ]);
  const [full, empty, hostile, guarded, alerting] = servers;
  process.env.FULL = full.url;
  process.env.EMPTY = empty.url;
  process.env.HOSTILE = hostile.url;
  process.env.GUARDED = guarded.url;
  process.env.ALERTING = alerting.url;
  process.env.PORTAL = site.url;
  await failing(alerting.url);
  await feed(full.url);
  return async () => {
    hooks.close();
    site.close();
    for (const { child, folder } of servers) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
