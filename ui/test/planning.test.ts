// Planning against the golden cases that the server's tests read too.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Calendar, type Override, type Timing } from '../src/pages/board/model/calendar';
import { fill, plan, velocity, type Planned } from '../src/pages/board/model/plan';
import type { State } from '../src/pages/board/model/story';

interface Case {
  name: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  [key: string]: any;
}
const cases = JSON.parse(readFileSync(join(import.meta.dirname, '../../crates/tracker/tests/planning-cases.json'), 'utf8')) as Record<
  'velocity' | 'filling' | 'windows' | 'plans',
  Case[]
>;

const overrides = (list: ({ number: number } & Override)[]) => new Map(list.map((one) => [one.number, one]));
const timing = (project: Case | Omit<Case, 'name'>): Timing => ({ ...(project as unknown as Timing), created_at: Date.parse(project.created_at as string) });

describe('velocity', () => {
  it.each(cases.velocity)('$name', (one) => {
    const strategy = { averagedOver: one.averaged_over, initial: one.initial_velocity, length: one.iteration_length };
    expect(velocity(strategy, one.done)).toBe(one.velocity);
  });
});

describe('filling', () => {
  it.each(cases.filling)('$name', (one) => {
    const stories = (one.stories as { state: State; points: number | null }[]).map(({ state, points }, id) => ({ id, state, estimate: points ?? 0 }));
    const calendar = { length: one.iteration_length as number, weeks: () => one.current.weeks as number, strength: () => one.current.strength as number };
    const found = fill(stories, { velocity: one.velocity, automatic: one.automatic_planning, current: 1, calendar });
    const numbers = stories.map((_, index) => found.find((iteration) => iteration.stories.includes(index))?.number ?? null);
    expect(numbers).toEqual(one.iterations);
  });
});

describe('windows', () => {
  it.each(cases.windows)('$name', (one) => {
    const calendar = new Calendar(timing(one), overrides(one.overrides), one.first_accepted && Date.parse(one.first_accepted));
    const starts = Object.keys(one.starts).map((number) => [number, new Date(calendar.start(Number(number))).toISOString().replace('.000', '')]);
    expect(Object.fromEntries(starts)).toEqual(one.starts);
    const numbers = Object.keys(one.numbers).map((at) => [at, calendar.numberAt(Date.parse(at))]);
    expect(Object.fromEntries(numbers)).toEqual(one.numbers);
  });
});

describe('plans', () => {
  it.each(cases.plans)('$name', (one) => {
    const stories = (one.stories as { id: number; state: State; points: number | null; accepted_at?: string }[]).map(
      (story): Planned => ({ id: story.id, state: story.state, estimate: story.points ?? undefined, acceptedAt: story.accepted_at ? Date.parse(story.accepted_at) : undefined }),
    );
    const accepted = stories.flatMap((story) => story.acceptedAt ?? []);
    const calendar = new Calendar(timing(one.project), overrides(one.overrides), accepted.length > 0 ? Math.min(...accepted) : undefined);
    const strategy = { averagedOver: one.project.velocity_averaged_over, initial: one.project.initial_velocity, length: one.project.iteration_length };
    const found = plan(calendar, strategy, one.project.automatic_planning, stories, Date.parse(one.now));
    expect([found.velocity, found.current]).toEqual([one.velocity, one.current]);
    const shown = found.iterations.map((iteration) => [String(iteration.number), iteration.stories.map((index) => stories[index]?.id)]);
    expect(Object.fromEntries(shown)).toEqual(one.iterations);
  });
});

it('plans ten thousand stories in no time that a person sees', () => {
  const stories = Array.from({ length: 10_000 }, (_, id): Planned => ({ id, state: 'unstarted', estimate: id % 4 }));
  const calendar = { length: 1, weeks: () => 1, strength: () => 1 };
  const before = performance.now();
  const found = fill(stories, { velocity: 20, automatic: true, current: 1, calendar });
  expect(found.reduce((sum, one) => sum + one.stories.length, 0)).toBe(10_000);
  // Two orders of magnitude above what it takes: a test of the algorithm, not of the machine.
  expect(performance.now() - before).toBeLessThan(500);
});
