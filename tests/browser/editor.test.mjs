// What is typed into a board stays until it is saved or given up, and the keyboard stays where the person is.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, open, PATIENCE } from './browser.mjs';
import { people } from './people.mjs';

let project;
const at = (path = '') => `/services/v5/projects/${project}${path}`;
const made = (name, state = 'unstarted', more = {}) => api('POST', at('/stories'), { name, current_state: state, estimate: 1, ...more });
const change = (story, values, who = 'bo') => api('PUT', at(`/stories/${story.id}`), values, { who });
const read = (story) => api('GET', at(`/stories/${story.id}`));
const board = (more = {}) => open(`/n/projects/${project}?show=current,icebox`, more);
const unfolded = async (story, more = {}) => {
  const window = await open(`/n/projects/${project}/stories/${story.id}?show=current,icebox`, more);
  await window.page.locator('.editor').waitFor();
  return { ...window, editor: window.page.locator('.editor') };
};
const row = (page, story) => page.locator(`[data-story="${story.id}"]`).first();

/** Waits until what has the keyboard fits a selector. */
async function focused(page, selector) {
  try {
    await page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector, { timeout: PATIENCE });
  } catch (error) {
    assert.fail(`${selector} should have the keyboard, not ${await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200))}: ${error.message}`);
  }
}
/** Requests of a kind are refused, with the words of a server that is in trouble. */
const refuse = (page, method, path) =>
  page.route(path, (route) => (route.request().method() === method ? route.fulfill({ status: 500, contentType: 'application/json', body: '{"kind":"error","error":"In trouble."}' }) : route.continue()));
const until = async (what) => {
  const end = Date.now() + PATIENCE;
  while (!(await what())) {
    assert.ok(Date.now() < end, `not in time: ${what}`);
    await new Promise((later) => setTimeout(later, 100));
  }
};

before(async () => {
  await people();
  ({ id: project } = await api('POST', '/services/v5/projects', { name: 'Long list', point_scale: '0,1,2,3,5,8' }));
  await api('POST', at('/memberships'), { email: 'bo@example.org', role: 'member' });
});

test('what two people write into one description is not lost', async () => {
  const story = await made('Shared', 'unstarted', { description: 'As it was' });
  const { page, editor, close } = await unfolded(story);
  await editor.getByRole('button', { name: 'Edit' }).click();
  await focused(page, 'textarea[aria-label="Description"]');
  await page.keyboard.press('Control+End');
  await page.keyboard.type(', and mine a');
  await change(story, { description: 'Theirs' });
  await editor.getByText('Somebody else changed the description meanwhile').waitFor();
  await editor.locator('blockquote', { hasText: 'Theirs' }).waitFor();
  assert.ok(await editor.getByRole('button', { name: 'Save' }).isDisabled());
  await page.reload();
  await editor.getByRole('button', { name: 'Keep mine' }).click();
  await focused(page, 'textarea[aria-label="Description"]');
  assert.equal((await read(story)).description, 'Theirs');
  await editor.getByRole('button', { name: 'Save' }).click();
  await focused(page, '[data-describe]');
  assert.equal((await read(story)).description, 'As it was, and mine a');
  // What nobody touched here is simply the new one.
  await page.keyboard.press('Enter');
  await focused(page, 'textarea[aria-label="Description"]');
  await change(story, { description: 'Theirs again' });
  await page.waitForFunction(() => document.activeElement.value === 'Theirs again');
  await editor.getByRole('button', { name: 'Cancel' }).click();
  await focused(page, '[data-describe]');
  await close();
});

