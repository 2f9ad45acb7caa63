// The board: written, moved by pointer and keys, and the same in every open window.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, base, open, PATIENCE } from './browser.mjs';
import { people } from './people.mjs';

let project;
const ids = {};
const made = (name, state, more = {}) => api('POST', `/services/v5/projects/${project}/stories`, { name, current_state: state, ...more });

before(async () => {
  await people();
  ({ id: project } = await api('POST', '/services/v5/projects', { name: 'Checkout', point_scale: '0,1,2,3,5,8' }));
  await api('POST', `/services/v5/projects/${project}/memberships`, { email: 'bo@example.org', role: 'member' });
  await api('POST', `/services/v5/projects/${project}/memberships`, { email: 'vera@example.org', role: 'viewer' });
  // Each new one stands above those before it.
  for (const name of ['Gift cards', 'Order history', 'Address book', 'Pay with a card']) ids[name] = (await made(name, 'unstarted', { estimate: 2, labels: ['payments'] })).id;
  for (const name of ['Search forgets accents', 'Dark receipts']) ids[name] = (await made(name, 'unscheduled', { estimate: 1 })).id;
});

const order = (page, panel = 'current') => page.locator(`[data-panel="${panel}"] [data-story]`).evaluateAll((rows) => rows.map((row) => row.querySelector('.name').textContent));
const row = (page, name) => page.locator(`[data-story="${ids[name]}"]`);

/** Waits until a panel shows these stories in this order. */
async function shows(page, names, panel = 'current') {
  const until = Date.now() + PATIENCE;
  let found;
  for (;;) {
    found = await order(page, panel);
    if (JSON.stringify(found) === JSON.stringify(names)) return;
    if (Date.now() > until) assert.deepEqual(found, names);
    await page.waitForTimeout(50);
  }
}

/** Drags a story to the upper or lower half of another. */
async function drag(page, name, onto, half = 'upper') {
  const from = await row(page, name).boundingBox();
  const to = await row(page, onto).boundingBox();
  await page.mouse.move(from.x + 180, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(from.x + 180, from.y + from.height / 2 - 9, { steps: 4 });
  await page.mouse.move(to.x + 180, half === 'upper' ? to.y + 4 : to.y + to.height - 4, { steps: 14 });
  await page.waitForTimeout(100);
  await page.mouse.up();
}

const board = (more = {}) => open(`/n/projects/${project}?show=current,icebox`, more);
const first = ['Pay with a card', 'Address book', 'Order history', 'Gift cards'];

test('a story that is dragged in one window moves in the other', async () => {
  const one = await board();
  const two = await board({ who: 'bo' });
  await shows(one.page, first);
  await shows(two.page, first);
  await drag(one.page, 'Gift cards', 'Address book');
  const moved = ['Pay with a card', 'Gift cards', 'Address book', 'Order history'];
  await shows(one.page, moved);
  await shows(two.page, moved);
  // And on the server.
  const { stories } = await api('GET', `/services/v5/projects/${project}/board`);
  assert.deepEqual(stories.filter((story) => story.current_state === 'unstarted').map((story) => story.name), moved);
  await drag(two.page, 'Gift cards', 'Order history', 'lower');
  await shows(one.page, first);
  await one.close();
  await two.close();
});

test('from the Icebox to the Backlog and back', async () => {
  const one = await board();
  const two = await board({ who: 'bo' });
  await shows(one.page, first);
  await drag(one.page, 'Dark receipts', 'Order history');
  await shows(two.page, ['Pay with a card', 'Address book', 'Dark receipts', 'Order history', 'Gift cards']);
  await shows(two.page, ['Search forgets accents'], 'icebox');
  await drag(two.page, 'Dark receipts', 'Search forgets accents');
  await shows(one.page, first);
  await shows(one.page, ['Dark receipts', 'Search forgets accents'], 'icebox');
  await one.close();
  await two.close();
});

test('the same with the keys alone', async () => {
  const { page, close } = await board();
  await shows(page, first);
  await row(page, 'Pay with a card').focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'feature: Address book, unstarted, 2 points, label payments');
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowDown');
  await shows(page, ['Pay with a card', 'Order history', 'Address book', 'Gift cards']);
  await page.getByText('Place 3 of 4').waitFor({ state: 'attached' });
  await page.keyboard.press('Escape');
  await shows(page, first);
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowUp');
  const saved = page.waitForResponse((response) => response.request().method() === 'PUT');
  await page.keyboard.press(' ');
  await saved;
  const moved = ['Address book', 'Pay with a card', 'Order history', 'Gift cards'];
  await shows(page, moved);
  await page.reload();
  await shows(page, moved);
  await row(page, 'Address book').focus();
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await shows(page, first);
  await close();
});

