// The board's model: snapshots, moves, what activities do to them, and searching.

import { describe, expect, it } from 'vitest';
import type { BoardStory, Change, State } from '../src/api/tracker';
import { asRequest, idsOf, moveTo, placed } from '../src/pages/board/model/moves';
import { iceboxRows, myWork, scheduledRows } from '../src/pages/board/model/rows';
import { compile, NotUnderstood, type Known } from '../src/pages/board/model/search';
import { Draft, readSnapshot, Unknown } from '../src/pages/board/model/snapshot';
import { allows, steps, STATES, TYPES } from '../src/pages/board/model/story';
import { Calendar } from '../src/pages/board/model/calendar';
import { fill } from '../src/pages/board/model/plan';

function story(id: number, current_state: State, more: Partial<BoardStory> = {}): BoardStory {
  return {
    id,
    project_id: 1,
    name: `story ${id}`,
    story_type: 'feature',
    current_state,
    requested_by_id: 1,
    owner_ids: [],
    label_ids: [],
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    ...more,
  };
}
const board = () =>
  readSnapshot(
    [story(1, 'started'), story(2, 'delivered'), story(3, 'unstarted'), story(4, 'unstarted'), story(5, 'unscheduled'), story(6, 'unscheduled')],
    [{ id: 9, name: 'payments' }],
  );
const automatic = { automatic: true };

describe('moves', () => {
  it('names both neighbours of its list', () => {
    expect(moveTo(board(), 4, 'scheduled', 2, automatic)).toEqual({ id: 4, before: 3, after: 2, state: undefined });
  });
  it('keeps what is not begun below what is in progress, and the other way round', () => {
    expect(moveTo(board(), 4, 'scheduled', 0, automatic)).toMatchObject({ before: 3, after: 2 });
    expect(moveTo(board(), 1, 'scheduled', 9, automatic)).toMatchObject({ before: 3, after: 2 });
  });
  it('changes the state where the list asks for it', () => {
    expect(moveTo(board(), 5, 'scheduled', 3, automatic)).toEqual({ id: 5, before: 4, after: 3, state: 'unstarted' });
    expect(moveTo(board(), 3, 'icebox', 0, automatic)).toEqual({ id: 3, before: 5, after: undefined, state: 'unscheduled' });
    expect(moveTo(board(), 4, 'scheduled', 2, { automatic: false, current: true })).toMatchObject({ state: 'planned' });
  });
  it('says that a planned story stays planned', () => {
    const planned = readSnapshot([story(1, 'planned'), story(2, 'planned'), story(3, 'unstarted')], []);
    expect(moveTo(planned, 2, 'scheduled', 0, { automatic: false, current: true })).toEqual({ id: 2, before: 1, after: undefined, state: 'planned' });
  });
  it('is nothing when nothing would change', () => {
    expect(moveTo(board(), 3, 'scheduled', 2, automatic)).toBeUndefined();
    expect(moveTo(board(), 99, 'scheduled', 2, automatic)).toBeUndefined();
  });
  it('leaves accepted stories where they are', () => {
    const done = readSnapshot([story(1, 'accepted'), story(2, 'unstarted')], []);
    expect(moveTo(done, 1, 'scheduled', 1, automatic)).toBeUndefined();
  });
  it('tells the API its list', () => {
    expect(asRequest({ id: 5, before: 4, state: 'unstarted' }, 'scheduled')).toEqual({ group: 'scheduled', before_id: 4, current_state: 'unstarted' });
  });

  it('whatever is moved where, no story is lost or doubled, and every move lands where it said', () => {
    let seed = 11;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    let now = board();
    for (let round = 0; round < 3000; round += 1) {
      const id = 1 + random(6);
      const list = random(2) === 0 ? 'scheduled' : 'icebox';
      const what = moveTo(now, id, list, random(7), automatic);
      if (!what) continue;
      const draft = new Draft(now);
      if (what.state) draft.set(id, { state: what.state });
      draft.order = placed(draft.order, draft.stories, what, draft.stories.get(id)?.state ?? 'unstarted');
      now = draft;
      expect([...now.order].sort()).toEqual([1, 2, 3, 4, 5, 6]);
      const ids = idsOf(now, list);
      const at = ids.indexOf(id);
      expect([ids[at - 1], ids[at + 1]]).toEqual([what.after, what.before]);
    }
  });
});