test('a title that is half typed stays so when rows move, and when the list is scrolled', async () => {
  const story = await made('Half typed');
  const { page, editor, close } = await unfolded(story);
  const title = editor.getByLabel('Title', { exact: true });
  await title.fill('Half');
  await change(story, { current_state: 'started' });
  await page.waitForFunction(() => document.querySelector('.editor select').value === 'started');
  await focused(page, '.editor .title');
  await page.keyboard.type(' of it');
  assert.equal(await title.inputValue(), 'Half of it');
  assert.equal((await read(story)).name, 'Half typed');
  await editor.getByLabel('Add a task').fill('Half a task');
  await until(async () => (await read(story)).name === 'Half of it');
  // Somebody moves it to the other list.
  await title.fill('Not yet');
  await change(story, { current_state: 'unscheduled' });
  await page.locator('[data-panel="icebox"] .editor').waitFor();
  assert.equal(await title.inputValue(), 'Not yet');
  assert.equal(await editor.getByLabel('Add a task').inputValue(), 'Half a task');
  await page.keyboard.press('Escape');
  assert.equal(await title.inputValue(), 'Half of it');
  assert.equal((await read(story)).name, 'Half of it');
  await page.keyboard.press('Escape');
  await focused(page, `[data-story="${story.id}"]`);
  await close();
});

test('Escape ends what is being edited, and nothing round it', async () => {
  const story = await made('Edited', 'unstarted', { description: 'As it was' });
  await api('POST', at(`/stories/${story.id}/comments`), { text: 'First words' });
  const { page, editor, close } = await unfolded(story);
  await editor.getByLabel('Add a label').fill('hal');
  await page.keyboard.press('Escape');
  await editor.getByLabel('Add a task').fill('hal');
  await page.keyboard.press('Escape');
  await editor.getByRole('button', { name: 'Add a blocker' }).click();
  await focused(page, '[aria-label="What is in the way?"]');
  await page.keyboard.press('Escape');
  await editor.locator('article').getByRole('button', { name: 'Edit' }).click();
  await focused(page, 'textarea[aria-label="Comment"]');
  await page.keyboard.type('x');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').getByText('Abandon your changes?').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await focused(page, 'textarea[aria-label="Comment"]');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').getByRole('button', { name: 'Abandon' }).click();
  await focused(page, '[id^="edit-comment"]');
  await editor.locator('.text').getByRole('button', { name: 'Edit' }).click();
  await page.keyboard.type('x');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').getByRole('button', { name: 'Abandon' }).click();
  await focused(page, '[data-describe]');
  assert.ok(await editor.isVisible());
  const now = await read(story);
  assert.deepEqual([now.labels, now.description], [[], 'As it was']);
  // Half a label is none either when the story is folded over it.
  await editor.getByLabel('Add a label').fill('half');
  await page.goBack();
  await editor.waitFor({ state: 'detached' });
  assert.deepEqual((await read(story)).labels, []);
  await close();
});

test('a new story is gone from the form when the server has it, and comes back when it is refused', async () => {
  const { page, close } = await board({ expect: ['500'] });
  await page.locator('[data-story]').first().waitFor();
  const title = page.getByLabel('Title of the new story');
  await page.keyboard.press('a');
  await title.fill('Written once');
  await title.press('Enter');
  // The keyboard is on its row.
  await page.waitForFunction(() => document.activeElement.textContent.includes('Written once') && Number(document.activeElement.dataset.story) > 0);
  await page.keyboard.press('a');
  assert.equal(await title.inputValue(), '');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement.textContent.includes('Written once'));
  await refuse(page, 'POST', '**/stories');
  await page.keyboard.press('a');
  await title.fill('Not taken');
  await title.press('Enter');
  await page.getByText('“Not taken” was not added').first().waitFor();
  assert.equal(await title.inputValue(), 'Not taken');
  await page.reload();
  await page.locator('[data-story]').first().waitFor();
  await page.keyboard.press('a');
  assert.equal(await title.inputValue(), 'Not taken');
  // Another one is begun before the refusal comes.
  await page.unroute('**/stories');
  let go;
  const held = new Promise((now) => (go = now));
  await page.route('**/stories', async (route) => {
    await held;
    await route.fulfill({ status: 500, contentType: 'application/json', body: '{}' });
  });
  await title.press('Control+Enter');
  await title.fill('Another');
  go();
  await page.getByRole('button', { name: 'Write it again' }).click();
  assert.equal(await title.inputValue(), 'Not taken');
  await title.fill('');
  await title.press('Escape');
  await close();
});

