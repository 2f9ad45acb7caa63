// A project's people, settings, labels and history, and who may do what with them.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, open, PATIENCE } from './browser.mjs';
import { people } from './people.mjs';

let project;
const membership = {};
const at = (path) => `/services/v5/projects/${project}${path}`;

before(async () => {
  await people();
  ({ id: project } = await api('POST', '/services/v5/projects', { name: 'Harbour' }));
  for (const [who, role] of [
    ['bo', 'member'],
    ['vera', 'viewer'],
  ]) {
    membership[who] = (await api('POST', at('/memberships'), { email: `${who}@example.org`, role })).id;
  }
  for (const [name, label] of [
    ['Dredge the basin', 'water'],
    ['Paint the crane', 'land'],
  ]) {
    await api('POST', at('/stories'), { name, current_state: 'unstarted', estimate: 1, labels: [label] });
  }
});

test('a label that takes the name of another asks before both become one', async () => {
  const { page, close } = await open(`/n/projects/${project}?show=labels`);
  // The other one is out of sight.
  await page.getByLabel('Find or make a label').fill('water');
  await page.getByRole('button', { name: 'Rename water' }).click();
  await page.getByLabel('New name of water').fill('Land');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByRole('dialog').getByText(/cannot be undone/).waitFor();
  await page.keyboard.press('Escape');
  assert.deepEqual((await api('GET', at('/labels'))).map((label) => label.name).toSorted(), ['land', 'water']);
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByRole('button', { name: 'Merge' }).click();
  await page.getByLabel('Find or make a label').fill('');
  await page.getByText('2 stories, 2 points').waitFor();
  await close();
});

test('history says which fields were edited', async () => {
  const [story] = await api('GET', at('/stories'));
  await api('PUT', at(`/stories/${story.id}`), { labels: ['land', 'tools'], description: 'With the big one.' });
  await api('POST', at(`/stories/${story.id}/blockers`), { description: 'No spare rope' });
  const { page, close } = await open(`/n/projects/${project}?show=history`);
  await page.getByText('description, labels').waitFor();
  await page.getByText('No spare rope').waitFor();
  await close();
});

test('a panel that is opened comes into sight', async () => {
  const { page, close } = await open(`/n/projects/${project}?show=current,icebox,mywork`);
  await page.getByRole('button', { name: 'History' }).click();
  await page.locator('[data-panel="history"]').waitFor();
  await page.waitForFunction(() => document.querySelector('[data-panel="history"]').getBoundingClientRect().right <= innerWidth);
  await close();
});

test('on a narrow page the way back leads to the panel before', async () => {
  const { page, close } = await open(`/n/projects/${project}`, { width: 400, height: 800 });
  await page.locator('[data-panel="current"]').waitFor();
  await page.getByRole('button', { name: /^Icebox/ }).click();
  await page.locator('[data-panel="icebox"]').waitFor();
  await page.reload();
  await page.locator('[data-panel="icebox"]').waitFor();
  await page.goBack();
  await page.locator('[data-panel="current"]').waitFor();
  await close();
});

test('a panel stands where it stood after a reload, and on the way back', async () => {
  const { id } = await api('POST', '/services/v5/projects', { name: 'Long' });
  for (let number = 0; number < 80; number += 1) await api('POST', `/services/v5/projects/${id}/stories`, { name: `Berth ${number}`, labels: number % 3 ? ['a'] : [] });
  const { page, close } = await open(`/n/projects/${id}?show=icebox,current`);
  const list = page.locator('[data-panel="icebox"] .list');
  await list.locator('[data-story]').first().waitFor();
  await list.evaluate((element) => (element.scrollTop = 1_500));
  await list.getByText('Berth 40', { exact: true }).waitFor();
  // The story at the upper edge, and how far it is from there.
  const stands = () =>
    list.evaluate((element) => {
      const edge = element.getBoundingClientRect().top;
      const row = [...element.querySelectorAll('[data-story]')].find((one) => one.getBoundingClientRect().bottom > edge + 1);
      return row && `${row.dataset.story} ${Math.round(row.getBoundingClientRect().top - edge)}`;
    });
  const stood = await stands();
  const back = async () => {
    const until = Date.now() + PATIENCE;
    while ((await stands().catch(() => undefined)) !== stood && Date.now() < until) await page.waitForTimeout(50);
    assert.equal(await stands(), stood);
  };
  await page.reload();
  await back();
  await page.getByRole('link', { name: 'Jobs' }).first().click();
  await page.getByRole('heading', { name: 'Jobs' }).waitFor();
  await page.goBack();
  await back();
  await api('DELETE', `/services/v5/projects/${id}`);
  await close();
});

test('a long name of a project is cut on a narrow page', async () => {
  const { id } = await api('POST', '/services/v5/projects', { name: 'Verylongprojectnamewithoutanyspaces' });
  const { page, close } = await open(`/n/projects/${id}`, { width: 400, height: 800 });
  await page.locator('[data-panel="current"]').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400);
  await close();
});

test('a role that cannot be changed stays, and is said once', async () => {
  const { page, close } = await open(`/projects/${project}/memberships`, { expect: ['400'] });
  const role = page.getByLabel('Role of ann');
  await role.selectOption('viewer');
  const notice = page.getByText(/is still owner/);
  await notice.waitFor();
  assert.equal(await role.inputValue(), 'owner');
  assert.equal((await notice.innerText()).match(/needs an owner/g)?.length ?? 0, 1, await notice.innerText());
  await close();
});

test('who does not manage a project sees its settings and members, and changes neither', async () => {
  const { page, close } = await open(`/projects/${project}/settings`, { who: 'vera' });
  await page.getByText('Owners of the project change these.').waitFor();
  assert.ok(await page.getByLabel('Name', { exact: true }).isDisabled());
  assert.equal(await page.getByRole('button', { name: /Save|Delete/ }).count(), 0);
  await page.getByRole('link', { name: 'Members' }).click();
  await page.getByText('Owners of the project add and remove people.').waitFor();
  assert.equal(await page.getByRole('combobox').count(), 0);
  await close();
});

test('the palette leads to the pages of a project, and changes the colours', async () => {
  const { page, close } = await open(`/n/projects/${project}`);
  await page.locator('[data-story]').first().waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('dark');
  await page.getByRole('option', { name: 'Dark colours' }).click();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('settings');
  await page.getByRole('option', { name: /Go to Settings/ }).click();
  await page.getByRole('heading', { name: 'Settings of Harbour' }).waitFor();
  await close();
});

test('whose role changes is told, and who is taken out sees no board that goes stale', async () => {
  const { page, close } = await open(`/n/projects/${project}`, { who: 'bo', expect: ['403', '404'] });
  await page.locator('[data-story]').first().waitFor();
  await api('PUT', at(`/memberships/${membership.bo}`), { role: 'viewer' });
  await page.getByText('You are viewer of this project now').waitFor();
  await api('DELETE', at(`/memberships/${membership.bo}`));
  await page.evaluate(() => dispatchEvent(new Event('focus')));
  await page.getByText(/Harbour is not open to you any more/).waitFor();
  await close();
});
