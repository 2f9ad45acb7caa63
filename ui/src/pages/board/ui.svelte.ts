// What a person has open on a board: panels, the story that is unfolded, what is being added. In the address where it should outlive
// a reload or be sent to somebody, remembered by the browser where it is a habit.

import { getContext, setContext } from 'svelte';
import { keys } from '../../lib/keys.svelte';
import { place, setQuery, go } from '../../lib/router.svelte';
import { recall, remember } from '../../lib/store';
import { Carry } from './carry.svelte';
import type { Board } from './model/board.svelte';
import type { List } from './model/moves';
import type { StoryType } from './model/story';

/** `mywork`, `current`, `backlog`, `icebox`, `done`, `blocked`, `epics`, `labels`, `history`, or `search:` with a query. */
export type PanelId = string;

export interface Habits {
  hideAccepted: boolean;
  hideEmpty: boolean;
  split: boolean;
}

/** A story that is being written. */
export interface Written {
  name: string;
  description: string;
  type: StoryType;
  estimate?: number;
  owners: number[];
  labels: string[];
}
export const nothing = (): Written => ({ name: '', description: '', type: 'feature', owners: [], labels: [] });

export class BoardUi {
  /** The panel in which the open story is unfolded. */
  openIn = $state('');
  /** A new story is being written in this list. */
  adding = $state<List | undefined>();
  written = $state<Written>(nothing());
  /** What was written and not taken by the server, when something else is being written already. */
  refused = $state.raw<Written>();
  /** A story whose row gets the keyboard when it is drawn: in this panel, else in that of its list. */
  sought = $state.raw<{ story: number; panel?: PanelId }>();
  /** A story that somebody wants to see unfolded, and that has no id yet. */
  awaited: { story: number; panel: PanelId } | undefined;
  readonly carry: Carry;
  /** Told to those who do not see it. */
  said = $state('');
  habits = $state<Habits>({ hideAccepted: false, hideEmpty: false, split: false });
  /** One panel at a time: the one in front. */
  narrow = $state(false);
  /** The panel that was opened last: it is brought into sight. */
  opened = $state<PanelId>();

  constructor(readonly board: Board) {
    this.habits = { ...this.habits, ...recall<Partial<Habits>>(`board.${board.project}.habits`) };
    this.written = { ...nothing(), ...recall<Written>(this.#draft) };
    this.carry = new Carry(this);
  }

  get #draft(): string {
    return `draft.${this.board.project}.new`;
  }

  /** The draft of a story that is being written outlives a reload. */
  keepWritten(written: Written | undefined): void {
    remember(this.#draft, written && (written.name || written.description) ? written : undefined);
  }

  get panels(): PanelId[] {
    const said = place.query.get('show');
    const all = said === null ? (recall<PanelId[]>(`board.${this.board.project}.panels`) ?? ['current', 'icebox']) : said.split(',').filter(Boolean).map(decodeURIComponent);
    return all;
  }

  setPanels(panels: PanelId[]): void {
    remember(`board.${this.board.project}.panels`, panels);
    setQuery({ show: panels.map(encodeURIComponent).join(',') || '-' });
  }

  /** Panels that are drawn. */
  get shown(): PanelId[] {
    const { panels } = this;
    if (!this.narrow) return panels;
    const said = place.query.get('front');
    const front = said !== null && panels.includes(said) ? said : panels[0];
    return front === undefined ? [] : [front];
  }

  isOpen(panel: PanelId): boolean {
    return this.shown.includes(panel);
  }

  /** Opens or closes; on narrow pages one panel takes the place of the other. */
  toggle(panel: PanelId): void {
    const known = this.panels.includes(panel);
    if (this.narrow) this.#bring(panel, known ? this.panels : [...this.panels, panel]);
    else {
      this.setPanels(known ? this.panels.filter((one) => one !== panel) : [...this.panels, panel]);
      this.opened = known ? undefined : panel;
    }
  }

  show(panel: PanelId): void {
    if (!this.isOpen(panel)) this.toggle(panel);
  }

  search(query: string): void {
    const panel = `search:${query}`;
    // One search panel at a time, unless it is pinned by opening it anew.
    const others = this.panels.filter((one) => !one.startsWith('search:'));
    if (this.narrow) this.#bring(panel, [...others, panel]);
    else {
      this.setPanels([...others, panel]);
      this.opened = panel;
    }
  }

  /** On a narrow page a panel takes the place of the other, and the browser's way back leads there. */
  #bring(panel: PanelId, panels: PanelId[]): void {
    remember(`board.${this.board.project}.panels`, panels);
    setQuery({ show: panels.map(encodeURIComponent).join(','), front: panel }, { push: true });
  }

  keepHabits(change: Partial<Habits>): void {
    this.habits = { ...this.habits, ...change };
    remember(`board.${this.board.project}.habits`, this.habits);
  }

  address(story?: number): string {
    const query = place.query.toString();
    const path = `/n/projects/${this.board.project}${story === undefined ? '' : `/stories/${story}`}`;
    return query ? `${path}?${query}` : path;
  }

  open(story: number, panel: PanelId): void {
    // It has no address before the server has it.
    this.awaited = story > 0 ? undefined : { story, panel };
    if (story <= 0) return;
    this.openIn = panel;
    go(this.address(story));
  }

  close(): void {
    go(this.address());
  }

  /** The row of a story gets the keyboard, unless that is somewhere else by then. */
  seek(story: number, panel?: PanelId): void {
    this.sought = { story, panel };
  }
}

const KEY = Symbol('board');
export function provideUi(ui: BoardUi): void {
  setContext(KEY, ui);
  keys('A story that is picked up', [
    { key: '↑/↓', does: 'Move it within its list; Home and End to its ends', onlyKey: true },
    { key: '←/→', does: 'Carry it to the list beside: Current and Backlog, or the Icebox', onlyKey: true },
  ]);
}
export function useUi(): BoardUi {
  return getContext<BoardUi>(KEY);
}
