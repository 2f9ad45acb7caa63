// Starts a server on a private port with an empty data folder, makes the world that the tests find (people, a pushed app), runs the
// tests one file after the other, and ends what it started.

import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { deployment, early } from './job-files.mjs';

const root = resolve(import.meta.dirname, '../..');
const [given, ...chosen] = process.argv.slice(2);
const binary = resolve(given ?? process.env.PITLANE_BINARY ?? join(root, 'target/debug/pitlane'));
const data = mkdtempSync(join(tmpdir(), 'pitlane-browser-'));
const home = join(data, 'home');
mkdirSync(home);

const port = await new Promise((found, failed) => {
  const probe = createServer();
  probe.on('error', failed);
  probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
const base = `http://127.0.0.1:${port}`;
const password = 'correct horse battery staple';

const server = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`, '--data', join(data, 'server')], { stdio: ['ignore', 'ignore', 'inherit'] });
const env = { ...process.env, HOME: home, PITLANE_BASE: base, PITLANE_PASSWORD: password, PITLANE_BINARY: binary, PITLANE_DATA: join(data, 'server') };
const run = (...args) => execFileSync(binary, args, { env, input: `${password}\n`, encoding: 'utf8', timeout: 300_000, cwd: root });

function stop() {
  try {
    run('stop', '--data', join(data, 'server'), '--apps');
  } catch (error) {
    console.error(`the server was not stopped: ${error.message}`);
  }
  server.kill();
  rmSync(data, { recursive: true, force: true });
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    stop();
    process.exit(1);
  });
}

let code = 1;
try {
  await ready();
  run('admin', 'createsuperuser', 'ann', '--email', 'ann@example.org', '--password-stdin', '--data', join(data, 'server'));
  await deployEarly();
  run('login', base, '--user', 'ann', '--password-stdin');
  run('push', 'shop', '-p', 'samples/static');
  const here = import.meta.dirname;
  const files = readdirSync(here).filter((name) => name.endsWith('.test.mjs') && (chosen.length === 0 || chosen.some((one) => name.startsWith(one))));
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files.sort().map((name) => join(here, name))], { env, stdio: 'inherit' });
  code = await new Promise((ended) => tests.on('exit', (status) => ended(status ?? 1)));
} finally {
  stop();
}
process.exit(code);

/** Jobs take a while to build: the first tests run meanwhile. */
async function deployEarly() {
  const ask = async (path, body, token) => {
    const headers = { 'content-type': 'application/json', ...(token && { 'x-racetrack-auth': token }) };
    const answer = await fetch(`${base}/lifecycle/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { token } = await ask('/users/login', { username: 'ann', password });
  for (const [about, source] of Object.values(early)) await ask('/deploy', deployment(about, source), token);
}

async function ready() {
  for (let tries = 0; ; tries += 1) {
    if (server.exitCode !== null) throw new Error('the server ended at once');
    const answer = await fetch(`${base}/env_info`, { headers: { accept: 'application/json' } }).catch(() => undefined);
    if (answer?.ok) return;
    if (tries > 600) throw new Error('the server did not become ready');
    await new Promise((later) => setTimeout(later, 100));
  }
}