test('a story that is still being saved is opened when it has its id', async () => {
  const { page, close } = await board();
  await page.locator('[data-story]').first().waitFor();
  let go;
  const held = new Promise((now) => (go = now));
  await page.route('**/stories', async (route) => {
    await held;
    await route.continue();
  });
  await page.keyboard.press('a');
  await page.getByLabel('Title of the new story').fill('Slowly saved');
  await page.keyboard.press('Enter');
  await page.locator('.story', { hasText: 'Slowly saved' }).locator('.name').click();
  assert.doesNotMatch(page.url(), /stories/);
  go();
  await page.waitForURL(/\/stories\/\d+/);
  await page.locator('.editor').waitFor();
  await close();
});

test('the reason of a rejection stays until the server has it', async () => {
  const story = await made('To be judged', 'delivered');
  const { page, close } = await board({ expect: ['500'] });
  await refuse(page, 'PUT', '**/stories/*');
  await row(page, story).getByRole('button', { name: 'Reject' }).click();
  await page.getByLabel('What is missing or wrong?').fill('The date');
  await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
  await page.getByText('was not changed').waitFor();
  assert.equal(await page.getByLabel('What is missing or wrong?').inputValue(), 'The date');
  await page.unroute('**/stories/*');
  await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // It differs from one that is begun.
  await row(page, story).locator('.flag', { hasText: 'rejected' }).waitFor();
  assert.match(await row(page, story).getAttribute('aria-label'), /^feature: To be judged, rejected, 1 point/);
  await close();
});

test('a release date is saved when it is whole', async () => {
  const story = await made('1.0', 'unstarted', { story_type: 'release', estimate: undefined });
  const { page, editor, close } = await unfolded(story);
  const puts = [];
  page.on('request', (request) => request.method() === 'PUT' && puts.push(request.postDataJSON()));
  const field = editor.getByLabel('Release date');
  await field.fill('0002-12-31');
  await editor.getByLabel('Type').focus();
  await editor.getByText('The year is before 2000').waitFor();
  await field.focus();
  await page.keyboard.press('Escape');
  await page.keyboard.type('12312030');
  assert.deepEqual(puts, []);
  await page.keyboard.press('Enter');
  await until(async () => Boolean((await read(story)).deadline));
  assert.equal(puts.length, 1);
  assert.match((await read(story)).deadline, /^2030-12-31/);
  await close();
});

test('a title that is too long is said so at its field, and no notice hides the page', async () => {
  const story = await made('Short');
  const { page, editor, close } = await unfolded(story, { expect: ['500'] });
  await editor.getByLabel('Title', { exact: true }).fill('x'.repeat(5001));
  await page.keyboard.press('Enter');
  await editor.getByText('at most 5,000 characters').waitFor();
  assert.equal((await editor.getByLabel('Title', { exact: true }).inputValue()).length, 5001);
  await page.keyboard.press('Escape');
  await page.route('**/stories/*', (route) =>
    route.request().method() === 'PUT' ? route.fulfill({ status: 500, contentType: 'application/json', body: JSON.stringify({ kind: 'error', error: `${'y'.repeat(9000)} ${'why '.repeat(3000)}` }) }) : route.continue(),
  );
  await editor.getByLabel('Title', { exact: true }).fill('Other');
  await page.keyboard.press('Enter');
  const toast = page.locator('.toast');
  await toast.waitFor();
  assert.ok((await toast.boundingBox()).height < 200);
  await toast.getByRole('button', { name: 'Dismiss' }).click();
  await toast.waitFor({ state: 'detached' });
  assert.equal(await editor.getByLabel('Title', { exact: true }).inputValue(), 'Other');
  await close();
});