describe('activities', () => {
  const apply = (changes: Change[], kind = 'story_update_activity') => {
    const draft = new Draft(board());
    draft.apply(changes, kind);
    return draft;
  };
  it('moves by the neighbour that is told', () => {
    expect(apply([{ kind: 'story', change_type: 'update', id: 4, new_values: { before_id: 3, after_id: 2 } }]).order).toEqual([1, 2, 4, 3, 5, 6]);
    expect(apply([{ kind: 'story', change_type: 'update', id: 3, new_values: { before_id: null, after_id: 6 } }]).order).toEqual([1, 2, 4, 5, 6, 3]);
  });
  it('adds, changes and takes away', () => {
    const values = { ...story(7, 'unscheduled'), name: 'new', label_ids: [9, 10], labels: ['payments', 'shop'], before_id: 5, after_id: 4 };
    const made = apply([{ kind: 'story', change_type: 'create', id: 7, new_values: values }]);
    expect(made.order).toEqual([1, 2, 3, 4, 7, 5, 6]);
    expect([made.stories.get(7)?.name, made.labels.get(10)]).toEqual(['new', 'shop']);
    expect(apply([{ kind: 'story', change_type: 'delete', id: 3 }]).order).toEqual([1, 2, 4, 5, 6]);
    const away = apply([{ kind: 'story', change_type: 'update', id: 3, new_values: { project_id: 2 } }], 'story_move_from_project_activity');
    expect(away.order).toEqual([1, 2, 4, 5, 6]);
    const accepted = apply([{ kind: 'story', change_type: 'update', id: 2, new_values: { current_state: 'accepted', accepted_at: '2026-02-01T00:00:00Z', before_id: 1, after_id: 77 } }]);
    expect([accepted.stories.get(2)?.state, accepted.order.length]).toEqual(['accepted', 6]);
  });
  it('counts what hangs on a story', () => {
    const touched: Change = { kind: 'story', change_type: 'update', id: 3, new_values: { updated_at: '2026-02-01T00:00:00Z' } };
    const task = apply([{ kind: 'task', change_type: 'create', id: 1, new_values: { story_id: 3, complete: false } }, touched], 'task_create_activity');
    expect(task.stories.get(3)).toMatchObject({ tasks: 1, tasksDone: 0 });
    const done = new Draft(task);
    done.apply([{ kind: 'task', change_type: 'update', id: 1, original_values: { complete: false }, new_values: { complete: true } }, touched], 'task_update_activity');
    expect(done.stories.get(3)).toMatchObject({ tasks: 1, tasksDone: 1 });
    const blocked = apply([{ kind: 'blocker', change_type: 'create', id: 1, new_values: { story_id: 3, resolved: false } }, touched], 'blocker_create_activity');
    expect(blocked.stories.get(3)?.blockers).toBe(1);
    expect(apply([{ kind: 'comment', change_type: 'create', id: 1, new_values: { story_id: 4 } }, touched], 'comment_create_activity').stories.get(4)?.comments).toBe(1);
  });
  it('says when it cannot know', () => {
    expect(() => apply([{ kind: 'story', change_type: 'update', id: 99, new_values: { name: 'x' } }])).toThrow(Unknown);
    expect(() => apply([{ kind: 'blocker', change_type: 'update', id: 1, original_values: { resolved: false }, new_values: { resolved: true } }])).toThrow(Unknown);
  });
  it('never changes the snapshot that it begins with', () => {
    const before = board();
    const draft = new Draft(before);
    draft.apply([{ kind: 'story', change_type: 'update', id: 4, new_values: { name: 'other', before_id: 1 } }]);
    expect([before.order, before.stories.get(4)?.name]).toEqual([[1, 2, 3, 4, 5, 6], 'story 4']);
  });
});

it('a story that begins stands below those in progress', () => {
  const draft = new Draft(board());
  draft.set(4, { state: 'started' });
  draft.settle(4);
  expect(draft.order).toEqual([1, 2, 4, 3, 5, 6]);
  draft.set(6, { state: 'unstarted' });
  draft.settle(6);
  expect(draft.order).toEqual([1, 2, 4, 6, 3, 5]);
});

it('buttons lead only to states that the type allows', () => {
  for (const type of TYPES) {
    for (const state of STATES.filter((one) => allows(type, one, false))) for (const step of steps(type, state)) expect(allows(type, step.to, true), `${type} ${state} → ${step.to}`).toBe(true);
  }
});

