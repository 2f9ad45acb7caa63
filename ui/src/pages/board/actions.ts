// What can be done to stories on a board: each shows at once, and is undone with its reason when the server refuses it.

import { tick } from 'svelte';
import { createStory, deleteStory, updateStory, type StoryData } from '../../api/tracker';
import { ask } from '../../lib/ask.svelte';
import { many } from '../../lib/format';
import { say } from '../../lib/toasts.svelte';
import type { Board } from './model/board.svelte';
import { asRequest, idsOf, listOf, placed, type List, type Move } from './model/moves';
import type { Draft, Story } from './model/snapshot';
import { inProgress, isEstimable, type State, type StoryType } from './model/story';

/** As long as a title may be. */
export const LONGEST_TITLE = 5_000;
export const TOO_LONG = 'A title has at most 5,000 characters.';

const short = (name: string) => (name.length > 60 ? `${name.slice(0, 58)}…` : name);

/** Applies changed fields as the server will. */
function applyFields(draft: Draft, id: number, change: Partial<Story>, board: Board): void {
  const was = draft.stories.get(id);
  if (!was) return;
  const full: Partial<Story> = { ...change };
  if (change.state && change.state !== was.state) {
    full.acceptedAt = change.state === 'accepted' ? Date.now() : undefined;
    const starts = change.state === 'started' && !inProgress(was.state);
    if (starts && was.owners.length === 0 && !change.owners) full.owners = [board.me];
  }
  if (change.type && !isEstimable(change.type, board.data?.project.bugs_and_chores_are_estimatable ?? false)) full.estimate = undefined;
  draft.set(id, full);
  const moves = change.state && change.state !== was.state;
  const toStarted = moves && change.state === 'started' && !inProgress(was.state);
  const across = moves && (change.state === 'unscheduled' || was.state === 'unscheduled');
  if (toStarted || across) draft.settle(id);
}

/** Names of our fields in the API. */
function asFields(change: Partial<Story>): Record<string, unknown> {
  const request: Record<string, unknown> = {};
  if (change.name !== undefined) request.name = change.name;
  if (change.description !== undefined) request.description = change.description;
  if (change.type !== undefined) request.story_type = change.type;
  if (change.state !== undefined) request.current_state = change.state;
  if ('estimate' in change) request.estimate = change.estimate ?? null;
  if ('deadline' in change) request.deadline = change.deadline === undefined ? null : new Date(change.deadline).toISOString();
  if (change.requester !== undefined) request.requested_by_id = change.requester;
  if (change.owners !== undefined) request.owner_ids = change.owners;
  if (change.labels !== undefined) request.label_ids = change.labels;
  return request;
}

export function changeStory(board: Board, story: Story, change: Partial<Story>, more: Record<string, unknown> = {}): Promise<boolean> {
  return board.do({
    failed: `“${short(story.name)}” was not changed`,
    apply: (draft) => applyFields(draft, story.id, change, board),
    send: () => updateStory(board.project, story.id, { ...asFields(change), ...more }),
  });
}

/** Labels by name; those that are new to the project are made. */
export function setLabels(board: Board, story: Story, names: string[]): Promise<boolean> {
  const known = new Map([...board.labels].map(([id, name]) => [name, id]));
  const lower = [...new Set(names.map((name) => name.trim().toLowerCase()).filter(Boolean))];
  return board.do({
    failed: `The labels of “${short(story.name)}” were not changed`,
    apply: (draft) => {
      const ids = lower.map((name, index) => {
        const id = known.get(name) ?? -1 - index;
        if (id < 0) draft.label(id, name);
        return id;
      });
      draft.set(story.id, { labels: ids });
    },
    send: () => updateStory(board.project, story.id, { labels: lower }),
  });
}

