// Where a story may be put, and what that does to its state (reference, sections 4 and 15.7).

import type { Snapshot, Story } from './snapshot';
import { allows, inProgress, type State } from './story';

export type List = 'scheduled' | 'icebox';

export interface Move {
  id: number;
  /** The story right below it afterwards, of the whole project; undefined at the end. */
  before?: number;
  /** The story right above it. */
  after?: number;
  state?: State;
}

export function listOf(story: Story): List | undefined {
  if (story.state === 'accepted') return undefined;
  return story.state === 'unscheduled' ? 'icebox' : 'scheduled';
}

/** Accepted stories are ordered by when they were accepted. */
export function movable(story: Story | undefined): boolean {
  return story !== undefined && story.state !== 'accepted';
}

const lists = new WeakMap<Snapshot, Map<List, number[]>>();

/** Ids of one list, from the top. Asked on every movement of the pointer, so it is kept with the snapshot, which never changes. */
export function idsOf(from: Snapshot, list: List): readonly number[] {
  let known = lists.get(from);
  if (!known) {
    known = new Map();
    lists.set(from, known);
  }
  let ids = known.get(list);
  if (!ids) {
    ids = from.order.filter((id) => {
      const story = from.stories.get(id);
      return story !== undefined && listOf(story) === list;
    });
    known.set(list, ids);
  }
  return ids;
}

export interface Rules {
  automatic: boolean;
  /** With manual planning: dropped into the current iteration. */
  current?: boolean;
}

/**
 * Puts `id` at `index` of a list from which it has been taken out. Un-started stories stay below those in progress and those below
 * them; undefined when nothing would change.
 */
export function moveTo(from: Snapshot, id: number, list: List, index: number, rules: Rules): Move | undefined {
  const story = from.stories.get(id);
  if (!story || !movable(story)) return undefined;
  const rest = idsOf(from, list).filter((one) => one !== id);
  let state: State = story.state;
  if (list === 'icebox') state = 'unscheduled';
  else if (rules.current && !rules.automatic && !inProgress(story.state)) state = 'planned';
  else if (story.state === 'unscheduled' || (story.state === 'planned' && !rules.current)) state = 'unstarted';
  if (!allows(story.type, state, rules.automatic)) return undefined;

  let place = Math.max(0, Math.min(index, rest.length));
  if (list === 'scheduled') {
    const working = rest.filter((one) => inProgress(from.stories.get(one)?.state ?? 'unstarted')).length;
    place = inProgress(state) ? Math.min(place, working) : Math.max(place, working);
  }
  const was = idsOf(from, list).indexOf(id);
  if (was === place && state === story.state) return undefined;
  const before = rest[place];
  const after = rest[place - 1];
  // At the end of one list, the neighbour is told from the list itself, so that both sides agree on which list is meant.
  // A list's neighbours do not say whether a story stays planned, so that is always said.
  return { id, before, after, state: state === story.state && state !== 'planned' ? undefined : state };
}

/** Applies a move to an order: the story stands between its neighbours, or at the edge of its list. */
export function placed(order: readonly number[], stories: ReadonlyMap<number, Story>, move: Move, state: State): number[] {
  const rest = order.filter((one) => one !== move.id);
  let at = move.before === undefined ? -1 : rest.indexOf(move.before);
  if (at < 0 && move.after !== undefined) at = rest.indexOf(move.after) + 1;
  if (at <= 0 && move.before === undefined && move.after === undefined) {
    // An empty list: scheduled ones stand before the Icebox.
    const icebox = rest.findIndex((one) => stories.get(one)?.state === 'unscheduled');
    at = state === 'unscheduled' || icebox < 0 ? rest.length : icebox;
  }
  rest.splice(Math.max(0, at), 0, move.id);
  return rest;
}

/** What the API is told of a move. */
export function asRequest(move: Move, list: List): Record<string, unknown> {
  const request: Record<string, unknown> = { group: list === 'icebox' ? 'unscheduled' : 'scheduled' };
  if (move.before !== undefined) request.before_id = move.before;
  if (move.after !== undefined) request.after_id = move.after;
  if (move.state) request.current_state = move.state;
  return request;
}