test('a story is started, finished, delivered, rejected with a reason, and accepted', async () => {
  const one = await board();
  const two = await board({ who: 'bo' });
  await shows(one.page, first);
  const story = row(one.page, 'Order history');
  await story.getByRole('button', { name: 'Start', exact: true }).click();
  // It stands above what is not begun, and who began it owns it.
  await shows(two.page, ['Order history', 'Pay with a card', 'Address book', 'Gift cards']);
  await row(two.page, 'Order history').getByText('AN').waitFor();
  await story.getByRole('button', { name: 'Finish' }).click();
  await story.getByRole('button', { name: 'Deliver' }).click();
  await row(two.page, 'Order history').getByRole('button', { name: 'Reject' }).click();
  await two.page.getByLabel('What is missing or wrong?').fill('The **date** is missing.');
  await two.page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
  await story.getByRole('button', { name: 'Restart' }).click();
  await story.getByRole('button', { name: 'Finish' }).click();
  await story.getByRole('button', { name: 'Deliver' }).click();
  await story.getByRole('button', { name: 'Accept' }).click();
  await two.page.locator('.story.accepted', { hasText: 'Order history' }).waitFor();
  await one.page.getByRole('button', { name: 'Undo' }).last().click();
  await story.getByRole('button', { name: 'Accept' }).waitFor();
  await story.locator('.name').click();
  await one.page.locator('.editor article').getByText('The date is missing.').waitFor();
  await one.page.getByLabel('State').selectOption('unstarted');
  await one.page.getByRole('button', { name: 'Fold this story' }).click();
  await one.close();
  await two.close();
});

test('a story is added, and changed in place', async () => {
  const one = await board();
  const two = await board({ who: 'bo' });
  await one.page.locator('[data-story]').first().waitFor();
  await one.page.keyboard.press('a');
  await one.page.getByLabel('Title of the new story').fill('Remember the last choice');
  await one.page.getByLabel('Points', { exact: true }).selectOption('3');
  await one.page.getByLabel('Add a label').fill('comfort');
  await one.page.getByLabel('Add a label').press('Enter');
  await one.page.getByLabel('Title of the new story').press('Enter');
  const added = two.page.locator('.story', { hasText: 'Remember the last choice' });
  await added.getByText('comfort').waitFor();
  await added.getByRole('img', { name: '3 points' }).waitFor();

  await added.locator('.name').click();
  const editor = two.page.locator('.editor');
  await editor.getByLabel('Title').fill('Remember what was chosen last');
  await editor.getByLabel('Title').press('Enter');
  await one.page.locator('.story', { hasText: 'Remember what was chosen last' }).waitFor();
  await editor.getByRole('button', { name: 'Add a description' }).click();
  await editor.getByLabel('Description').fill('On **every** device, see #1.');
  await editor.getByRole('button', { name: 'Save' }).click();
  await editor.locator('strong', { hasText: 'every' }).waitFor();
  await editor.getByLabel('Add a task').fill('Ask where it is kept');
  await editor.getByLabel('Add a task').press('Enter');
  await editor.getByText('Tasks (0 of 1)').waitFor();
  await editor.getByLabel('Ask where it is kept', { exact: true }).check();
  await editor.getByText('Tasks (1 of 1)').waitFor();
  await one.page.locator('.story', { hasText: 'Remember what was chosen last' }).getByText('1/1').waitFor();
  await editor.getByLabel('Write a comment').fill('Works for me.');
  await editor.getByRole('button', { name: 'Post' }).click();
  await editor.locator('article').getByText('Works for me.').waitFor();
  await editor.getByRole('button', { name: 'Add a blocker' }).click();
  await editor.getByLabel('What is in the way?').fill('Waits for the lawyers');
  await editor.getByLabel('What is in the way?').press('Enter');
  await one.page.locator('.story', { hasText: 'Remember what was chosen last' }).getByText('blocked').waitFor();
  // Everything has an address.
  const address = two.page.url();
  assert.match(address, /\/stories\/\d+/);
  await two.page.reload();
  await two.page.locator('.editor').getByText('Works for me.').waitFor();
  await two.page.goBack();
  await two.page.locator('.editor').waitFor({ state: 'detached' });
  await two.page.goForward();
  await two.page.locator('.editor').getByRole('button', { name: /Delete this feature/ }).click();
  await two.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await one.page.locator('.story', { hasText: 'Remember what was chosen last' }).waitFor({ state: 'detached' });
  await one.close();
  await two.close();
});

