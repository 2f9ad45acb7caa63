// The parts that know nothing of a browser.

import { expect, it } from 'vitest';
import { level } from '../src/api/log-cache';
import { readFailure } from '../src/lib/failure';
import { fit } from '../src/lib/fit';
import { bytes, many, megabytes } from '../src/lib/format';
import { sentence } from '../src/lib/sentences';
import { duration, relative } from '../src/lib/time';
import { readSorting, sorted } from '../src/parts/table';

it('reads the failures of every face', () => {
  const cf = readFailure(422, { errors: [{ code: 10008, title: 'CF-UnprocessableEntity', detail: 'Name must be unique' }] });
  expect([cf.message, cf.code]).toEqual(['Name must be unique', 'CF-UnprocessableEntity']);
  const tracker = readFailure(400, {
    kind: 'error',
    code: 'invalid_parameter',
    error: 'One or more request parameters was missing or invalid.',
    validation_errors: [{ field: 'name', problem: "Name can't be blank" }],
  });
  expect([tracker.message, tracker.of('name')]).toEqual(["Name can't be blank", "Name can't be blank"]);
  const jobs = readFailure(404, { error: 'No job named x', type: 'EntityNotFound' });
  expect([jobs.message, jobs.code, jobs.notFound]).toEqual(['No job named x', 'EntityNotFound', true]);
  const shape = readFailure(422, { detail: [{ loc: ['body', 'name'], msg: 'field required', type: 'missing' }] });
  expect(shape.message).toBe('name: field required');
  const oauth = readFailure(403, { error: 'forbidden', error_description: 'Only people have an account.' });
  expect(oauth.message).toBe('Only people have an account.');
  expect(readFailure(502, '').message).toBe('The server answered 502.');
});

it('says times as people do', () => {
  const now = new Date(2026, 2, 4, 12, 0, 0).getTime();
  expect(relative(now - 10_000, now)).toBe('just now');
  // The page's clock is some seconds old.
  expect(relative(now + 7_000, now)).toBe('just now');
  expect(relative(now + 30_000, now)).toBe('in a moment');
  expect(relative(now - 4 * 60_000, now)).toBe('4 min ago');
  expect(relative(now + 2 * 3_600_000, now)).toBe('in 2 h');
  expect(relative(now - 2 * 86_400_000, now)).toBe('Mon 12:00');
  expect(relative(now - 40 * 86_400_000, now)).toBe('23 Jan');
  expect(relative(now - 400 * 86_400_000, now)).toBe('28 Jan 2025');
  expect([duration(400), duration(65_000), duration(7_500_000)]).toEqual(['0.4 s', '65 s', '2 h 5 min']);
});

it('says sizes and amounts', () => {
  expect([bytes(0), bytes(1536), bytes(141 * 1024 * 1024), megabytes(1024)]).toEqual(['0 B', '1.5 KB', '141 MB', '1 GB']);
  expect([many(1, 'app'), many(3, 'app'), many(12_345, 'story', 'stories')]).toEqual(['1 app', '3 apps', '12\u202f345 stories']);
});

it('finds names by words', () => {
  expect(fit('', 'anything')).toBeGreaterThan(0);
  expect(fit('chk', 'checkout-web')).toBeGreaterThan(0);
  expect(fit('web check', 'checkout-web')).toBeGreaterThan(0);
  expect(fit('checkout', 'checkout')).toBeGreaterThan(fit('checkout', 'checkout-web'));
  expect(fit('web', 'checkout-web')).toBeGreaterThan(fit('web', 'cobweb'));
  expect(fit('xyz', 'checkout-web')).toBe(0);
});

it('sorts rows, those without a value last', () => {
  const columns = [{ id: 'n', title: 'n', value: (row: { n: number | null }) => row.n }];
  const rows = [{ n: 2 }, { n: null }, { n: 10 }, { n: 1 }];
  expect(sorted(rows, columns, readSorting('n')).map((row) => row.n)).toEqual([1, 2, 10, null]);
  expect(sorted(rows, columns, readSorting('-n')).map((row) => row.n)).toEqual([10, 2, 1, null]);
});

it('says what the ledger says', () => {
  const app = { kind: 'app', id: 'a', name: 'shop' };
  const ann = { kind: 'person', id: 'p', name: 'ann' };
  expect(sentence({ action: 'audit.app.restart', actor: ann, object: app, data: {} })).toBe('ann restarted shop');
  const scale = { process_type: 'web', request: { instances: 3 } };
  expect(sentence({ action: 'audit.app.process.scale', actor: ann, object: app, data: scale })).toBe('ann scaled web of shop to 3 instances');
  const crash = { index: 0, exit_description: 'APP/PROC/WEB: Exited with status 1' };
  expect(sentence({ action: 'audit.app.process.crash', actor: { kind: 'process', name: 'web' }, object: app, data: crash })).toBe(
    'instance 0 of shop crashed: Exited with status 1',
  );
});

it('knows the level of a line by its words', () => {
  expect([level('INFO all fine'), level('2026 ERROR no'), level('{"level":"warn"}'), level('Traceback (most recent call last):')]).toEqual([
    'plain',
    'error',
    'warn',
    'error',
  ]);
});
