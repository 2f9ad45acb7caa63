// A server of its own with one project of 5,000 stories, and Chromium before it. There is no peer.
//
// Interactive: from the navigation to the end of the last task over 50 ms after the first story is drawn, with an empty cache.
// A drag: a story is carried down the panel, over its lower edge, where the list scrolls by itself, and dropped; a frame is the time
// between two calls of requestAnimationFrame.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const { chromium } = createRequire(join(root, 'tests/browser/package.json'))('playwright-core');
const binary = resolve(process.env.PITLANE_BINARY ?? join(root, 'target/release/pitlane'));
const STORIES = 5_000;
const LOADS = 9;
const DRAGS = 40;
const ANSWERS = 50;

const at = (values, part) => values.toSorted((a, b) => a - b)[Math.round((values.length - 1) * part)];
const ms = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);

const data = mkdtempSync(join(tmpdir(), 'pitlane-board-'));
const port = await new Promise((found) => {
  const probe = createServer();
  probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
const base = `http://127.0.0.1:${port}`;
const password = 'correct horse battery staple';
const server = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`, '--data', data], { stdio: ['ignore', 'ignore', 'inherit'] });
try {
  await measure();
} finally {
  execFileSync(binary, ['stop', '--data', data, '--apps']);
  rmSync(data, { recursive: true, force: true });
}

async function measure() {
  while (!(await fetch(`${base}/env_info`, { headers: { accept: 'application/json' } }).catch(() => undefined))?.ok) {
    if (server.exitCode !== null) throw new Error('the server ended at once');
    await new Promise((later) => setTimeout(later, 50));
  }
  execFileSync(binary, ['admin', 'createsuperuser', 'ann', '--email', 'ann@example.org', '--password-stdin', '--data', data], { input: `${password}\n` });

  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
  const first = await browser.newContext();
  const signin = await first.newPage();
  await signin.goto(`${base}/signin`);
  await signin.fill('#user_name', 'ann');
  await signin.fill('#password', password);
  await Promise.all([signin.waitForURL(`${base}/`), signin.press('#password', 'Enter')]);
  const session = await first.storageState();
  await first.close();

  const cookie = session.cookies.map((one) => `${one.name}=${one.value}`).join('; ');
  const ask = async (method, path, body) => {
    const answer = await fetch(`${base}/services/v5${path}`, { method, headers: { cookie, origin: base, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text;
  };
  const { id } = JSON.parse(await ask('POST', '/projects', { name: 'Five thousand', initial_velocity: 20 }));
  const states = ['unstarted', 'unstarted', 'unstarted', 'unscheduled', 'unscheduled'];
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let number = next++; number < STORIES; number = next++) {
        const story = { name: `As a customer I want thing ${number} to work`, current_state: number < 20 ? 'started' : states[number % states.length], estimate: number % 4, labels: [`part ${number % 40}`] };
        if (number % 3 === 0) story.description = 'What it is, and how one sees that it is done.\n\n- one\n- two';
        await ask('POST', `/projects/${id}/stories`, story);
      }
    }),
  );

  const answers = [];
  let size = 0;
  for (let number = 0; number < ANSWERS; number += 1) {
    const begun = performance.now();
    size = (await ask('GET', `/projects/${id}/board`)).length;
    answers.push(performance.now() - begun);
  }
  row(`board of ${STORIES.toLocaleString('en-GB')} stories: server's answer (${(size / 1e6).toFixed(1)} MB)`, '–', `p50 ${ms(at(answers, 0.5))}, p99 ${ms(at(answers, 0.99))}`, '≤ 100 ms');

  const address = `${base}/n/projects/${id}?show=current,icebox`;
  const loads = [];
  for (let number = 0; number < LOADS; number += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState: session });
    const page = await context.newPage();
    await page.addInitScript(watchLoad);
    await page.goto(address);
    loads.push(await page.evaluate(() => globalThis.interactive));
    await context.close();
  }
  row('the same, Chromium to interactive, empty cache', '–', `median ${ms(at(loads, 0.5))}, worst ${ms(at(loads, 1))}`, '≤ 1 s');

  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, storageState: session });
  const page = await context.newPage();
  await page.goto(address);
  await page.locator('[data-panel="current"] [data-story]').first().waitFor();
  await page.waitForTimeout(1_000);
  const slowest = [];
  const middle = [];
  for (let number = 0; number < DRAGS; number += 1) {
    const frames = await drag(page);
    slowest.push(at(frames, 1));
    middle.push(at(frames, 0.5));
  }
  await browser.close();
  row('the same, slowest frame of a drag', '–', `median of ${DRAGS} drags ${ms(at(slowest, 0.5))}, 95 of 100 ${ms(at(slowest, 0.95))}, worst ${ms(at(slowest, 1))} (a usual frame: ${ms(at(middle, 0.5))})`, '≤ 32 ms');
}

/** In the page: promises when the board was drawn and the page was at rest. */
function watchLoad() {
  let drawn = 0;
  let busy = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) busy = Math.max(busy, task.startTime + task.duration);
  }).observe({ type: 'longtask', buffered: true });
  globalThis.interactive = new Promise((done) => {
    const watch = new MutationObserver(() => {
      if (!document.querySelector('[data-story]')) return;
      watch.disconnect();
      // After the frame that shows it.
      requestAnimationFrame(() =>
        setTimeout(() => {
          drawn = performance.now();
          setTimeout(() => done(Math.max(drawn, busy)), 1_500);
        }),
      );
    });
    watch.observe(document, { childList: true, subtree: true });
  });
}

/** Carries one story; answers the lengths of all frames from picking up to after the drop. */
async function drag(page) {
  const list = await page.locator('[data-panel="current"] .list').boundingBox();
  await page.locator('[data-panel="current"] .list').evaluate((element) => (element.scrollTop = 2_000));
  await page.waitForTimeout(500);
  const rows = await page.locator('[data-panel="current"] [data-story]').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
  const top = rows.find((one) => one > list.y + 80);
  await page.mouse.move(list.x + 200, top + 10);
  await page.evaluate(() => {
    globalThis.frames = [];
    let last = performance.now();
    const tick = (now) => {
      globalThis.frames.push(now - last);
      last = now;
      globalThis.ticking = requestAnimationFrame(tick);
    };
    globalThis.ticking = requestAnimationFrame((now) => {
      last = now;
      tick(now);
    });
  });
  await page.mouse.down();
  await page.mouse.move(list.x + 210, top + 24, { steps: 3 });
  for (let y = top + 24; y < list.y + list.height - 20; y += 12) await page.mouse.move(list.x + 210, y);
  // Over the edge it scrolls by itself.
  await page.mouse.move(list.x + 210, list.y + list.height - 8);
  await page.waitForTimeout(1_500);
  await page.mouse.move(list.x + 210, list.y + list.height / 2, { steps: 10 });
  await page.mouse.up();
  await page.waitForTimeout(700);
  const frames = await page.evaluate(() => {
    cancelAnimationFrame(globalThis.ticking);
    return globalThis.frames.slice(1);
  });
  return frames;
}
