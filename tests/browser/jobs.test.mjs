// Jobs: seen while they are built, called by a form, opened to people, and deleted.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, base, open, send } from './browser.mjs';
import { begin, ended, manifest, running } from './jobs.mjs';
import { people } from './people.mjs';

before(async () => {
  await people();
  await running('adder');
});

/** Calls a job as the pages do: by a token of the session. */
async function call(who, path = '/adder/0.0.1/api/v1/perform', numbers = [40, 2]) {
  const { token } = await api('POST', '/lifecycle/api/v1/auth/token/page', undefined, { who });
  return send('POST', `/pub/job${path}`, { numbers }, { who, headers: { 'x-racetrack-auth': token } });
}

test('a deployment is seen from its first phase to the running job', async () => {
  const list = await open('/jobs');
  await list.page.getByRole('row', { name: /adder/ }).getByText('running').waitFor();
  const id = await begin(manifest('adder', '0.0.2'));
  // Nothing is there yet but its deployment.
  const { page, close } = await open('/jobs/adder/0.0.2', { expect: ['404'] });
  await page.getByText('being deployed for the first time').waitFor();
  await page.getByLabel('Deployment', { exact: true }).locator('[aria-current=step]').waitFor();
  await list.page.getByRole('table', { name: 'Being deployed' }).getByRole('link', { name: 'adder 0.0.2' }).waitFor();
  // What the build says appears as it is said.
  await page.locator('.log .line').first().waitFor();
  await page.locator('.head').getByText('running', { exact: true }).waitFor();
  assert.equal((await ended(id)).status, 'done');
  await list.page.getByRole('table', { name: 'Being deployed' }).waitFor({ state: 'detached' });
  // The older version stays beside it.
  await page.getByRole('table', { name: 'Versions' }).getByRole('link', { name: '0.0.1' }).waitFor();
  await list.page.getByRole('button', { name: '1 older' }).click();
  await list.page.getByRole('row', { name: /0\.0\.1/ }).waitFor();
  await list.page.keyboard.press('Escape');
  await page.getByRole('navigation', { name: /Sides/ }).getByRole('link', { name: 'Build log' }).click();
  await page.locator('.log .line').first().waitFor();
  await list.close();
  await close();
});

