// A face: what it adds to the frame. Each face's folder in pages/ exports one.

import type { Me } from './me.svelte';
import type { Page } from './router.svelte';

/** Something the command palette found. */
export interface Found {
  kind: string;
  name: string;
  detail?: string;
  href?: string;
  run?: () => void;
}

/** Something that wants the person's attention, for the home page. */
export interface Need {
  /** What is the matter; `busy` is under way, `todo` waits for the person. */
  level: 'bad' | 'warn' | 'busy' | 'todo';
  text: string;
  detail?: string;
  href: string;
  /** Milliseconds since 1970. */
  at?: number;
}

export interface Face {
  id: string;
  name: string;
  href: string;
  /** After `g`: `g a` goes to the apps. */
  key: string;
  pages: Page[];
  /** Not shown to those it answers false for. */
  allowed?: (me: Me) => boolean;
  /** Things of this face whose name fits; asked while somebody types in the palette. */
  find?: (words: string, signal: AbortSignal) => Promise<Found[]>;
  needs?: (signal: AbortSignal) => Promise<Need[]>;
  /** Entries of the ledger after which `needs` may answer otherwise. */
  follows?: (action: string, kind: string) => boolean;
}
