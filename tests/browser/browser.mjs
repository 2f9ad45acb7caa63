// A browser as people have it, which fails a test on what no person should meet: an error in the console, a request to another host.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

export const base = process.env.PITLANE_BASE;
export const password = process.env.PITLANE_PASSWORD;
export const screenshots = resolve(import.meta.dirname, '../../target/screenshots');
mkdirSync(screenshots, { recursive: true });

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Loaded machines are slow; nothing here is about speed. */
export const PATIENCE = Number(process.env.PATIENCE ?? 30_000);

// Started by who needs it first: hooks of several files run in no order that could be told.
let browser;
function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // What failed is asked for again by the test, not by Chromium behind its back.
      '--disable-auto-reload',
    ],
  });
}
after(async () => (await browser)?.close());

/** A window that knows nothing of others. */
async function newContext(options = {}) {
  return (await (browser ??= launch())).newContext(options);
}

const sessions = new Map();

/** The cookies of somebody who signed in by the page. */
async function session(who) {
  if (sessions.has(who)) return sessions.get(who);
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(`${base}/signin`);
  await page.fill('#user_name', who);
  await page.fill('#password', password);
  await Promise.all([page.waitForURL(`${base}/`), page.press('#password', 'Enter')]);
  const state = await context.storageState();
  await context.close();
  sessions.set(who, state);
  return state;
}

/**
 * A window. `expect` lists parts of console errors that belong to the test (a refused request is one to the browser).
 */
export async function open(path, { who = 'ann', width = 1440, height = 900, scheme = 'light', expect = [] } = {}) {
  const context = await newContext({ viewport: { width, height }, colorScheme: scheme, storageState: await session(who) });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location().url}`;
    // A container that starts or ends on this machine changes its networks, and Chromium then gives up what is under way; pages
    // ask again.
    if (text.includes('ERR_NETWORK_CHANGED')) return;
    if (['error', 'warning'].includes(message.type()) && !expect.some((one) => text.includes(one))) faults.push(text);
  });
  page.on('pageerror', (error) => faults.push(`${error.message}\n${error.stack}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${base}/`) && !/^(data|blob|about):/.test(url)) faults.push(`a request to another host: ${url}`);
  });
  const go = page.goto.bind(page);
  page.goto = (...where) => go(...where).catch((error) => (/ERR_NETWORK_CHANGED/.test(error.message) ? go(...where) : Promise.reject(error)));
  if (path) await page.goto(base + path);
  return {
    page,
    /** Ends the window; what a person should not have met fails the test. */
    async close() {
      await context.close();
      assert.deepEqual(faults, []);
    },
  };
}

/** What axe finds wrong, a line each. */
export async function inaccessible(page) {
  // As the tools of a developer do it: the page's own policy allows no foreign script.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run({ resultTypes: ['violations'] }));
  return violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')}: ${node.failureSummary?.replaceAll('\n', ' ')}`));
}

export async function picture(page, name) {
  await page.screenshot({ path: join(screenshots, `${name}.png`) });
}

/** Requests of a program, as `who`; answers what the answer holds. */
export async function api(method, path, body, how = {}) {
  const answer = await send(method, path, body, how);
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** The same, whatever is answered. */
export async function send(method, path, body, { who = 'ann', headers = {} } = {}) {
  const { cookies } = await session(who);
  const cookie = cookies.map((one) => `${one.name}=${one.value}`).join('; ');
  return fetch(base + path, {
    method,
    headers: { cookie, origin: base, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

/** The guid of an app. */
export async function appNamed(name) {
  const { resources } = await api('GET', `/v3/apps?names=${name}`);
  return resources[0].guid;
}