it('rows of a plan hold every scheduled story once, under the head of its iteration', () => {
  const from = readSnapshot(
    [
      story(1, 'accepted', { estimate: 2, accepted_at: '2026-01-06T00:00:00Z' }),
      story(2, 'started', { estimate: 1 }),
      story(3, 'unstarted', { estimate: 3 }),
      story(4, 'unstarted', { story_type: 'release', deadline: '2026-01-13T12:00:00Z' }),
      story(5, 'unstarted', { estimate: 3 }),
      story(6, 'unscheduled'),
    ],
    [],
  );
  const stories = from.order.flatMap((id) => from.stories.get(id) ?? []);
  const calendar = new Calendar({ time_zone: 'UTC', week_start_day: 'Monday', iteration_length: 1, created_at: Date.parse('2026-01-05T00:00:00Z') }, new Map());
  const plan = fill(
    stories,
    { velocity: 3, automatic: true, current: 1, calendar },
  );
  const rows = scheduledRows(stories, plan, calendar, { which: 'both', hideAccepted: false, hideEmpty: false });
  expect(rows.map((row) => row.key)).toEqual(['i1', 's1', 's2', 'i2', 's3', 's4', 'd4', 'i3', 's5']);
  const heads = rows.filter((row) => row.kind === 'iteration');
  expect(heads.map((row) => [row.number, row.dates, row.points, row.accepted])).toEqual([
    [1, '5 Jan – 11 Jan', 3, 2],
    [2, '12 Jan – 18 Jan', 3, 0],
    [3, '19 Jan – 25 Jan', 3, 0],
  ]);
  const hidden = scheduledRows(stories, plan, calendar, { which: 'current', hideAccepted: true, hideEmpty: false });
  expect(hidden.map((row) => row.key)).toEqual(['i1', 'f1', 's2']);
  expect(iceboxRows(stories).map((row) => row.key)).toEqual(['s6']);
});

it('my work is what I own, and what waits for me', () => {
  const from = readSnapshot(
    [
      story(1, 'started', { owner_ids: [7] }),
      story(2, 'delivered', { requested_by_id: 7 }),
      story(3, 'delivered', { requested_by_id: 1 }),
      story(4, 'accepted', { owner_ids: [7] }),
      story(5, 'unscheduled', { owner_ids: [7] }),
    ],
    [],
  );
  expect(myWork([...from.stories.values()], 7).map((one) => one.id)).toEqual([2, 1, 5]);
});

describe('search', () => {
  const known: Known = {
    label: (id) => ({ 9: 'payments', 10: 'crash report' })[id],
    isEpic: (id) => id === 9,
    person: (id) => ({ 1: ['Ann North', 'AN', 'ann'], 2: ['Bo Lee', 'BO', 'bo'] })[id] ?? [],
    me: 1,
  };
  const stories = [
    ...readSnapshot(
      [
        story(1, 'started', { name: 'Pay with a card', estimate: 2, owner_ids: [1], label_ids: [9], description: 'by phone' }),
        story(2, 'unstarted', { name: 'Crash on start', story_type: 'bug', owner_ids: [2], label_ids: [10], blockers_count: 1 }),
        story(3, 'delivered', { name: 'Gift cards', requested_by_id: 2, comments_count: 2 }),
        story(4, 'unscheduled', { name: 'Dark receipts', requested_by_id: 2, tasks_count: 1, tasks_open_count: 1 }),
      ],
      [],
    ).stories.values(),
  ];
  const found = (query: string) => stories.filter((one) => compile(query)(one, known)).map((one) => one.id);
  it.each([
    ['card', [1, 3]],
    ['"a card"', [1]],
    ['phone', [1]],
    ['ca*d', [1, 3]],
    ['payments', [1]],
    ['label:payments', [1]],
    ['label:"crash report"', [2]],
    ['label:""', [3, 4]],
    ['epic:pay', [1]],
    ['state:started,delivered', [1, 3]],
    ['type:bug', [2]],
    ['estimate:2', [1]],
    ['estimate:-1', [2, 3, 4]],
    ['owner:AN', [1]],
    ['owner:""', [3, 4]],
    ['owner:me', [1]],
    ['requester:bo', [3, 4]],
    ['mywork:AN', [1]],
    ['mywork:BO', [2, 3]],
    ['is:blocked', [2]],
    ['has:comments', [3]],
    ['no:labels', [3, 4]],
    ['#4', [4]],
    ['id:1,2', [1, 2]],
    ['-card', [2, 4]],
    ['card -owner:AN', [3]],
    ['type:bug OR state:started', [1, 2]],
    ['(type:bug OR state:started) -label:payments', [2]],
    ['', [1, 2, 3, 4]],
  ])('%s', (query, ids) => {
    expect(found(query)).toEqual(ids);
  });
  it.each(['colour:red', 'has:wings', '(card', 'card)', 'is:nice'])('%s is not understood, and says so', (query) => {
    expect(() => compile(query)).toThrow(NotUnderstood);
  });
});
