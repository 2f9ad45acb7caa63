// Which iteration each story falls into: the twin of the server's `model/plan.rs` and `model/velocity.rs`, held to the same golden
// cases, so that a page shows the plan that the server will come to before it has answered.
//
// The order of stories is never changed; no later iteration takes a story while an earlier one waits for it.

import type { Calendar } from './calendar';
import { inProgress, type State } from './story';

const EPSILON = 1e-9;

export interface Planned {
  id: number;
  state: State;
  estimate?: number;
  /** Milliseconds; of accepted stories. */
  acceptedAt?: number;
}

export interface Iteration {
  number: number;
  /** Indices of its stories. */
  stories: number[];
  points: number;
}

export interface Done {
  points: number;
  weeks: number;
  strength: number;
}

export interface Strategy {
  averagedOver: number;
  initial: number;
  /** Weeks of an iteration. */
  length: number;
}

/** Points an iteration, from done ones, oldest first. */
export function velocity({ averagedOver, initial, length }: Strategy, done: Done[]): number {
  const window = done.slice(Math.max(0, done.length - averagedOver)).filter((one) => one.strength > 0);
  const points = window.reduce((sum, one) => sum + one.points, 0);
  const weeks = window.reduce((sum, one) => sum + one.weeks, 0);
  if (weeks === 0 || points <= 0) return initial;
  const rate = window.reduce((sum, one) => sum + one.points / one.strength, 0) / weeks;
  return Math.floor(rate * length + EPSILON);
}

/** Standard deviation of the effective points in percent of their mean. */
export function volatility({ averagedOver, length }: Strategy, done: Done[]): number {
  const window = done.slice(Math.max(0, done.length - averagedOver)).filter((one) => one.strength > 0);
  const points = window.map((one) => (one.points / one.strength / one.weeks) * length);
  if (points.length === 0) return 0;
  const mean = points.reduce((sum, one) => sum + one, 0) / points.length;
  const deviation = Math.sqrt(points.reduce((sum, one) => sum + (one - mean) ** 2, 0) / points.length);
  return mean > 0 ? (100 * deviation) / mean : 0;
}

export interface Filling {
  /** As reckoned; a velocity below 1 would never get through the Backlog. */
  velocity: number;
  automatic: boolean;
  /** Number of the current iteration. */
  current: number;
  calendar: Pick<Calendar, 'weeks' | 'strength' | 'length'>;
}

/** The current iteration and the Backlog, from stories in project order; `accepted` of them lie in the current one. */
export function fill(stories: readonly Planned[], how: Filling, acceptedNow: (story: Planned) => boolean = () => true): Iteration[] {
  const planned = Math.max(1, how.velocity);
  const { calendar } = how;
  const accepted: number[] = [];
  const working: number[] = [];
  const dragged: number[] = [];
  const waiting: number[] = [];
  stories.forEach((story, index) => {
    if (story.state === 'accepted') {
      if (acceptedNow(story)) accepted.push(index);
    } else if (inProgress(story.state)) working.push(index);
    else if (story.state === 'planned' && !how.automatic) dragged.push(index);
    else if (story.state !== 'unscheduled') waiting.push(index);
  });
  accepted.sort((a, b) => by(stories[a], stories[b]));
  const points = (index: number) => stories[index]?.estimate ?? 0;

  const first: Iteration = { number: how.current, stories: [...accepted, ...working, ...dragged], points: 0 };
  first.points = first.stories.reduce((sum, index) => sum + points(index), 0);
  const capacity = Math.floor(planned * (calendar.weeks(how.current) / calendar.length) * calendar.strength(how.current) + EPSILON);
  let at = 0;
  let carry = 0;
  const take = (into: Iteration, most: number) => {
    for (let next = waiting[at]; next !== undefined && into.points + points(next) <= most + EPSILON; next = waiting[++at]) {
      into.points += points(next);
      into.stories.push(next);
    }
    carry = Math.max(0, most - into.points);
  };
  if (how.automatic) take(first, capacity);
  const iterations = [first];
  for (let number = how.current + 1; at < waiting.length; number += 1) {
    const next: Iteration = { number, stories: [], points: 0 };
    take(next, planned + carry);
    iterations.push(next);
  }
  return iterations;
}

function by(a: Planned | undefined, b: Planned | undefined): number {
  return (a?.acceptedAt ?? 0) - (b?.acceptedAt ?? 0) || (a?.id ?? 0) - (b?.id ?? 0);
}

export interface Plan {
  iterations: Iteration[];
  current: number;
  velocity: number;
}

/** Everything from the first iteration on, for those who know all stories. */
export function plan(calendar: Calendar, strategy: Strategy, automatic: boolean, stories: Planned[], now: number): Plan {
  const current = calendar.numberAt(now);
  const accepted = stories
    .map((story, index) => ({ story, index }))
    .filter(({ story }) => story.state === 'accepted')
    .sort((a, b) => by(a.story, b.story));
  const iterations: Iteration[] = [];
  const done: Done[] = [];
  let at = 0;
  for (let number = 1; number < current; number += 1) {
    const finish = calendar.start(number + 1);
    const iteration: Iteration = { number, stories: [], points: 0 };
    for (let next = accepted[at]; next && (next.story.acceptedAt ?? -Infinity) < finish; next = accepted[++at]) {
      iteration.stories.push(next.index);
      iteration.points += next.story.estimate ?? 0;
    }
    iterations.push(iteration);
    done.push({ points: iteration.points, weeks: calendar.weeks(number), strength: calendar.strength(number) });
  }
  const rest = new Set(accepted.slice(at).map(({ story }) => story));
  const found = velocity(strategy, done);
  iterations.push(...fill(stories, { velocity: found, automatic, current, calendar }, (story) => rest.has(story)));
  return { iterations, current, velocity: found };
}