test('undoing an acceptance puts the story back where it stood', async () => {
  const ids = [];
  for (const name of ['third', 'second', 'first']) ids.unshift(await made(`Judged ${name}`, 'delivered'));
  const { page, close } = await board();
  const order = async () => (await page.locator('[data-panel="current"] .story:not(.accepted) .name').allTextContents()).filter((name) => name.startsWith('Judged'));
  await row(page, ids[1]).waitFor();
  const wanted = await order();
  await row(page, ids[1]).getByRole('button', { name: 'Accept' }).click();
  await page.locator('.story.accepted', { hasText: 'Judged second' }).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await order()).length === 3);
  assert.deepEqual(await order(), wanted);
  await until(async () => (await read(ids[1])).current_state === 'delivered');
  assert.deepEqual((await api('GET', at('/board'))).stories.filter((one) => one.name.startsWith('Judged')).map((one) => one.name), wanted);
  await close();
});

test('a story is carried to the list beside with the keys, and put back when the keyboard goes elsewhere', async () => {
  const story = await made('Carried');
  const { page, close } = await board();
  await row(page, story).focus();
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowRight');
  await page.locator(`[data-panel="icebox"] [data-story="${story.id}"].held:focus`).waitFor();
  await page.keyboard.press('Tab');
  await page.locator(`[data-panel="current"] [data-story="${story.id}"]:not(.held)`).waitFor();
  assert.equal((await read(story)).current_state, 'unstarted');
  await row(page, story).focus();
  await page.keyboard.press(' ');
  await page.getByRole('heading', { name: 'Icebox' }).click();
  await page.locator('.held').waitFor({ state: 'detached' });
  await row(page, story).focus();
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowRight');
  await page.locator(`[data-panel="icebox"] [data-story="${story.id}"].held:focus`).waitFor();
  await page.keyboard.press(' ');
  await until(async () => (await read(story)).current_state === 'unscheduled');
  await focused(page, `[data-panel="icebox"] [data-story="${story.id}"]`);
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('Carry it to the list beside').waitFor();
  await page.keyboard.press('Escape');
  // And without keys or dragging.
  await page.goto(page.url().replace('?', `/stories/${story.id}?`));
  await page.locator('.editor').getByLabel('Move to').selectOption('bottom of the Backlog');
  await page.locator('.editor').getByRole('button', { name: 'Move', exact: true }).click();
  await page.locator('[data-panel="current"] .editor').waitFor();
  await until(async () => (await read(story)).current_state === 'unstarted');
  const options = await page.locator('.editor').getByLabel('Move to').locator('option').allTextContents();
  assert.ok(!options.includes('bottom of the Backlog') && options.includes('top of the Icebox'), options.join());
  await close();
});

