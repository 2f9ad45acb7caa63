// A story that is picked up with the keyboard. Arrows carry it within its list and to the list beside it; it is moved when it is put
// down, and stands where it stood when it is put back.

import { move } from './actions';
import { idsOf, listOf, moveTo, placed, type List, type Move } from './model/moves';
import type { BoardUi } from './ui.svelte';

const NAMES: Record<List, string> = { scheduled: 'Current and Backlog', icebox: 'the Icebox' };

export class Carry {
  held = $state.raw<{ id: number; list: List; index: number } | undefined>();

  constructor(readonly ui: BoardUi) {}

  /** What a key does to the story that has the focus; false: nothing. */
  press(key: string, id: number): boolean {
    const { held } = this;
    if (held?.id !== id) {
      if (key !== ' ') return false;
      this.hold(id);
      return true;
    }
    const keys: Record<string, () => void> = {
      ArrowUp: () => this.#to(held.list, held.index - 1),
      ArrowDown: () => this.#to(held.list, held.index + 1),
      ArrowLeft: () => this.#beside(-1),
      ArrowRight: () => this.#beside(1),
      Home: () => this.#to(held.list, 0),
      End: () => this.#to(held.list, Infinity),
      ' ': () => this.put(),
      Enter: () => this.put(),
      Escape: () => this.putBack(),
    };
    keys[key]?.();
    return key in keys;
  }

  hold(id: number): void {
    this.putBack();
    const { board } = this.ui;
    const story = board.view.stories.get(id);
    const list = story && listOf(story);
    if (!list || id < 0 || !board.writes) return;
    const ids = idsOf(board.view, list);
    this.held = { id, list, index: ids.indexOf(id) };
    this.ui.said = `Picked up. Place ${this.held.index + 1} of ${ids.length}. Arrows move it, also to the list beside; Space puts it down, Escape puts it back.`;
  }

  put(): void {
    const { held } = this;
    if (!held) return;
    this.#end();
    const what = this.#plan(held.id, held.list, held.index);
    if (what) void move(this.ui.board, what, held.list);
    this.ui.said = what ? 'Put down.' : 'Put back where it was.';
    this.ui.seek(held.id);
  }

  putBack(): void {
    const { held } = this;
    if (!held) return;
    this.#end();
    this.ui.said = 'Put back where it was.';
    this.ui.seek(held.id);
  }

  #end(): void {
    this.held = undefined;
    this.ui.board.preview(undefined);
  }

  #beside(by: number): void {
    const { held, ui } = this;
    const all = ui.panels.flatMap((panel): List[] => (panel === 'icebox' ? ['icebox'] : panel === 'current' || panel === 'backlog' ? ['scheduled'] : []));
    const lists = [...new Set(all)];
    const list = held && lists[lists.indexOf(held.list) + by];
    if (!list) {
      ui.said = 'There is no list on that side.';
      return;
    }
    // On a narrow page the other panel comes in front.
    ui.show(list === 'icebox' ? 'icebox' : 'current');
    this.#to(list, 0);
  }

  #to(list: List, index: number): void {
    const { held, ui } = this;
    const { board } = ui;
    if (!held) return;
    // From what the server knows, not from the preview.
    board.preview(undefined);
    const what = this.#plan(held.id, list, index);
    board.preview(
      what &&
        ((draft) => {
          const now = draft.stories.get(held.id);
          if (!now) return;
          if (what.state) draft.set(held.id, { state: what.state });
          draft.order = placed(draft.order, draft.stories, what, what.state ?? now.state);
        }),
    );
    const story = board.view.stories.get(held.id);
    const where = story && listOf(story);
    if (!where) {
      this.#end();
      return;
    }
    const ids = idsOf(board.view, where);
    const place = ids.indexOf(held.id);
    this.held = { id: held.id, list: where, index: place };
    ui.said = `Place ${place + 1} of ${ids.length} in ${NAMES[where]}.`;
    ui.seek(held.id);
  }

  #plan(id: number, list: List, index: number): Move | undefined {
    const { board } = this.ui;
    const automatic = board.data?.project.automatic_planning ?? true;
    return moveTo(board.view, id, list, index, { automatic, current: board.view.stories.get(id)?.state === 'planned' });
  }
}