test('what the server refuses is undone, with the reason', async () => {
  const { page, close } = await board({ expect: ['400', '404'] });
  await page.locator('[data-story]').first().waitFor();
  await page.route('**/stories/*', async (route) => {
    if (route.request().method() !== 'PUT') return route.continue();
    // The request is sent with a neighbour that is none.
    const body = route.request().postDataJSON();
    return route.continue({ postData: JSON.stringify({ ...body, before_id: 999_999_999, after_id: undefined }) });
  });
  const before = await order(page);
  await drag(page, 'Gift cards', 'Pay with a card');
  await page.getByText(/“Gift cards” was not moved/).waitFor();
  await shows(page, before);
  await close();
});

test('what happens between the reading of the board and the opening of its stream is not missed', async () => {
  const { page, close } = await open(undefined);
  let listen;
  const opened = new Promise((now) => (listen = now));
  await page.route('**/api/events*', async (route) => {
    await opened;
    await route.continue();
  });
  await page.goto(`${base}/n/projects/${project}?show=icebox`);
  await row(page, 'Dark receipts').waitFor();
  await api('PUT', `/services/v5/projects/${project}/stories/${ids['Dark receipts']}`, { name: 'Darker receipts' });
  listen();
  await row(page, 'Dark receipts').getByText('Darker receipts').waitFor();
  await api('PUT', `/services/v5/projects/${project}/stories/${ids['Dark receipts']}`, { name: 'Dark receipts' });
  await row(page, 'Dark receipts').getByText('Dark receipts').waitFor();
  await close();
});

test('a draft outlives a reload', async () => {
  const { page, close } = await board();
  await page.locator('[data-story]').first().waitFor();
  await page.keyboard.press('a');
  await page.getByLabel('Title of the new story').fill('Half written');
  await page.reload();
  await page.locator('[data-story]').first().waitFor();
  await page.keyboard.press('a');
  assert.equal(await page.getByLabel('Title of the new story').inputValue(), 'Half written');
  await page.getByLabel('Title of the new story').fill('');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await close();
});

test('a viewer sees everything and changes nothing', async () => {
  const { page, close } = await board({ who: 'vera' });
  await page.locator('[data-story]').first().waitFor();
  assert.equal(await page.getByRole('button', { name: 'Start', exact: true }).count(), 0);
  assert.equal(await page.getByRole('button', { name: 'Add story' }).count(), 0);
  const before = await order(page);
  await drag(page, 'Gift cards', 'Pay with a card');
  await page.waitForTimeout(300);
  assert.deepEqual(await order(page), before);
  await row(page, 'Gift cards').locator('.name').click();
  assert.ok(await page.getByLabel('State').isDisabled());
  await close();
});

