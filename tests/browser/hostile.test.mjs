// What people write is shown and never run, on every page; and no other site can act as who looks at it.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { api, appNamed, base, open, send } from './browser.mjs';
import { script, short } from './job-files.mjs';
import { running } from './jobs.mjs';
import { people } from './people.mjs';

const places = {};

before(async () => {
  await people();
  const project = await api('POST', '/services/v5/projects', { name: short, description: script });
  const at = `/services/v5/projects/${project.id}`;
  const story = await api('POST', `${at}/stories`, { name: script, description: `${script}\n\n[x](javascript:window.hacked=1)\n\n# ${script}`, current_state: 'unscheduled', labels: [short] });
  await api('POST', `${at}/stories/${story.id}/comments`, { text: script });
  await api('POST', `${at}/stories/${story.id}/tasks`, { description: script });
  await api('POST', `${at}/stories/${story.id}/blockers`, { description: script });
  await api('POST', `${at}/epics`, { name: script, description: script });
  const person = await api('POST', '/api/platform/people', { user_name: 'mallory', display_name: script, email: 'mallory@example.org' });
  await api('POST', `${at}/memberships`, { email: 'mallory@example.org', role: 'member' });
  await api('POST', '/api/identity/tokens', { name: script });
  const organization = await api('POST', '/v3/organizations', { name: script });
  const space = await api('POST', '/v3/spaces', { name: script, relationships: { organization: { data: { guid: organization.guid } } } });
  const app = await api('POST', '/v3/apps', { name: script, environment_variables: { HACK: script }, relationships: { space: { data: { guid: space.guid } } } });
  const shop = await appNamed('shop');
  await api('PATCH', `/v3/apps/${shop}`, { metadata: { annotations: { note: script } } });
  await api('POST', `/v3/apps/${shop}/tasks`, { command: script, name: script });
  await running('hostile');
  Object.assign(places, { project: project.id, story: story.id, person: person.id, app: app.guid, shop, organization: organization.guid });
});

after(async () => {
  await api('DELETE', `/services/v5/projects/${places.project}`);
  await api('DELETE', `/api/platform/people/${places.person}`);
  await api('DELETE', `/v3/organizations/${places.organization}`);
});

// The pages' policy makes a script that would run an error in the console, and that fails a window by itself.
const pages = [
  ['/', 'h1'],
  ['/projects', 'text=<svg/onload'],
  [() => `/n/projects/${places.project}/stories/${places.story}?show=icebox,labels,history,${encodeURIComponent('search:hacked')}`, '.editor article >> text=<script>'],
  [() => `/projects/${places.project}/settings`, 'form'],
  [() => `/projects/${places.project}/memberships`, 'text=<script>'],
  ['/apps', 'text=<script>'],
  [() => `/apps/${places.app}`, 'h1 >> text=<script>'],
  [() => `/apps/${places.app}/environment`, 'table'],
  [() => `/apps/${places.app}/events`, 'table'],
  [() => `/apps/${places.shop}/logs`, '.log .line'],
  [() => `/apps/${places.shop}/events`, 'text=<script>'],
  ['/jobs', 'text=hostile'],
  ['/jobs/hostile/0.0.1', '.log .line'],
  ['/jobs/hostile/0.0.1/try', 'text=<svg/onload'],
  ['/jobs/hostile/0.0.1/manifest', 'text=<script>'],
  ['/audit?text=script', 'text=<script>'],
  ['/admin/people', 'text=<script>'],
  [() => `/admin/people/${places.person}`, 'h1 >> text=<script>'],
  ['/admin/tokens', 'text=<script>'],
  ['/account/sessions', 'text=<script>'],
];

test('what people write is text on every page', async () => {
  const { page, close } = await open('/');
  for (const [address, sign] of pages) {
    const path = typeof address === 'string' ? address : address();
    await page.goto(base + path);
    await page.locator(sign).first().waitFor({ state: 'attached' }).catch((error) => assert.fail(`${path}: ${error.message}`));
    assert.equal(await page.evaluate(() => window.hacked), undefined, path);
    assert.equal(await page.locator('a[href^="javascript"], script:not([src]), [onerror], [onload]').count(), 0, path);
  }
  await close();
});

test('what a job answers and prints is text', async () => {
  const { page, close } = await open('/jobs/hostile/0.0.1/try');
  // The job would not take this one.
  await page.getByLabel('<img src=x').fill('');
  await page.getByRole('button', { name: 'Call' }).click();
  await page.locator('pre').getByText('<script>').first().waitFor();
  await page.goto(`${base}/jobs/hostile/0.0.1/logs`);
  await page.locator('.log .line').getByText('<script>').first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await close();
});

test('the palette finds it as text', async () => {
  const { page, close } = await open('/');
  await page.getByRole('heading', { name: 'What needs you now' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('hacked');
  await page.getByRole('option', { name: /<script>/ }).first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await close();
});

test('another site that posts a form changes nothing', async () => {
  // Another port is another origin, and the browser sends the cookie all the same: one site.
  const forms = [
    ['/services/v5/projects', { name: 'Taken over' }],
    ['/v3/organizations', { name: 'Taken over' }],
    ['/api/platform/people', { user_name: 'takenover' }],
    ['/api/identity/tokens', { name: 'Taken over' }],
    ['/lifecycle/api/v1/escs', { name: 'Taken over' }],
    ['/signout', {}],
  ];
  const other = createServer((request, answer) => {
    const [path, body] = forms[Number(request.url.slice(1))] ?? [];
    const json = JSON.stringify(body ?? {});
    // A form in plain text: {"name":"…","x":"="}
    const field = `${json.slice(0, -1)}${json === '{}' ? '' : ','}"x":"`;
    answer.setHeader('content-type', 'text/html');
    answer.end(`<title>evil</title><form method=post enctype="text/plain" action="${base}${path}"><input name='${field}' value='"}'></form><script>document.forms[0].submit()</script>`);
  });
  await new Promise((ready) => other.listen(0, '127.0.0.1', ready));
  const evil = `http://127.0.0.1:${other.address().port}`;
  const { page } = await open(undefined);
  for (const [index, [path]] of forms.entries()) {
    const [answer] = await Promise.all([page.waitForResponse((one) => one.url() === base + path), page.goto(`${evil}/${index}`)]);
    assert.ok([400, 401, 403, 415].includes(answer.status()), `${path} answered ${answer.status()}`);
    await page.waitForLoadState();
  }
  // And by script, whose answer it may not read but which would have been made.
  await page.goto(`${evil}/none`).catch(() => undefined);
  await page.evaluate(
    async ([to]) => {
      await fetch(to, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"name":"Taken over"}' }).catch(() => undefined);
    },
    [`${base}/services/v5/projects`],
  );
  assert.deepEqual((await api('GET', '/services/v5/projects')).filter((one) => one.name === 'Taken over'), []);
  assert.equal((await api('GET', '/v3/organizations?names=Taken%20over')).resources.length, 0);
  assert.equal((await api('GET', '/api/platform/people?q=takenover')).total, 0);
  assert.equal((await api('GET', '/api/platform/tokens?q=Taken')).total, 0);
  assert.equal((await send('GET', '/api/identity/me', undefined)).status, 200);
  await page.context().close();
  other.close();
});
