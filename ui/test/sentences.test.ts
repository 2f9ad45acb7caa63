// Every kind of entry that the apps record has words of its own.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { sentence } from '../src/lib/sentences';

const sources = resolve(import.meta.dirname, '../../crates/apps/src');
const recorded = new Set(
  readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.rs'))
    .flatMap((name) => readFileSync(join(sources, name), 'utf8').match(/"audit\.[a-z_]+(\.[a-z_-]+)+"/g) ?? [])
    .map((quoted) => quoted.slice(1, -1)),
);

it('says what was done, for every action of the apps', () => {
  expect(recorded.size).toBeGreaterThan(50);
  for (const action of recorded) {
    const kind = action.split('.')[1] ?? '';
    const words = sentence({ action, actor: { kind: 'user', name: 'ann' }, object: { kind, id: '1', name: 'demo' }, data: {} });
    expect(words).not.toContain(action);
    // The words of last resort speak of the kind of thing; what is done to an app is more than that.
    if (kind === 'app' && !/^audit\.app\.(create|update|delete-request)$/.test(action)) expect(words, action).not.toMatch(/(made|changed|deleted|uploaded|looked at|moved) the app demo/);
  }
});

it('says what a new revision is', () => {
  const entry = { action: 'audit.app.revision.create', actor: { kind: 'user', name: 'ann' }, object: { kind: 'app', id: '1', name: 'demo' }, data: { revision_version: 2 } };
  expect(sentence(entry)).toBe('ann changed what demo runs: revision 2');
});
