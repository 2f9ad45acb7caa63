// What the rows of a panel are: headers of iterations, stories, and marks between them.

import { many } from '../../../lib/format';
import type { Calendar } from './calendar';
import { dayName, days } from './calendar';
import type { Iteration } from './plan';
import type { Story } from './snapshot';

export interface HeaderRow {
  kind: 'iteration';
  key: string;
  number: number;
  dates: string;
  current: boolean;
  points: number;
  accepted: number;
  strength: number;
  empty: boolean;
}
export interface StoryRowData {
  kind: 'story';
  key: string;
  story: Story;
  /** Release markers: does it come too late? */
  late?: boolean;
  /** When what is above it will be done. */
  expected?: string;
}
export interface FoldRow {
  kind: 'fold';
  key: string;
  count: number;
}
export interface DeadlineRow {
  kind: 'deadline';
  key: string;
  name: string;
  date: string;
}
export interface NoteRow {
  kind: 'note';
  key: string;
  text: string;
}
export type Row = HeaderRow | StoryRowData | FoldRow | DeadlineRow | NoteRow;

const rowsOf = new WeakMap<Story, StoryRowData>();

/** The row of a story, the same one for as long as the story is: a change of one story draws one row anew, whatever the list. */
export function storyRow(story: Story): StoryRowData {
  let row = rowsOf.get(story);
  if (!row) {
    row = { kind: 'story', key: `s${story.id}`, story };
    rowsOf.set(story, row);
  }
  return row;
}

const DAY = 86_400_000;

/** Current and Backlog; `which` leaves one of them out. */
export function scheduledRows(
  stories: Story[],
  plan: Iteration[],
  calendar: Calendar,
  how: { which: 'both' | 'current' | 'backlog'; hideAccepted: boolean; hideEmpty: boolean },
): Row[] {
  const rows: Row[] = [];
  const current = plan[0]?.number ?? 0;
  const releases = stories.filter((story) => story.type === 'release' && story.deadline !== undefined && story.state !== 'accepted' && story.state !== 'unscheduled');
  for (const iteration of plan) {
    const { number } = iteration;
    const isCurrent = number === current;
    if ((how.which === 'current' && !isCurrent) || (how.which === 'backlog' && isCurrent)) continue;
    if (!isCurrent && iteration.stories.length === 0 && how.hideEmpty) continue;
    const first = calendar.firstDay(number);
    const next = calendar.firstDay(number + 1);
    let accepted = 0;
    let hidden = 0;
    const head: HeaderRow = {
      kind: 'iteration',
      key: `i${number}`,
      number,
      dates: days(first, next),
      current: isCurrent,
      points: iteration.points,
      accepted: 0,
      strength: calendar.strength(number),
      empty: iteration.stories.length === 0,
    };
    rows.push(head);
    const fold = rows.length;
    for (const index of iteration.stories) {
      const story = stories[index];
      if (!story) continue;
      if (story.state === 'accepted') {
        accepted += story.estimate ?? 0;
        if (how.hideAccepted) {
          hidden += 1;
          continue;
        }
      }
      let row = storyRow(story);
      if (story.type === 'release' && story.state !== 'accepted') {
        // Late: the iteration in which it will be done starts after the day it is wanted.
        const late = story.deadline !== undefined && calendar.start(number) > story.deadline;
        const spare = story.deadline === undefined ? -1 : Math.floor((story.deadline - calendar.start(number + 1)) / DAY);
        const last = dayName(next - 1);
        row = { ...row, late, expected: late ? `late, ${last}` : spare >= 0 ? `on time, ${many(spare, 'day')} in hand` : `expected ${last}` };
      }
      rows.push(row);
    }
    head.accepted = accepted;
    if (hidden > 0) rows.splice(fold, 0, { kind: 'fold', key: `f${number}`, count: hidden });
    for (const release of releases) {
      const at = Math.floor((release.deadline ?? 0) / DAY);
      if (at >= first && at < next) rows.push({ kind: 'deadline', key: `d${release.id}`, name: release.name, date: dayName(at) });
    }
    if (isCurrent && head.empty) rows.push({ kind: 'note', key: 'n', text: 'Nothing is planned for this iteration yet.' });
  }
  return rows;
}

export function iceboxRows(stories: Story[]): Row[] {
  return stories.filter((story) => story.state === 'unscheduled').map(storyRow);
}

/** What a person owns and has not finished, and what waits for them to accept it. */
export function myWork(stories: Story[], person: number): Story[] {
  const mine = stories.filter(
    (story) =>
      (story.state !== 'accepted' && story.owners.includes(person)) || (story.state === 'delivered' && story.requester === person),
  );
  const rank = { delivered: 0, rejected: 1, started: 2, finished: 3, planned: 4, unstarted: 5, unscheduled: 6, accepted: 7 };
  return mine
    .map((story, index) => ({ story, index }))
    .sort((a, b) => rank[a.story.state] - rank[b.story.state] || a.index - b.index)
    .map(({ story }) => story);
}

/** Height of a row that has not been drawn yet. */
export function guess(row: Row): number {
  if (row.kind === 'story') return row.story.labels.length > 0 ? 47 : 33;
  return row.kind === 'note' ? 33 : 27;
}
