// Administration: accounts made, let in, shut out; sessions and tokens ended.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, base, open, password } from './browser.mjs';
import { people } from './people.mjs';

before(people);

test('an account is made, and its person signs in', async () => {
  const { page, close } = await open('/admin/people', { expect: ['409'] });
  await page.getByRole('button', { name: 'New account…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User name').fill('cem');
  await dialog.getByLabel('Name', { exact: true }).fill('Cem Ezer');
  await dialog.getByLabel('E-mail').fill('cem@example.org');
  await dialog.getByLabel('Password').fill(password);
  await dialog.getByRole('button', { name: 'Make' }).click();
  await page.getByRole('heading', { name: 'Cem Ezer' }).waitFor();
  const other = await open('/apps', { who: 'cem' });
  await other.page.getByRole('heading', { name: 'Apps' }).waitFor();
  // No administration for who is no administrator.
  assert.equal(await other.page.getByRole('link', { name: 'Administration' }).count(), 0);
  await other.close();
  // Taken names are told beside the field.
  await page.goto(`${base}/admin/people`);
  await page.getByRole('button', { name: 'New account…' }).click();
  await dialog.getByLabel('User name').fill('cem');
  await dialog.getByRole('button', { name: 'Make' }).click();
  await dialog.locator('.field', { hasText: 'User name' }).locator('.bad').waitFor();
  await close();
});

test('who is suspended is out at once, and back when activated', async () => {
  const other = await open('/apps', { who: 'vera' });
  await other.page.getByRole('heading', { name: 'Apps' }).waitFor();
  const { page, close } = await open('/admin/people?q=vera');
  await page.getByRole('link', { name: 'Vera Ek' }).click();
  await page.getByRole('button', { name: 'Suspend…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await page.getByText('suspended', { exact: true }).waitFor();
  await other.page.getByRole('heading', { name: 'Account suspended' }).waitFor();
  await page.getByRole('button', { name: 'Activate' }).click();
  await page.getByText('active', { exact: true }).waitFor();
  await other.page.goto(`${base}/apps`);
  await other.page.getByRole('heading', { name: 'Apps' }).waitFor();
  await other.page.context().close();
  await close();
});

test('a password is set anew, by a link or directly', async () => {
  const { page, close } = await open('/admin/people?q=bo', { expect: ['422'] });
  await page.getByRole('link', { name: 'Bo Lee' }).click();
  await page.getByRole('button', { name: 'Link for a new password' }).click();
  await page.getByText(/\/password\?token=/).waitFor();
  await page.getByRole('button', { name: 'Set a password…' }).click();
  await page.getByLabel('New password').fill('short');
  await page.getByRole('dialog').getByRole('button', { name: 'Set' }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByLabel('New password').fill(password);
  await page.getByRole('dialog').getByRole('button', { name: 'Set' }).click();
  await page.getByText('The password is set').waitFor();
  await close();
});

test('sessions and tokens are seen and ended', async () => {
  const made = await api('POST', '/api/identity/tokens', { name: 'nightly report' });
  assert.ok(made.token);
  const { page, close } = await open('/admin/tokens');
  const row = page.getByRole('row', { name: /nightly report/ });
  await row.waitFor();
  assert.ok(!(await page.content()).includes(made.token));
  await row.getByRole('button', { name: /Revoke/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await row.waitFor({ state: 'detached' });
  const refused = await fetch(`${base}/api/identity/me`, { headers: { authorization: `Bearer ${made.token}` } });
  assert.equal(refused.status, 401);
  await close();
});

test('an invitation is a link that is shown once', async () => {
  const { page, close } = await open('/admin/invitations');
  await page.getByLabel('E-mail address').fill('new@example.org');
  await page.getByRole('button', { name: 'Make an invitation' }).click();
  const row = page.getByRole('row', { name: /new@example.org/ });
  await row.getByText(/\/signup\?invitation=/).waitFor();
  await page.reload();
  await row.getByText('was shown once').waitFor();
  await row.getByRole('button', { name: 'Withdraw' }).click();
  await row.waitFor({ state: 'detached' });
  await close();
});

test('two clicks are one wish', async () => {
  const { page, close } = await open('/admin/invitations');
  await page.getByLabel('E-mail address').fill('twice@example.org');
  await page.getByRole('button', { name: 'Make an invitation' }).dblclick();
  const rows = page.getByRole('row', { name: /twice@example.org/ });
  await rows.first().waitFor();
  await page.waitForTimeout(500);
  assert.equal(await rows.count(), 1);
  await rows.getByRole('button', { name: 'Withdraw' }).click();
  await rows.waitFor({ state: 'detached' });
  await close();
});

test('who may make an account is chosen, then saved; anybody is asked about', async () => {
  const { signup } = await api('GET', '/api/platform/settings');
  assert.notEqual(signup, 'open');
  const now = async () => (await api('GET', '/api/platform/settings')).signup;
  const { page, close } = await open('/admin/invitations');
  const choice = page.getByRole('radiogroup', { name: 'Who may make an account' });
  await choice.getByRole('radio', { checked: true }).focus();
  for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowDown');
  assert.equal(await now(), signup);
  await choice.getByRole('radio', { name: /Everybody who reaches this server/ }).check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const question = page.getByRole('dialog', { name: 'Let anybody make an account?' });
  await question.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await now(), signup);
  await choice.getByRole('radio', { name: /Administrators make the accounts/ }).check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('It holds from now on').waitFor();
  assert.equal(await now(), 'closed');
  await api('PATCH', '/api/platform/settings', { signup });
  await close();
});