test('the list finds a job and opens it', async () => {
  const { page, close } = await open('/jobs');
  await page.getByRole('row', { name: /adder/ }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('nothing like it');
  await page.getByText('No job fits').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('link', { name: 'adder', exact: true }).click();
  await page.getByRole('heading', { name: 'adder' }).waitFor();
  await close();
});

test('a job is called by the form that it describes itself', async () => {
  const { page, close } = await open('/jobs/adder/0.0.1/try');
  await page.getByLabel('Endpoint').waitFor();
  assert.equal(await page.getByLabel('numbers').inputValue(), '[40,2]');
  await page.getByRole('button', { name: 'Call' }).click();
  const answer = page.locator('section', { hasText: 'Answer' }).locator('pre').first();
  await answer.getByText('42').waitFor();
  await page.getByLabel('numbers').fill('[1, 2');
  await page.getByRole('button', { name: 'Call' }).click();
  await page.getByText('This is no JSON. Texts stand in quotes.').waitFor();
  await page.getByLabel('numbers').fill('[1, 2]');
  await page.getByRole('button', { name: 'As JSON' }).click();
  await page.getByLabel('Body').fill('{"numbers": [20, 3]}');
  await page.getByRole('button', { name: 'Call' }).click();
  await answer.getByText('23').waitFor();
  await page.getByText('Headers', { exact: true }).click();
  await page.getByText(/content-type: application\/json/).waitFor();
  await close();
});

test('what a job answers wrongly is shown as it is', async () => {
  const { page, close } = await open('/jobs/adder/0.0.1/try', { expect: ['400'] });
  await page.getByRole('button', { name: 'As JSON' }).click();
  await page.getByLabel('Body').fill('{"numbers": ["<img src=x onerror=hacked=1>", 2]}');
  await page.getByRole('button', { name: 'Call' }).click();
  await page.locator('section', { hasText: 'Answer' }).locator('header').getByText('400').waitFor();
  await page.getByText(/unsupported operand/).first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await close();
});

test('what a job prints appears by itself, and is found', async () => {
  const { page, close } = await open('/jobs/adder/0.0.1/logs');
  await page.locator('.log .line').first().waitFor();
  const number = Math.floor(Math.random() * 1e9);
  assert.equal((await call('ann', undefined, [number])).status, 200);
  await page.getByText(`adding [${number}]`).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(String(number));
  await page.locator('mark').first().waitFor();
  assert.equal(await page.locator('.line').count(), await page.locator('.line:has(mark)').count());
  await close();
});

test('who may call is told, permitted and refused', async () => {
  assert.notEqual((await call('bo')).status, 200);
  const { page, close } = await open('/jobs/adder/0.0.1/access', { expect: ['404'] });
  await page.getByText('Nobody but administrators').or(page.getByRole('table', { name: 'Who may call' })).first().waitFor();
  await page.getByLabel('User name').fill('nobody-like-that');
  await page.getByRole('button', { name: 'Permit' }).click();
  await page.getByRole('alert').getByText(/nobody-like-that/).waitFor();
  await page.getByLabel('User name').fill('bo');
  await page.getByLabel('On', { exact: true }).selectOption('job');
  await page.getByRole('button', { name: 'Permit' }).click();
  const row = page.getByRole('row', { name: /Bo Lee|^bo/ });
  await row.getByText('adder 0.0.1').waitFor();
  assert.equal((await call('bo')).status, 200);
  assert.notEqual((await call('bo', '/adder/0.0.2/api/v1/perform')).status, 200);
  await row.getByRole('button', { name: /Take away/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take it away' }).click();
  await row.waitFor({ state: 'detached' });
  assert.notEqual((await call('bo')).status, 200);
  await close();
});

test('a manifest is shown, and its faults are told', async () => {
  const { page, close } = await open('/jobs/adder/0.0.1/manifest', { expect: ['400', '422'] });
  await page.getByText('entrypoint_path: main.py').waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Manifest').fill('name: adder\nversion: none\nreplicas: many\n');
  await page.getByRole('button', { name: /Save and rebuild/ }).click();
  await page.getByRole('alert').getByText(/version/).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('entrypoint_path: main.py').waitFor();
  await close();
});

test('a deployment that fails says why, also to who comes later', async () => {
  const id = await begin(manifest('broken', '0.0.1'), 'class Broken:\n    def perform(self):\n        return <oops>\n');
  const { page, close } = await open('/jobs/broken/0.0.1', { expect: ['404'] });
  await page.getByText('The last deployment failed').waitFor();
  await page.getByText(/SyntaxError|invalid syntax/).first().waitFor();
  assert.equal((await ended(id)).status, 'failed');
  await page.getByText('racetrack deploy FOLDER').waitFor();
  await page.goto(`${base}/`);
  await page.getByRole('link', { name: /broken/ }).first().waitFor();
  await page.goto(`${base}/jobs`);
  const row = page.getByRole('table', { name: 'Could not be deployed' }).getByRole('row', { name: /broken/ });
  await row.getByText(/SyntaxError|invalid syntax|failed|error/i).waitFor();
  await row.getByRole('link', { name: 'broken 0.0.1' }).click();
  await page.getByText('The last deployment failed').waitFor();
  await close();
});

test('a version is deleted by its name only', async () => {
  const { page, close } = await open('/jobs/adder/0.0.2');
  await page.getByRole('button', { name: 'Delete…' }).click();
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('button', { name: 'Delete' }).isDisabled());
  await dialog.getByLabel(/Type/).fill('adder 0.0.2');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('adder 0.0.2 is deleted').waitFor();
  assert.equal(new URL(page.url()).pathname, '/jobs');
  await page.getByRole('row', { name: /adder/ }).getByText('0.0.1').waitFor();
  await close();
});
