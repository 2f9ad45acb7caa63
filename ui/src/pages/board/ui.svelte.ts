// What a person has open on a board: panels, the story that is unfolded, what is being added. In the address where it should outlive
// a reload or be sent to somebody, remembered by the browser where it is a habit.

import { getContext, setContext } from 'svelte';
import { place, setQuery, go } from '../../lib/router.svelte';
import { recall, remember } from '../../lib/store';
import type { Board } from './model/board.svelte';
import type { List } from './model/moves';

/** `mywork`, `current`, `backlog`, `icebox`, `done`, `blocked`, `epics`, `labels`, `history`, or `search:` with a query. */
export type PanelId = string;

export interface Habits {
  hideAccepted: boolean;
  hideEmpty: boolean;
  split: boolean;
}

export class BoardUi {
  /** The panel in which the open story is unfolded. */
  openIn = $state('');
  /** A new story is being written in this list. */
  adding = $state<List | undefined>();
  /** Told to those who do not see it. */
  said = $state('');
  habits = $state<Habits>({ hideAccepted: false, hideEmpty: false, split: false });
  /** One panel at a time: the one in front. */
  narrow = $state(false);
  /** The panel that was opened last: it is brought into sight. */
  opened = $state<PanelId>();

  constructor(readonly board: Board) {
    this.habits = { ...this.habits, ...recall<Partial<Habits>>(`board.${board.project}.habits`) };
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
    this.openIn = panel;
    go(this.address(story));
  }

  close(): void {
    go(this.address());
  }
}

const KEY = Symbol('board');
export function provideUi(ui: BoardUi): void {
  setContext(KEY, ui);
}
export function useUi(): BoardUi {
  return getContext<BoardUi>(KEY);
}
