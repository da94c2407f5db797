import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
branding:
  name: Example Monitoring
  logo: logo.svg
  accent: { light: "#7a1fa2", dark: "#d8a6f0" }
  footer: "Questions: web-team@shop.example"
`;
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><script>parent.hacked = 1</script><circle cx="4" cy="4" r="4"/></svg>';

/** A server of its own; with users, people have to log in, and it has a company's name. */
function start(users: Record<string, string> = {}, store?: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'canarytrace-ui-'));
  for (const [name, role] of Object.entries(users)) {
    execFileSync(needed('CANARYTRACE'), ['user', 'add', name, '--role', role, '--data', folder], {
      input: `${passwordOf(name)}\n`,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }
  const configured = Object.keys(users).length > 0 ? ['--config', join(folder, 'canarytrace.yaml')] : [];
  writeFileSync(join(folder, 'canarytrace.yaml'), CONFIGURATION);
  writeFileSync(join(folder, 'logo.svg'), LOGO);
  const child = spawn(
    needed('CANARYTRACE'),
    ['serve', '--listen', '127.0.0.1:0', '--data', folder, ...configured, ...(store ? ['--store', store] : [])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, CANARYTRACE_BROWSER_FLAGS: '--disable-gpu --disable-quic' },
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

export default async function setup(): Promise<() => Promise<void>> {
  const servers = await Promise.all([
    start({}, cluster()),
    start(),
    start(),
    start({ anna: 'admin', ed: 'editor', vic: 'viewer', guessed: 'viewer' }),
  ]);
  const [full, empty, hostile, guarded] = servers;
  process.env.FULL = full.url;
  process.env.EMPTY = empty.url;
  process.env.HOSTILE = hostile.url;
  process.env.GUARDED = guarded.url;
  await feed(full.url);
  return async () => {
    for (const { child, folder } of servers) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  };
}