/** Goes on to the next state; asks first where something is still open. */
export async function step(board: Board, story: Story, to: State): Promise<void> {
  if (to === 'accepted' && (story.blockers > 0 || story.tasksDone < story.tasks)) {
    const open = [
      story.tasksDone < story.tasks && many(story.tasks - story.tasksDone, 'task is', 'tasks are'),
      story.blockers > 0 && many(story.blockers, 'blocker is', 'blockers are'),
    ].filter(Boolean);
    const { yes } = await ask({ title: `Accept “${short(story.name)}”?`, says: [`${open.join(' and ')} still open.`], action: 'Accept' });
    if (!yes) return;
  }
  // Accepted ones stand elsewhere.
  const list = listOf(story);
  const ids = list ? idsOf(board.view, list) : [];
  const at = ids.indexOf(story.id);
  const above = ids.slice(0, at).reverse();
  const below = ids.slice(at + 1);
  const done = await changeStory(board, story, { state: to });
  if (done && to === 'accepted') {
    say(`“${short(story.name)}” is accepted`, () => {
      if (!list) return;
      // The nearest of its neighbours that are still there.
      const still = new Set(idsOf(board.view, list));
      const back = { id: story.id, before: below.find((one) => still.has(one)), after: above.find((one) => still.has(one)), state: story.state };
      void move(board, back, list);
    });
  }
}

export function rejectStory(board: Board, story: Story, comment: string): Promise<boolean> {
  return changeStory(board, story, { state: 'rejected' }, comment.trim() ? { comment: comment.trim() } : {});
}

/** Carries out a move; `list` says which list its neighbours are meant in. */
export function move(board: Board, what: Move, list: List): Promise<boolean> {
  const story = board.view.stories.get(what.id);
  if (!story) return Promise.resolve(false);
  return board.do({
    failed: `“${short(story.name)}” was not moved`,
    apply: (draft) => {
      const now = draft.stories.get(what.id);
      if (!now) return;
      if (what.state) draft.set(what.id, { state: what.state });
      draft.order = placed(draft.order, draft.stories, what, what.state ?? now.state);
    },
    send: () => updateStory(board.project, what.id, asRequest(what, list)),
  });
}

export interface NewStory {
  name: string;
  type: StoryType;
  estimate?: number;
  description: string;
  owners: number[];
  labels: string[];
  list: List;
  state?: State;
}

let lastTemporary = 0;

/** Adds a story to the top of its list: what it is called until the server has it, and then its id. */
export function addStory(board: Board, story: NewStory): { temporary: number; saved: Promise<number | undefined> } {
  const temporary = --lastTemporary;
  const known = new Set(board.view.stories.keys());
  const state: State = story.state ?? (story.list === 'icebox' ? 'unscheduled' : 'unstarted');
  let id: number | undefined;
  const done = board.do({
    failed: `“${short(story.name)}” was not added`,
    apply: (draft) => {
      // Its entry may come before the answer.
      if ([...draft.stories.values()].some((one) => !known.has(one.id) && one.id > 0 && one.name === story.name)) return;
      const now = Date.now();
      const labels = [...draft.labels].filter(([, name]) => story.labels.includes(name)).map(([one]) => one);
      draft.stories.set(temporary, {
        id: temporary,
        name: story.name,
        description: story.description,
        type: story.type,
        state,
        estimate: story.estimate,
        requester: board.me,
        owners: story.owners,
        labels,
        createdAt: now,
        updatedAt: now,
        tasks: 0,
        tasksDone: 0,
        comments: 0,
        blockers: 0,
      });
      draft.settle(temporary);
    },
    send: () => {
      const request: Record<string, unknown> = { name: story.name, story_type: story.type, current_state: state };
      if (story.estimate !== undefined) request.estimate = story.estimate;
      if (story.description) request.description = story.description;
      if (story.owners.length > 0) request.owner_ids = story.owners;
      if (story.labels.length > 0) request.labels = story.labels;
      return createStory(board.project, request);
    },
    then: (value) => (id = (value as StoryData).id),
  });
  return { temporary, saved: done.then((well) => (well ? id : undefined)) };
}

/** `going` is called before it goes, and leaves nothing open of it: else it would be looked for elsewhere. */
export async function removeStory(board: Board, story: Story, going: () => Promise<void>): Promise<boolean> {
  const { yes } = await ask({
    title: `Delete this ${story.type}?`,
    says: [`“${story.name}”`, 'Its tasks and comments go with it. This cannot be undone; the history keeps that it was there.'],
    action: 'Delete',
    danger: true,
  });
  if (!yes) return false;
  // The question is off the page then, and the keyboard back where it came from.
  await tick();
  await going();
  return board.do({
    failed: `“${short(story.name)}” was not deleted`,
    apply: (draft) => draft.remove(story.id),
    send: () => deleteStory(board.project, story.id),
  });
}

export { listOf };
