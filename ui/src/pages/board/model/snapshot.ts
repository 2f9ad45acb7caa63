// The stories of a project and their one order, as a value: what the server said, and that again with what was done here since.
//
// A snapshot never changes once it is shown. `Draft` makes the next one; what is not touched is shared.

import type { BoardStory, Change, Label } from '../../../api/tracker';
import type { State, StoryType } from './story';

export interface Story {
  id: number;
  name: string;
  description: string;
  type: StoryType;
  state: State;
  estimate?: number;
  acceptedAt?: number;
  deadline?: number;
  requester: number;
  owners: number[];
  labels: number[];
  createdAt: number;
  updatedAt: number;
  tasks: number;
  tasksDone: number;
  comments: number;
  blockers: number;
}

export interface Snapshot {
  readonly stories: ReadonlyMap<number, Story>;
  /** Project order: accepted ones first, then Current and Backlog, then the Icebox. */
  readonly order: readonly number[];
  readonly labels: ReadonlyMap<number, string>;
}

const time = (said: string | null | undefined): number | undefined => (said ? Date.parse(said) : undefined);

export function readStory(from: BoardStory): Story {
  return {
    id: from.id,
    name: from.name,
    description: from.description ?? '',
    type: from.story_type,
    state: from.current_state,
    estimate: from.estimate,
    acceptedAt: time(from.accepted_at),
    deadline: time(from.deadline),
    requester: from.requested_by_id,
    owners: from.owner_ids,
    labels: from.label_ids ?? from.labels?.map((label) => label.id) ?? [],
    createdAt: Date.parse(from.created_at),
    updatedAt: Date.parse(from.updated_at),
    tasks: from.tasks_count ?? 0,
    tasksDone: (from.tasks_count ?? 0) - (from.tasks_open_count ?? 0),
    comments: from.comments_count ?? 0,
    blockers: from.blockers_count ?? 0,
  };
}

export function readSnapshot(stories: BoardStory[], labels: Label[]): Snapshot {
  return {
    stories: new Map(stories.map((story) => [story.id, readStory(story)])),
    order: stories.map((story) => story.id),
    labels: new Map(labels.map((label) => [label.id, label.name])),
  };
}

/** What an entry cannot be made sense of without: the whole is to be read anew. */
export class Unknown extends Error {}

export class Draft implements Snapshot {
  stories: Map<number, Story>;
  order: readonly number[];
  labels: ReadonlyMap<number, string>;

  constructor(from: Snapshot) {
    this.stories = new Map(from.stories);
    // Replaced as wholes where they change: who shows labels draws nothing anew when only stories did.
    this.order = from.order;
    this.labels = from.labels;
  }

  /** Names a label; without a name it is gone. */
  label(id: number, name?: string): void {
    if (this.labels.get(id) === name) return;
    const all = new Map(this.labels);
    if (name === undefined) all.delete(id);
    else all.set(id, name);
    this.labels = all;
  }

  set(id: number, change: Partial<Story>): void {
    const story = this.stories.get(id);
    if (story) this.stories.set(id, { ...story, ...change });
  }

  remove(id: number): void {
    this.stories.delete(id);
    this.order = this.order.filter((one) => one !== id);
  }

  /** Puts a story directly above `before`, else directly below `after`. False when neither is there. */
  place(id: number, before: number | null | undefined, after: number | null | undefined): boolean {
    const rest = this.order.filter((one) => one !== id);
    const below = before ? rest.indexOf(before) : -1;
    const above = after ? rest.indexOf(after) : -1;
    if (below >= 0) rest.splice(below, 0, id);
    else if (above >= 0) rest.splice(above + 1, 0, id);
    else if (rest.length === 0) rest.push(id);
    else return false;
    this.order = rest;
    return true;
  }

  /** Where a story that changes its list by a button goes: below those in progress, or to the top of the Icebox. */
  settle(id: number): void {
    const story = this.stories.get(id);
    if (!story) return;
    const rest = this.order.filter((one) => one !== id);
    const rank = (one: number) => listRank(this.stories.get(one)?.state ?? 'unscheduled');
    const own = listRank(story.state);
    // Above the first that stands in the same part and is not in progress, or in a later part.
    const at = rest.findIndex((one) => rank(one) > own || (rank(one) === own && own !== IN_PROGRESS));
    rest.splice(at < 0 ? rest.length : at, 0, id);
    this.order = rest;
  }

