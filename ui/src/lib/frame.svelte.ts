// What the page tells the frame: its title, and where in the installation it is.

import { onDestroy } from 'svelte';

export interface Choice {
  name: string;
  detail?: string;
  href: string;
  current?: boolean;
}

export interface Where {
  /** The project, the space. */
  name: string;
  detail?: string;
  /** Others to go to; read when the list is opened. */
  choices?: () => Promise<Choice[]>;
  /** Last in the list: `All projects`. */
  more?: Choice[];
  /** Pages of this project or space. */
  links?: { name: string; href: string; current?: boolean }[];
}

let where = $state.raw<Where | undefined>();

export const frame = {
  get where() {
    return where;
  },
};

/** Shows a place in the bar while the page is open; pass a function that reads what it needs, so that it stays true. */
export function showWhere(read: () => Where | undefined): void {
  $effect(() => {
    where = read();
  });
  onDestroy(() => {
    where = undefined;
  });
}

/** Title of the browser's tab. */
export function showTitle(read: () => string | undefined): void {
  $effect(() => {
    const title = read();
    document.title = title ? `${title} · Pitlane` : 'Pitlane';
  });
}
