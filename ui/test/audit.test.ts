import { expect, it } from 'vitest';
import { addressOf, asked } from '../src/pages/audit/filters';

const ask = (query: string) => Object.fromEntries(Object.entries(asked(new URLSearchParams(query))).filter(([, value]) => value !== undefined));

it('asks the server for what the address says', () => {
  expect(ask('')).toEqual({});
  expect(ask('text=paid+twice&actor=ann&mine=true')).toEqual({ text: 'paid twice', actor: 'ann', mine: true });
  expect(ask('kind=jobs').kind).toMatch(/^job,job_family,/);
  expect(ask('kind=feature_flag')).toEqual({ kind: 'feature_flag' });
  expect(ask('kind=jobs&family=adder&name=x')).toMatchObject({ family: 'adder' });
  expect(ask('kind=jobs&family=adder&name=x').name).toBeUndefined();
});

it('takes days as those of who looks, the last one with all its hours', () => {
  const { since, until } = ask('since=2026-03-01&until=2026-03-01');
  expect(new Date(String(until)).getTime() - new Date(String(since)).getTime()).toBe(86_400_000);
  expect(new Date(String(since)).getHours()).toBe(0);
  expect(ask('since=yesterday')).toEqual({ since: 'yesterday' });
});

it('leads to what an entry is about', () => {
  const thing = (kind: string, id: string, name = '') => addressOf({ kind, id, name }, true);
  expect(thing('app', '1b2c')).toBe('/apps/1b2c');
  expect(thing('job', 'x', 'adder 0.0.1')).toBe('/jobs/adder/0.0.1');
  expect(thing('story', '7')).toBe('/story/show/7');
  expect(thing('person', '7')).toBe('/admin/people/7');
  expect(addressOf({ kind: 'person', id: '7', name: '' }, false)).toBeUndefined();
  expect(thing('session', '7')).toBeUndefined();
});
