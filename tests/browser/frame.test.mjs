// The frame: bar, palette, keys, theme, and what is shown when the server is away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, base, open, password } from './browser.mjs';

test('who is not signed in is sent to sign in, and comes back', async () => {
  const { page, close } = await open(undefined);
  await page.context().clearCookies();
  await page.goto(`${base}/apps?q=shop`);
  await page.locator('#user_name').fill('ann');
  await page.locator('#password').fill(process.env.PITLANE_PASSWORD);
  await page.locator('#password').press('Enter');
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  assert.equal(new URL(page.url()).search, '?q=shop');
  await close();
});

test('the palette finds things and does things, with the keys alone', async () => {
  const { page, close } = await open('/');
  await page.getByRole('heading', { name: 'What needs you now' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('shop');
  await page.getByRole('option', { name: /app\s*shop/ }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'shop' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('scale');
  await page.getByRole('option', { name: /Scale this app/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Scale shop' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.getByRole('heading', { name: 'What needs you now' }).waitFor();
  await close();
});

test('the question mark shows the keys of this page', async () => {
  const { page, close } = await open('/apps');
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('Filter the apps').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await close();
});

test('the chosen colours stay', async () => {
  const { page, close } = await open('/');
  const dark = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  await page.getByRole('button', { name: /Your account/ }).click();
  await page.getByLabel('Dark').check();
  assert.equal(await dark(), 'dark');
  await page.reload();
  await page.getByRole('heading', { name: 'What needs you now' }).waitFor();
  assert.equal(await dark(), 'dark');
  // The server's own pages have it too, without a script.
  await page.goto(`${base}/account/sessions`);
  assert.equal(await dark(), 'dark');
  await page.goto(`${base}/`);
  await page.getByRole('button', { name: /Your account/ }).click();
  await page.getByLabel('System').check();
  assert.notEqual(await dark(), 'dark');
  await page.goto(`${base}/account/sessions`);
  assert.notEqual(await dark(), 'dark');
  await close();
});

test('an address at which there is nothing says so', async () => {
  const { page, close } = await open('/apps/no/such/page/at/all');
  await page.getByRole('heading', { name: 'Nothing is here' }).waitFor();
  await close();
});

test('without the network the strip says it, and goes when it is back', async () => {
  const { page, close } = await open('/apps', { expect: ['ERR_INTERNET_DISCONNECTED'] });
  await page.getByRole('row', { name: /shop/ }).waitFor();
  await page.context().setOffline(true);
  await page.getByText('Offline').waitFor();
  // What was read stays.
  assert.equal(await page.getByRole('row', { name: /shop/ }).count(), 1);
  await page.context().setOffline(false);
  await page.getByText('Offline').waitFor({ state: 'detached' });
  await close();
});

test('who has nothing yet is told how to begin', async () => {
  await api('POST', '/api/platform/people', { user_name: 'nils', display_name: 'Nils Nilsson', password });
  const { page, close } = await open('/', { who: 'nils' });
  const begin = page.getByRole('region', { name: 'Begin here' });
  await begin.getByText('Ask for a role in a space').waitFor();
  await begin.getByRole('link', { name: 'Make a project' }).waitFor();
  assert.equal(await page.getByText('All is well').count(), 0);
  // Nothing of it is refused behind the page's back: the window would tell.
  await page.goto(`${base}/jobs`);
  await page.getByText('No job is open to you yet').waitFor();
  await page.getByText(/Its owner or an administrator can permit you/).waitFor();
  assert.equal(await page.getByText(/scope/).count(), 0);
  await close();
});

test('what cannot be read is not well', async () => {
  const { page, close } = await open(undefined, { expect: ['500'] });
  await page.route(/\/(v3|lifecycle|services)\//, (route) => route.fulfill({ status: 500, json: { error: 'The database is away.' } }));
  await page.goto(`${base}/`);
  for (const face of ['Apps', 'Jobs', 'Tracker']) await page.getByText(`${face} could not be read`).waitFor();
  assert.equal(await page.getByText('All is well').count(), 0);
  await close();
});

test('pages of the server have the same frame, without script', async () => {
  const { page, close } = await open('/apps');
  const bar = () =>
    page.evaluate(() => {
      const style = getComputedStyle(document.querySelector('.bar > .brand'));
      const links = [...document.querySelectorAll('.bar > .faces a')].map((link) => `${link.textContent} ${link.getAttribute('href')}`);
      return { brand: document.querySelector('.bar > .brand').textContent, font: `${style.fontFamily} ${style.fontSize}`, text: getComputedStyle(document.body).fontSize, links };
    });
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  const ours = await bar();
  for (const address of ['/env_info', '/account/sessions', '/nothing/like/it']) {
    await page.goto(`${base}${address}`).catch(() => undefined);
    assert.deepEqual(await bar(), ours, address);
    assert.ok(await page.evaluate(() => document.fonts.ready.then(() => document.fonts.check('13px "Inter Variable"'))));
  }
  // The way out is there on a phone too.
  await page.setViewportSize({ width: 400, height: 800 });
  await page.goto(`${base}/env_info`);
  await page.getByText(/^up for|^\d+ s$|^\d+ min$/).first().waitFor();
  await page.getByText(/^[\d.]+ [GT]B$/).first().waitFor();
  await page.getByRole('button', { name: 'Go to' }).click();
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('heading', { name: 'Audit' }).waitFor();
  await page.goto(`${base}/account/sessions`);
  const program = page.locator('.agent').filter({ hasText: /Chrome.* on Linux/ }).first();
  await program.waitFor();
  assert.match(await program.getAttribute('title'), /^Mozilla/);
  await page.context().close();
  void close;
});

test('people change their own password', async () => {
  await api('POST', '/api/platform/people', { user_name: 'olga', password });
  const { page, close } = await open('/account/sessions', { who: 'olga', expect: ['422'] });
  const fill = async (old, fresh, again) => {
    await page.getByLabel('Old password').fill(old);
    await page.getByLabel('New password', { exact: true }).fill(fresh);
    await page.getByLabel('New password again').fill(again);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await fill('not this one', 'another battery', 'another battery');
  await page.getByRole('alert').getByText('It is not the right one.').waitFor();
  await fill(password, 'another battery', 'yet another');
  await page.getByRole('alert').getByText(/It differs/).waitFor();
  await fill(password, 'another battery', 'another battery');
  await page.getByText('Your password is changed.').waitFor();
  await close();
});

test('on paper a page is whole', async () => {
  for (const address of ['/audit', '/apps']) {
    const { page, close } = await open(address);
    await page.getByRole('table').first().waitFor();
    await page.setViewportSize({ width: 900, height: 300 });
    await page.emulateMedia({ media: 'print' });
    // Nothing is cut off: whatever is longer than its place makes the document longer.
    const cut = await page.evaluate(() => [...document.querySelectorAll('html, body, #app, main, .page, .box')].filter((one) => one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY !== 'visible').map((one) => one.className || one.tagName));
    assert.deepEqual(cut.filter((one) => one !== 'HTML'), [], address);
    const [height, table] = await page.evaluate(() => [document.documentElement.scrollHeight, document.querySelector('table').getBoundingClientRect().bottom]);
    assert.ok(height >= Math.floor(table), `${address}: ${height} < ${table}`);
    assert.equal(await page.locator('.bar').isVisible(), false);
    await close();
  }
});
