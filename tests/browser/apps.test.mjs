// Apps: seen and run from the pages.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { api, appNamed, base, open } from './browser.mjs';

/** As its visitors do. */
const visit = (path) => new Promise((done) => request(base + path, { headers: { host: 'shop.apps.localhost' } }, (answer) => answer.resume().on('end', done)).end());

test('the list finds an app and opens it', async () => {
  const { page, close } = await open('/apps');
  await page.getByRole('row', { name: /shop/ }).getByText('running').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('nothing like it');
  await page.getByText('No app fits').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('q'), 'nothing like it');
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('link', { name: 'shop', exact: true }).click();
  await page.getByRole('heading', { name: 'shop' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Apps' }).waitFor();
  await close();
});

test('scaled, restarted, stopped and started', async () => {
  const guid = await appNamed('shop');
  const { page, close } = await open(`/apps/${guid}`);
  await page.getByText('1 of 1 running').first().waitFor();
  await page.keyboard.press('s');
  await page.getByLabel('Instances of web').fill('2');
  await page.getByRole('button', { name: 'Scale', exact: true }).click();
  await page.getByText('2 of 2 running').first().waitFor();

  await page.getByRole('button', { name: 'Restart…' }).click();
  await page.getByLabel('One by one').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Restart' }).click();
  await page.getByText(/being replaced/).first().waitFor();
  await page.getByText('2 of 2 running', { exact: true }).first().waitFor();

  await page.getByRole('button', { name: 'Restart instance 1 of web' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restart instance' }).click();
  await page.getByText('Instance 1 of web restarts').waitFor();

  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('dialog').getByText(/will answer 404/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  await page.getByText('stopped', { exact: true }).waitFor();
  // The notice offers the way back.
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('2 of 2 running', { exact: true }).first().waitFor();
  await api('POST', `/v3/apps/${guid}/processes/web/actions/scale`, { instances: 1 });
  await page.getByText('1 of 1 running').first().waitFor();
  await page.getByRole('table', { name: 'What happened' }).getByText(/scaled web/).first().waitFor();
  await page.goto(`${base}/apps/${guid}/events`);
  await page.getByRole('row', { name: /changed what it runs: revision 1/ }).first().waitFor();
  await close();
});

test('what is asked of an app is counted on its page', async () => {
  const { page, close } = await open(`/apps/${await appNamed('shop')}`);
  const rate = page.getByText('Requests a second').locator('..').locator('b');
  await Promise.all(Array.from({ length: 50 }, (_, number) => visit(`/count/${number}`)));
  await rate.filter({ hasText: /[1-9]/ }).waitFor();
  assert.match(await page.getByText('Slowest 1 %').locator('..').locator('b').innerText(), /^[0-9.]+ ms$/);
  await close();
});

test('the log is live, found in, and paused', async () => {
  const guid = await appNamed('shop');
  const { page, close } = await open(`/apps/${guid}/logs`);
  await page.getByText(/Container became healthy/).first().waitFor();
  const word = `found-${Date.now()}`;
  await visit(`/${word}`);
  await page.getByText(new RegExp(word)).first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type(word);
  await page.locator('mark').first().waitFor();
  assert.equal(await page.locator('.line').count(), await page.locator('.line:has(mark)').count());
  await page.getByLabel('Find in the log').fill('');
  await page.getByRole('button', { name: /Pause/ }).click();
  await visit('/while-paused');
  await page.getByRole('button', { name: /new/ }).waitFor();
  assert.equal(await page.getByText(/while-paused/).count(), 0);
  await page.getByRole('button', { name: /new/ }).click();
  await page.getByText(/while-paused/).first().waitFor();
  await close();
});

test('twenty thousand lines are read, found and left in peace', async () => {
  const guid = await appNamed('shop');
  const say = (from, to) => api('POST', `/v3/apps/${guid}/tasks`, { command: `for n in $(seq ${from} ${to}); do echo "flood $n"; done` });
  const { page, close } = await open(`/apps/${guid}/logs`);
  await page.locator('.line').first().waitFor();
  await say(1, 20_000);
  await page.getByText('flood 20000', { exact: true }).waitFor();
  assert.ok((await page.locator('.line').count()) < 500, 'only what is near is drawn');
  // Who reads further up keeps what is read, and is told how much is new.
  const log = page.getByRole('log');
  await log.hover();
  await page.mouse.wheel(0, -60_000);
  await page.getByText('flood 18000', { exact: true }).or(page.locator('.line').first()).first().waitFor();
  const read = () =>
    log.evaluate((box) => {
      const { top, height } = box.getBoundingClientRect();
      return [...box.querySelectorAll('.line')].find((line) => line.getBoundingClientRect().top >= top + height / 2)?.textContent;
    });
  await page.waitForTimeout(400);
  const before = await read();
  assert.match(before, /flood \d+/);
  await say(20_001, 26_000);
  await page.getByRole('button', { name: /^6\s?0\d\d new/ }).waitFor();
  assert.equal(await read(), before);
  await page.getByRole('button', { name: /new/ }).click();
  await page.getByText('flood 26000', { exact: true }).waitFor();
  // After a reload the newest are there; older ones are read by who scrolls up or looks for something in them.
  await page.reload();
  await page.getByText('flood 26000', { exact: true }).waitFor();
  await page.getByLabel('Find in the log').fill('flood 22345');
  await page.getByText(/^0 of the last 1\s?000 lines, since/).waitFor();
  await page.getByRole('button', { name: 'Look in older lines' }).click();
  await page.getByText('flood 22345', { exact: true }).waitFor();
  await page.getByText(/^1 of the last [56]\s?\d{3} lines, since/).waitFor();
  await page.getByLabel('Find in the log').fill('');
  await close();
});

test('on a phone a line of the log tells its time and its source', async () => {
  const { page, close } = await open(`/apps/${await appNamed('shop')}/logs`, { width: 400 });
  const line = page.locator('.line').last();
  await line.waitFor();
  assert.match(await line.innerText(), /^\d\d:\d\d:\d\d\.\d{3}\s/);
  assert.ok(await line.locator('.from').isVisible());
  const wrap = page.getByRole('checkbox', { name: 'Wrap' });
  assert.ok(await wrap.isChecked());
  await wrap.uncheck();
  assert.equal(await line.locator('.text').evaluate((text) => getComputedStyle(text).whiteSpace), 'pre');
  await close();
});

test('variables are masked until somebody looks, and changed with a way back', async () => {
  const guid = await appNamed('shop');
  const { page, close } = await open(`/apps/${guid}/environment`);
  await page.getByLabel('Name of a new variable').fill('GREETING');
  await page.getByLabel('Its value').fill('hello <b>world</b>');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  const row = page.getByRole('row', { name: /GREETING/ });
  await row.getByLabel('hidden').waitFor();
  assert.equal(await page.getByText('hello').count(), 0);
  await row.getByRole('button', { name: 'Show GREETING' }).click();
  await row.getByText('hello <b>world</b>').waitFor();
  await row.getByRole('button', { name: 'Edit GREETING' }).click();
  await page.getByLabel('Value of GREETING').fill('good day');
  await page.getByRole('button', { name: 'Save' }).click();
  await row.getByText('good day').waitFor();
  await row.getByRole('button', { name: 'Take away GREETING' }).click();
  await page.getByText('No variables yet').waitFor();
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await row.waitFor();
  // What may not be set says so beside the field.
  await page.getByLabel('Name of a new variable').fill('PORT');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.locator('#env-problem').getByText(/PORT/).waitFor();
  await api('PATCH', `/v3/apps/${guid}/environment_variables`, { var: { GREETING: null } });
  await page.getByText('No variables yet').waitFor();
  await page.context().close();
  void close;
});

test('a route is mapped and unmapped', async () => {
  const guid = await appNamed('shop');
  const { page, close } = await open(`/apps/${guid}/routes`);
  await page.getByRole('button', { name: 'Map a route…' }).click();
  await page.getByLabel('Host name').fill('second-door');
  await page.getByRole('button', { name: 'Map', exact: true }).click();
  const row = page.getByRole('table', { name: 'Routes' }).getByRole('row', { name: /second-door/ });
  await row.waitFor();
  await row.getByRole('button', { name: /Unmap/ }).click();
  await row.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await row.waitFor();
  await close();
});

test('an address that another app has is not shared by accident', async () => {
  const guid = await appNamed('shop');
  const { resources: spaces } = await api('GET', '/v3/spaces');
  const { resources: domains } = await api('GET', '/v3/domains');
  const domain = domains.find((one) => !one.internal);
  const [space, data] = [{ data: { guid: spaces[0].guid } }, { data: { guid: domain.guid } }];
  const node = await api('POST', '/v3/apps', { name: 'node', relationships: { space } });
  const route = await api('POST', '/v3/routes', { host: 'taken', relationships: { space, domain: data } });
  await api('POST', `/v3/routes/${route.guid}/destinations`, { destinations: [{ app: { guid: node.guid } }] });
  const { page, close } = await open(`/apps/${guid}/routes`);
  const row = page.getByRole('table', { name: 'Routes' }).getByRole('row', { name: /taken/ });
  await page.getByRole('button', { name: 'Map a route…' }).click();
  await page.getByLabel('Host name').fill('Taken');
  await page.getByRole('button', { name: 'Map', exact: true }).click();
  const question = page.getByRole('dialog', { name: /Map taken\..* to shop\?/ });
  await question.getByText('node already answers here; requests would be divided.').waitFor();
  await question.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await row.count(), 0);
  // Under a path that nobody has, nothing is asked; every name that nobody has is somebody's loss again.
  await page.getByLabel('Path').fill('/own');
  await page.getByRole('button', { name: 'Map', exact: true }).click();
  await row.getByText(/\/own/).waitFor();
  await page.getByRole('button', { name: 'Map a route…' }).click();
  await page.getByLabel('Host name').fill('*');
  await page.getByRole('button', { name: 'Map', exact: true }).click();
  await page.getByText(/every name that no other route has/).waitFor();
  await page.getByRole('dialog', { name: /Map \*\./ }).getByRole('button', { name: 'Cancel' }).click();
  await page.getByLabel('Host name').fill('taken');
  await page.getByRole('button', { name: 'Map', exact: true }).click();
  await question.getByRole('button', { name: 'Map anyway' }).click();
  await row.getByText(/^taken\.[^/]*$/).waitFor();
  await api('DELETE', `/v3/apps/${node.guid}`);
  await close();
});

test('an app is deleted by its name only', async () => {
  const { resources } = await api('GET', '/v3/spaces');
  const made = await api('POST', '/v3/apps', { name: 'doomed', relationships: { space: { data: { guid: resources[0].guid } } } });
  const { page, close } = await open(`/apps/${made.guid}/settings`);
  await page.getByRole('button', { name: 'Delete doomed…' }).click();
  const dialog = page.getByRole('dialog');
  assert.ok(await dialog.getByRole('button', { name: 'Delete' }).isDisabled());
  await dialog.getByLabel(/Type doomed/).fill('doom');
  assert.ok(await dialog.getByRole('button', { name: 'Delete' }).isDisabled());
  await dialog.getByLabel(/Type doomed/).fill('doomed');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('doomed is deleted').waitFor();
  assert.equal(new URL(page.url()).pathname, '/apps');
  await close();
});

test('what somebody else does appears by itself', async () => {
  const { page, close } = await open('/apps');
  await page.getByRole('row', { name: /shop/ }).waitFor();
  const { resources } = await api('GET', '/v3/spaces');
  const made = await api('POST', '/v3/apps', { name: 'appears', relationships: { space: { data: { guid: resources[0].guid } } } });
  await page.getByRole('row', { name: /appears/ }).waitFor();
  await api('DELETE', `/v3/apps/${made.guid}`);
  await page.getByRole('row', { name: /appears/ }).waitFor({ state: 'detached' });
  await close();
});