  /** Applies what an activity says. */
  apply(changes: Change[], kind = ''): void {
    // What hangs on a story does not always say on which; where the activity is about it, so is the story that is told of.
    const touched = /^(task|comment|blocker)_/.test(kind) ? changes.filter((change) => change.kind === 'story') : [];
    const on = touched.length === 1 ? touched[0]?.id : undefined;
    for (const change of changes) {
      if (change.kind === 'story' && kind === 'story_move_from_project_activity' && change.new_values?.project_id !== undefined) this.remove(change.id);
      else if (change.kind === 'story') this.#story(change);
      else if (change.kind === 'label') this.#label(change);
      else if (change.kind === 'task' || change.kind === 'comment' || change.kind === 'blocker') this.#part(change, on);
    }
  }

  #story(change: Change): void {
    const { id, new_values: now } = change;
    if (change.change_type === 'delete') {
      this.remove(id);
      return;
    }
    if (!now) return;
    const values: Partial<Story> = {};
    if (now.name !== undefined) values.name = String(now.name);
    if (now.description !== undefined) values.description = String(now.description ?? '');
    if (now.story_type !== undefined) values.type = now.story_type as StoryType;
    if (now.current_state !== undefined) values.state = now.current_state as State;
    if ('estimate' in now) values.estimate = (now.estimate as number | null) ?? undefined;
    if ('accepted_at' in now) values.acceptedAt = time(now.accepted_at as string | null);
    if ('deadline' in now) values.deadline = time(now.deadline as string | null);
    if (now.requested_by_id !== undefined) values.requester = Number(now.requested_by_id);
    if (now.owner_ids !== undefined) values.owners = now.owner_ids as number[];
    if (now.label_ids !== undefined) values.labels = now.label_ids as number[];
    if (now.updated_at !== undefined) values.updatedAt = Date.parse(String(now.updated_at));
    const known = this.stories.get(id);
    if (!known) {
      if (change.change_type !== 'create') throw new Unknown(`story ${id}`);
      this.stories.set(id, {
        id,
        name: '',
        description: '',
        type: 'feature',
        state: 'unscheduled',
        requester: 0,
        owners: [],
        labels: [],
        createdAt: Date.parse(String(now.created_at)),
        updatedAt: Date.now(),
        tasks: 0,
        tasksDone: 0,
        comments: 0,
        blockers: 0,
        ...values,
      });
    } else this.stories.set(id, { ...known, ...values });
    const labels = now.label_ids as number[] | undefined;
    if (labels && Array.isArray(now.labels)) {
      labels.forEach((label, index) => {
        const name = (now.labels as unknown[])[index];
        if (typeof name === 'string') this.label(label, name);
      });
    }
    const moved = 'before_id' in now || 'after_id' in now || !known;
    // Accepted ones are ordered by when they were accepted, and their neighbours may be done long ago.
    if (!moved || this.stories.get(id)?.state === 'accepted') {
      if (!this.order.includes(id)) this.order = [id, ...this.order];
      return;
    }
    // At the edge of a list the neighbour may be one that no board shows.
    if (!this.place(id, now.before_id as number | null, now.after_id as number | null)) this.settle(id);
  }

  #label(change: Change): void {
    if (change.change_type === 'delete') this.label(change.id);
    else if (typeof change.new_values?.name === 'string') this.label(change.id, change.new_values.name);
  }

  #part(change: Change, on: number | undefined): void {
    const { original_values: was = {}, new_values: is = {} } = change;
    if (change.kind === 'comment' && (is.epic_id ?? was.epic_id)) return;
    const id = Number(is.story_id ?? was.story_id ?? on ?? 0);
    const story = this.stories.get(id);
    // What hangs on a story that no board shows changes nothing here.
    if (!story) {
      if (id === 0) throw new Unknown(`the story of a ${change.kind}`);
      return;
    }
    const by = { create: 1, update: 0, delete: -1 }[change.change_type];
    if (change.kind === 'comment') {
      this.set(id, { comments: story.comments + by });
      return;
    }
    // Whether what is gone was done, only the server knows.
    if (change.change_type === 'delete') throw new Unknown(`a ${change.kind} that was deleted`);
    if (change.kind === 'task') {
      const done = Number(is.complete ?? was.complete ?? false) - Number(change.change_type === 'update' ? (was.complete ?? is.complete ?? false) : false);
      this.set(id, { tasks: story.tasks + by, tasksDone: story.tasksDone + done });
    } else {
      const open = Number(!(is.resolved ?? false)) - Number(change.change_type === 'update' ? !(was.resolved ?? is.resolved ?? false) : 0);
      this.set(id, { blockers: Math.max(0, story.blockers + ('resolved' in is || change.change_type === 'create' ? open : 0)) });
    }
  }
}

const IN_PROGRESS = 1;
const WAITING = 2;

function listRank(state: State): number {
  if (state === 'accepted') return 0;
  if (state === 'unscheduled') return 3;
  return state === 'unstarted' || state === 'planned' ? WAITING : IN_PROGRESS;
}
