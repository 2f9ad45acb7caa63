// The audit page: the ledger in sentences, filtered, live, exported, its chain verified.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, base, open } from './browser.mjs';
import { people } from './people.mjs';

before(people);

const entries = (page) => page.getByRole('table', { name: 'Audit log' });

test('sentences are filtered by words, kind, name, person and day, and the address keeps it', async () => {
  const { page, close } = await open('/');
  await page.getByRole('navigation', { name: 'Parts of Pitlane' }).getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('heading', { name: 'Audit' }).waitFor();
  // How far down it is, depends on what was done since.
  await entries(page).getByRole('row').nth(1).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('created shop');
  await entries(page).getByText(/user bo has been created/).waitFor({ state: 'detached' });
  await entries(page).getByText('app shop has been created by ann', { exact: true }).waitFor();
  await page.getByLabel('Of what').selectOption('people');
  await page.getByText('No entry fits').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByLabel('Name of the object').fill('sho*');
  await entries(page).getByText(/user bo has been created/).waitFor({ state: 'detached' });
  await page.getByLabel('By user name').fill('ann');
  await page.getByLabel('From this day').fill('2020-01-01');
  await page.reload();
  await entries(page).getByText('app shop has been created by ann', { exact: true }).waitFor();
  assert.equal(await page.getByLabel('By user name').inputValue(), 'ann');
  await page.getByLabel('To this day').fill('2020-01-02');
  await page.getByText('No entry fits').waitFor();
  await close();
});

test('an entry is opened, and leads to what it is about', async () => {
  const { page, close } = await open('/audit?text=app+shop+has+been+created');
  await entries(page).getByRole('button', { name: 'app shop has been created by ann', exact: true }).click();
  await page.getByText('audit.app.create').last().waitFor();
  await page.getByRole('button', { name: 'all about it' }).click();
  await entries(page).getByText(/shop has been started|shop has been staged/).first().waitFor();
  await page.goBack();
  // It is as it was left.
  await entries(page).getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('heading', { name: 'shop' }).waitFor();
  await close();
});

test('what happens meanwhile is announced and shown when wanted', async () => {
  const { page, close } = await open('/audit?kind=projects');
  await page.getByText('of projects and stories').waitFor({ state: 'attached' });
  await page.locator('table, .empty').first().waitFor();
  const before = await entries(page).locator('tbody tr').count();
  const project = await api('POST', '/services/v5/projects', { name: `Seen ${Date.now()}` });
  if (before > 0) {
    await page.getByRole('button', { name: /newer/ }).click();
  }
  await entries(page).getByText(new RegExp(project.name)).first().waitFor();
  await api('DELETE', `/services/v5/projects/${project.id}`);
  await close();
});

test('older entries come page by page', async () => {
  const { id } = await api('POST', '/services/v5/projects', { name: 'Much happens' });
  for (let number = 0; number < 105; number += 1) await api('PUT', `/services/v5/projects/${id}`, { description: `${number}` });
  const { page, close } = await open('/audit');
  await entries(page).waitFor();
  const older = page.getByRole('button', { name: 'Older entries' });
  await older.click();
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="Audit log"] tbody tr').length > 100);
  // A reload keeps how far it was scrolled, though what is there has to be read first.
  const top = () => page.evaluate(() => document.querySelector('main .page').scrollTop);
  await page.evaluate(() => document.querySelector('main .page').scrollTo(0, 900));
  assert.equal(await top(), 900);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('main .page')?.scrollTop === 900);
  // Another visit in the same window begins at the top.
  await page.goto(`${base}/env_info`);
  await page.goto(`${base}/audit`);
  await page.waitForFunction(() => document.querySelectorAll('[aria-label="Audit log"] tbody tr').length >= 50);
  assert.equal(await top(), 0);
  await api('DELETE', `/services/v5/projects/${id}`);
  await close();
});

test('the chain is verified, and everything that fits is exported', async () => {
  const { page, close } = await open('/audit?text=shop');
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await page.getByText('The chain is whole.').waitFor();
  const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export CSV' }).click()]);
  assert.equal(csv.suggestedFilename(), 'audit.csv');
  const address = await page.getByRole('link', { name: 'Export JSON' }).getAttribute('href');
  assert.match(address, /text=shop/);
  await close();
});

test('others see what concerns them, and have no chain to verify', async () => {
  const { page, close } = await open('/audit', { who: 'bo' });
  await entries(page).getByText(/bo has signed in/).first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Verify the chain' }).count(), 0);
  assert.equal(await entries(page).getByText(/app shop/).count(), 0);
  const refused = await fetch(`${base}/api/platform/audit/verify`);
  assert.equal(refused.status, 401);
  await close();
});
