// Every page, light and dark, wide and narrow: nothing that axe finds, nothing wider than the window, no more script than it may
// load; and a picture to look at.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { api, appNamed, base, inaccessible, open, picture } from './browser.mjs';
import { running } from './jobs.mjs';
import { people } from './people.mjs';
import { plan } from './plan.mjs';

const at = {};
before(async () => {
  await people();
  await running('adder');
  at.app = await appNamed('shop');
  at.project = await plan();
  const { stories } = await api('GET', `/services/v5/projects/${at.project}/board`);
  at.story = stories.find((story) => story.current_state === 'delivered').id;
  await api('POST', '/api/identity/tokens', { name: 'nightly report' });
  at.person = (await api('GET', '/api/platform/people?q=bo')).people[0].id;
});

/** Most script of a first visit, in bytes as they are sent. */
const SCRIPT = 80_000;
const BOARD = 150_000;

/** Name, address, what shows that the page is there; `plain`: made by the server, for windows of people who are not signed in too. */
const pages = [
  ['signin', () => '/signin', '#password', { who: null }],
  ['home', () => '/', 'h1'],
  ['health', () => '/env_info', 'table, dl, h1'],
  ['account', () => '/account/sessions', 'h1'],
  ['apps', () => '/apps', 'table'],
  ['app', () => `/apps/${at.app}`, '.log .line'],
  ['app-logs', () => `/apps/${at.app}/logs`, '.log .line'],
  ['app-environment', () => `/apps/${at.app}/environment`, 'table'],
  ['app-routes', () => `/apps/${at.app}/routes`, 'table'],
  ['app-events', () => `/apps/${at.app}/events`, 'table'],
  ['app-settings', () => `/apps/${at.app}/settings`, '#command-web'],
  ['jobs', () => '/jobs', 'table'],
  ['job', () => '/jobs/adder/0.0.1', '.log .line'],
  ['job-try', () => '/jobs/adder/0.0.1/try', 'main form'],
  ['job-logs', () => '/jobs/adder/0.0.1/logs', '.log .line'],
  ['job-access', () => '/jobs/adder/0.0.1/access', 'main form'],
  ['job-manifest', () => '/jobs/adder/0.0.1/manifest', 'pre'],
  ['projects', () => '/projects', 'table, li'],
  ['board', () => `/n/projects/${at.project}?show=current,icebox`, '[data-story]', { script: BOARD }],
  ['board-panels', () => `/n/projects/${at.project}?show=mywork,epics,labels,history`, '[data-panel="history"] article', { script: BOARD }],
  ['story', () => `/n/projects/${at.project}/stories/${at.story}?show=current,icebox`, '.editor', { script: BOARD }],
  ['project-settings', () => `/projects/${at.project}/settings`, 'main form'],
  ['members', () => `/projects/${at.project}/memberships`, 'table'],
  ['audit', () => '/audit', 'table'],
  ['people', () => '/admin/people', 'table'],
  ['person', () => `/admin/people/${at.person}`, 'h1'],
  ['tokens', () => '/admin/tokens', 'h1'],
  ['signing-up', () => '/admin/invitations', 'h1'],
  ['not-found', () => '/apps/no/such/page/at/all', 'h1'],
];

for (const [name, address, sign, { script = SCRIPT, who } = {}] of pages) {
  test(`${name} looks as it should`, async () => {
    const { page, close } = await open(undefined, who === null ? {} : { who });
    if (who === null) await page.context().clearCookies();
    const scripts = [];
    page.on('requestfinished', (request) => {
      if (new URL(request.url()).pathname.endsWith('.js')) scripts.push(request.sizes().then((sizes) => sizes.responseBodySize));
    });
    await page.goto(base + address());
    await page.locator(sign).first().waitFor();
    await page.evaluate(() => document.fonts.ready);
    const sent = (await Promise.all(scripts)).reduce((sum, size) => sum + size, 0);
    assert.ok(sent <= script, `${name} loads ${sent} bytes of script, more than ${script}`);
    for (const scheme of ['light', 'dark']) {
      for (const width of [1440, 400]) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(150);
        await picture(page, `${name}-${scheme}-${width}`);
        assert.deepEqual(await inaccessible(page), [], `${name}, ${scheme}, ${width}`);
        const wide = await page.evaluate(() => {
          const main = document.querySelector('main .page');
          return document.documentElement.scrollWidth > innerWidth || (main !== null && main.scrollWidth > main.clientWidth + 1);
        });
        assert.ok(!wide, `${name} is wider than a window of ${width}`);
      }
    }
    for (const width of [1190, 1120, 970, 900, 641]) {
      await page.setViewportSize({ width, height: 700 });
      const over = await page.evaluate(() => [...document.querySelectorAll('#app > header *, main')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.checkVisibility()).length);
      assert.equal(over, 0, `${name} has something out of sight in a window of ${width}`);
    }
    await close();
  });
}
