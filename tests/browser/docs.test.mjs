// The pictures of the README: an app, a job, a board. PITLANE_PICTURES=docs/images tests/browser/run BINARY docs renews those that are
// committed; else they are taken beside the other screenshots.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { api, appNamed, base, open, screenshots, send } from './browser.mjs';
import { running } from './jobs.mjs';
import { people } from './people.mjs';
import { plan } from './plan.mjs';

const folder = process.env.PITLANE_PICTURES ? resolve(import.meta.dirname, '../..', process.env.PITLANE_PICTURES) : screenshots;
mkdirSync(folder, { recursive: true });

async function take(path, sign, name) {
  const { page, close } = await open(path, { width: 1120, height: 680 });
  await page.locator(sign).first().waitFor();
  await page.evaluate(() => document.fonts.ready);
  await page.mouse.move(560, 679);
  await page.waitForTimeout(300);
  const file = join(folder, `${name}.png`);
  const picture = await page.screenshot({ animations: 'disabled' });
  assert.ok(picture.length < 150_000, `${file} has ${picture.length} bytes`);
  writeFileSync(file, picture);
  await close();
}

before(async () => {
  await people();
  await running('adder');
});

test('an app', async () => {
  const guid = await appNamed('shop');
  await api('POST', `/v3/apps/${guid}/processes/web/actions/scale`, { instances: 2 });
  const state = async () => (await api('GET', `/v3/apps/${guid}/processes/web/stats`)).resources.map((one) => one.state);
  while ((await state()).filter((one) => one === 'RUNNING').length < 2) await new Promise((later) => setTimeout(later, 200));
  for (const path of ['/', '/basket', '/basket/checkout', '/', '/orders/88213']) {
    await new Promise((done) => request(base + path, { headers: { host: 'shop.apps.localhost' } }, (answer) => answer.resume().on('end', done)).end());
  }
  await take(`/apps/${guid}`, '.log .line:has-text("/orders/88213")', 'app');
  await api('POST', `/v3/apps/${guid}/processes/web/actions/scale`, { instances: 1 });
});

test('a job', async () => {
  const { token } = await api('POST', '/lifecycle/api/v1/auth/token/page');
  for (const numbers of [[40, 2], [1, 2, 3], [0.5, 0.25]]) {
    const answer = await send('POST', '/pub/job/adder/latest/api/v1/perform', { numbers }, { headers: { 'x-racetrack-auth': token } });
    assert.equal(answer.status, 200);
  }
  // The front door tells of calls every other second.
  while (!(await api('GET', '/lifecycle/api/v1/job/adder/0.0.1')).last_call_time) await new Promise((later) => setTimeout(later, 200));
  await take('/jobs/adder/0.0.1', '.log .line:has-text("adding [0.5, 0.25]")', 'job');
});

test('a board', async () => {
  await take(`/n/projects/${await plan()}?show=current,icebox`, '[data-story]', 'board');
});
