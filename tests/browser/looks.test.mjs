// Every page, light and dark, wide and narrow: nothing that axe finds, nothing wider than the window; and a picture to look at.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appNamed, inaccessible, open, picture } from './browser.mjs';

const app = () => appNamed('shop');

/** Name, address, what shows that the page is there. */
const pages = [
  ['home', () => '/', 'h1'],
  ['apps', () => '/apps', 'table'],
  ['app', async () => `/apps/${await app()}`, '.log .line'],
  ['app-logs', async () => `/apps/${await app()}/logs`, '.log .line'],
  ['app-environment', async () => `/apps/${await app()}/environment`, 'table'],
  ['app-routes', async () => `/apps/${await app()}/routes`, 'table'],
  ['app-events', async () => `/apps/${await app()}/events`, 'table'],
  ['app-settings', async () => `/apps/${await app()}/settings`, '#command-web'],
  ['not-found', () => '/apps/no/such/page/at/all', 'h1'],
];

for (const [name, address, sign] of pages) {
  test(`${name} looks as it should`, async () => {
    const path = await address();
    for (const scheme of ['light', 'dark']) {
      for (const width of [1440, 400]) {
        const { page, close } = await open(path, { scheme, width });
        await page.locator(sign).first().waitFor();
        await page.waitForTimeout(400);
        await picture(page, `${name}-${scheme}-${width}`);
        assert.deepEqual(await inaccessible(page), [], `${name}, ${scheme}, ${width}`);
        const wide = await page.evaluate(() => {
          const main = document.querySelector('main .page');
          return document.documentElement.scrollWidth > innerWidth || (main !== null && main.scrollWidth > main.clientWidth + 1);
        });
        assert.ok(!wide, `${name} is wider than a window of ${width}`);
        await close();
      }
    }
  });
}