test('the keyboard is never nowhere', async () => {
  const [next, story] = [await made('The next one'), await made('The one')];
  const { page, editor, close } = await unfolded(story);
  await focused(page, '.editor .title');
  await editor.getByRole('button', { name: 'Add a blocker' }).click();
  await page.keyboard.type('The lawyers');
  await page.keyboard.press('Enter');
  await editor.getByText('The lawyers').waitFor();
  await page.waitForFunction(() => document.activeElement.textContent === 'Add a blocker');
  await editor.getByLabel('State').focus();
  await page.keyboard.press('ArrowDown');
  await until(async () => (await read(story)).current_state === 'started');
  await page.keyboard.press('ArrowDown');
  await until(async () => (await read(story)).current_state === 'finished');
  await focused(page, 'select[aria-label="State"]');
  await editor.getByRole('button', { name: 'Fold this story' }).click();
  await focused(page, `[data-story="${story.id}"]`);
  await page.keyboard.press('Enter');
  await change(story, { current_state: 'unstarted' });
  await change(story, { before_id: next.id, group: 'scheduled' });
  await editor.getByRole('button', { name: /Delete this/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await focused(page, `[data-story="${next.id}"]`);
  await close();
});

test('a task that is deleted can be had back', async () => {
  const story = await made('With tasks');
  for (const description of ['one', 'two']) await api('POST', at(`/stories/${story.id}/tasks`), { description, complete: description === 'one' });
  const { page, editor, close } = await unfolded(story);
  await editor.getByRole('button', { name: 'Delete the task one' }).click();
  await editor.getByText('Tasks (0 of 1)').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await editor.getByText('Tasks (1 of 2)').waitFor();
  assert.deepEqual((await api('GET', at(`/stories/${story.id}/tasks`))).map((task) => task.description), ['one', 'two']);
  await close();
});

test('what is touched is large enough for fingers, and estimates are seen in forced colours', async () => {
  const story = await made('For fingers', 'unstarted', { estimate: 3 });
  await made('Not estimated', 'unstarted', { estimate: undefined });
  await api('POST', at(`/stories/${story.id}/tasks`), { description: 'touch me' });
  const { page, editor, close } = await unfolded(story, { width: 400, height: 800 });
  await editor.getByText('touch me').waitFor();
  const small = await page.locator('.act .s, .steps .s, .editor input[type="checkbox"], .editor [aria-label^="Delete the"]').evaluateAll((all) =>
    all.filter((one) => one.checkVisibility()).map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()]).filter(([, box]) => box.width < 24 || box.height < 24),
  );
  assert.deepEqual(small, []);
  await editor.getByRole('button', { name: 'Fold this story' }).click();
  await page.emulateMedia({ forcedColors: 'active' });
  const bar = row(page, story).locator('.bars i').first();
  assert.notEqual(await bar.evaluate((one) => getComputedStyle(one).borderLeftColor), await bar.evaluate((one) => getComputedStyle(one.closest('.story')).backgroundColor));
  assert.equal(await bar.evaluate((one) => getComputedStyle(one).borderLeftWidth), '3px');
  await close();
});

test('a link to a story far down a long list shows it unfolded', async () => {
  const long = 'A rather long title that takes more than the one line that was guessed for it, as titles that people write do';
  const { id } = await api('POST', '/services/v5/projects', { name: 'Three hundred' });
  const stories = [];
  for (let index = 0; index < 300; index += 1) stories.push(await api('POST', `/services/v5/projects/${id}/stories`, { name: `${index} ${long}`, current_state: 'unscheduled' }));
  for (const [story, width] of [[stories[40], 1440], [stories[150], 400], [stories[0], 1440], [stories[0], 400]]) {
    await api('PUT', `/services/v5/projects/${id}/stories/${story.id}`, { description: 'Line\n\n'.repeat(12) });
    const { page, close } = await open(`/n/projects/${id}/stories/${story.id}`, { width, height: 900 });
    await page.locator('.editor').getByText('Line').first().waitFor();
    const seen = () =>
      page.evaluate(() => {
        const list = document.querySelector('.editor').closest('.list').getBoundingClientRect();
        const box = document.querySelector('.editor').getBoundingClientRect();
        return box.top >= list.top - 1 && (box.bottom <= list.bottom + 1 || box.top < list.top + 30);
      });
    await until(seen);
    await page.waitForTimeout(700);
    assert.ok(await seen(), `story ${story.id} at ${width}`);
    // Scrolled away, it stays as it is being edited.
    await page.locator('.editor .title').pressSequentially('!');
    await page.mouse.move(width === 400 ? 200 : 1200, 500);
    await page.mouse.wheel(0, story === stories[0] ? -9000 : 9000);
    await until(async () => !(await seen()));
    assert.match(await page.locator('.editor .title').inputValue(), /!$/);
    await focused(page, '.editor .title');
    await page.keyboard.type('?');
    assert.match(await page.locator('.editor .title').inputValue(), /!\?$/);
    assert.doesNotMatch((await api('GET', `/services/v5/projects/${id}/stories/${story.id}`)).name, /!/);
    await close();
  }
});