test('panels: my work, search, labels, history, done', async () => {
  const { page, close } = await board();
  await page.locator('[data-story]').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('label:payments -gift');
  await page.keyboard.press('Enter');
  const found = page.locator('[data-panel^="search:"]');
  await found.locator('[data-story]').first().waitFor();
  assert.ok(!(await order(page, 'search:label:payments -gift')).includes('Gift cards'));
  await page.reload();
  await found.locator('[data-story]').first().waitFor();
  await page.keyboard.press('Shift+L');
  await page.locator('[data-panel="labels"]').getByRole('button', { name: 'payments', exact: true }).waitFor();
  await page.keyboard.press('Shift+E');
  const epics = page.locator('[data-panel="epics"]');
  await epics.getByLabel('Add an epic').fill('Payments');
  await epics.getByLabel('Add an epic').press('Enter');
  await epics.getByText(/of 4 stories accepted|of 3 stories accepted/).waitFor();
  await epics.getByRole('button', { name: 'Rename Payments' }).click();
  await epics.getByLabel('New name of Payments').fill('Paying');
  await epics.getByLabel('New name of Payments').press('Enter');
  await epics.getByRole('button', { name: 'Delete Paying' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await epics.getByText('No epics yet').waitFor();
  await page.locator('main').press('Shift+H');
  await page.locator('[data-panel="history"]').getByText(/added this feature/).first().waitFor();
  await page.keyboard.press('Shift+D');
  await page.locator('[data-panel="done"]').getByText(/No iteration is finished yet/).waitFor();
  await page.keyboard.press('Shift+W');
  await page.locator('[data-panel="mywork"]').getByRole('heading', { name: 'My work' }).waitFor();
  await close();
});

test('what people write is text, wherever it is shown', async () => {
  const script = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">"\'>';
  const story = await made(script, 'unscheduled', { description: `${script}\n\n[x](javascript:window.hacked=1)\n\n# ${script}`, labels: ['<b>label</b>'] });
  await api('POST', `/services/v5/projects/${project}/stories/${story.id}/comments`, { text: script });
  await api('POST', `/services/v5/projects/${project}/stories/${story.id}/tasks`, { description: script });
  await api('POST', `/services/v5/projects/${project}/stories/${story.id}/blockers`, { description: script });
  const { page, close } = await open(`/n/projects/${project}/stories/${story.id}?show=icebox,labels,history`);
  await page.locator('.editor article').getByText('<script>').first().waitFor();
  await page.locator('[data-panel="labels"]').getByText('<b>label</b>').waitFor();
  assert.equal(await page.locator('.editor a[href^="javascript"]').count(), 0);
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await api('DELETE', `/services/v5/projects/${project}/stories/${story.id}`);
  await page.getByText('Not found').or(page.locator('[data-panel="icebox"] [data-story]').first()).first().waitFor();
  await page.context().close();
  void close;
});

test('a link to a story leads to its board', async () => {
  const { page, close } = await open(`/story/show/${ids['Gift cards']}`);
  await page.locator('.editor').getByLabel('Title').waitFor();
  assert.equal(new URL(page.url()).pathname, `/n/projects/${project}/stories/${ids['Gift cards']}`);
  await close();
});

test('settings change the plan of every open board', async () => {
  const one = await board({ who: 'bo' });
  await one.page.locator('[data-story]').first().waitFor();
  const two = await open(`/projects/${project}/settings`, { expect: ['400'] });
  await two.page.getByLabel('Velocity to begin with').fill('2');
  await two.page.getByRole('button', { name: 'Save' }).click();
  await two.page.getByText('The settings are saved').waitFor();
  await one.page.locator('.velocity b', { hasText: /^2$/ }).waitFor();
  await one.page.locator('[data-panel="current"] .iter').nth(2).waitFor();
  await two.page.getByLabel('The first one starts').fill('2026-01-06');
  await two.page.getByRole('button', { name: 'Save' }).click();
  await two.page.getByText(/Iterations in this project start on/).waitFor();
  await two.page.reload();
  await two.page.getByLabel('Velocity to begin with').fill('10');
  await two.page.getByRole('button', { name: 'Save' }).click();
  await two.page.getByText('The settings are saved').waitFor();
  await one.close();
  await two.close();
});

test('members come and go', async () => {
  const { page, close } = await open(`/projects/${project}/memberships`, { expect: ['400'] });
  const bo = page.getByRole('row', { name: /bo@example.org/ });
  await bo.getByLabel(/Role of/).selectOption('viewer');
  await page.getByText(/is viewer now/).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('tr')].find((one) => one.textContent.includes('bo@example.org'))?.querySelector('select').value === 'member');
  await page.getByLabel('E-mail address').fill('bo@example.org');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.locator('#add-problem').getByText(/already/).waitFor();
  await close();
});
