// The keyboard goes to the row of a story: when it was folded, added, moved, or when the one that had it is gone.

import { untrack } from 'svelte';
import type { Row } from './model/rows';
import type { BoardUi, PanelId } from './ui.svelte';

interface Panel {
  rows: Row[];
  /** The story that is unfolded. */
  open: number | undefined;
  reveal: (key: string) => void;
}

/** For a panel. `lists`: it is that of a list, to which stories belong that are sought in no panel by name. */
export function seekRows(ui: BoardUi, panel: PanelId, lists: boolean, its: () => Panel): void {
  $effect(() => {
    const { sought } = ui;
    if (!sought || (sought.panel ?? (lists ? panel : '')) !== panel) return;
    const key = `s${sought.story}`;
    const { rows, open, reveal } = its();
    const active = document.activeElement;
    // Until what is being folded is gone, it has the keyboard.
    if (!rows.some((row) => row.key === key) || (open !== undefined && active?.closest('.editor'))) return;
    untrack(() => (ui.sought = undefined));
    const here = active?.closest<HTMLElement>('[data-story]')?.dataset.story === String(sought.story);
    if (here || active === document.body) reveal(key);
  });
}

/** Folds the open story of a panel, or leaves it when it is going to be gone: then the next row gets the keyboard, else the one before. */
export function fold(ui: BoardUi, panel: PanelId, rows: Row[], story: number, gone: boolean): void {
  const ids = rows.flatMap((row) => (row.kind === 'story' ? [row.story.id] : []));
  const at = ids.indexOf(story);
  const next = gone ? (ids[at + 1] ?? ids[at - 1]) : story;
  ui.close();
  if (next !== undefined) ui.seek(next, panel);
}
