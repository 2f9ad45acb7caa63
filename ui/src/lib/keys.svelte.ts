// The keyboard. Pages and parts register what they do; the newest registration of a key wins; `?` shows them all.

import { onDestroy } from 'svelte';

export interface Key {
  /** `a`, `Shift+b`, `/`, `Escape`, `Mod+s` (Ctrl, or ⌘ on a Mac), `g a` (one after the other). */
  key: string;
  /** What it does, for the help and the command palette. */
  does: string;
  /** Nothing: the thing that has the focus does it, and this is told in the help only. */
  run?: (event?: KeyboardEvent) => void;
  /** Works while typing too. */
  always?: boolean;
  /** Not in the palette: moving about makes no sense there. */
  onlyKey?: boolean;
}

export interface Layer {
  title: string;
  keys: Key[];
}

let layers = $state.raw<Layer[]>([]);
let pending = '';
let pendingSince = 0;

export const keyboard = {
  /** Everything that works now, newest first. */
  get layers() {
    return layers;
  },
};

export const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** As it is printed: `Ctrl K`, `⌘ K`, `⇧ B`. */
export function printed(key: string): string[] {
  return key.split(' ').map((one) =>
    one
      .split('+')
      .map((part) => {
        if (part === 'Mod') return mac ? '⌘' : 'Ctrl';
        if (part === 'ArrowUp') return '↑';
        if (part === 'ArrowDown') return '↓';
        if (part === 'ArrowLeft') return '←';
        if (part === 'ArrowRight') return '→';
        if (part === 'Escape') return 'Esc';
        return part.length === 1 && one.includes('+') ? part.toUpperCase() : part;
      })
      .join(' '),
  );
}

/** Registers keys until the component goes. */
export function keys(title: string, list: Key[]): void {
  const layer = { title, keys: list };
  layers = [layer, ...layers];
  onDestroy(() => {
    layers = layers.filter((one) => one !== layer);
  });
}

function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (!target) return false;
  if (target.isContentEditable || target.tagName === 'TEXTAREA' || target.tagName === 'SELECT') return true;
  if (target.tagName !== 'INPUT') return false;
  return !['checkbox', 'radio', 'button', 'submit'].includes((target as HTMLInputElement).type);
}

function named(event: KeyboardEvent): string {
  const letter = event.key.length === 1;
  const mod = event.ctrlKey || event.metaKey;
  const parts = [];
  if (mod) parts.push('Mod');
  if (event.altKey) parts.push('Alt');
  // The shift of `?` is in the sign already.
  if (event.shiftKey && (!letter || /[a-z]/i.test(event.key))) parts.push('Shift');
  return [...parts, letter ? event.key.toLowerCase() : event.key].join('+');
}

function listen(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
  const pressed = named(event);
  const inField = typing(event);
  const inDialog = document.querySelector('dialog[open]') !== null;
  const sequence = performance.now() - pendingSince < 1200 && pending ? `${pending} ${pressed}` : '';
  pending = '';
  for (const layer of layers) {
    for (const key of layer.keys) {
      if (!key.run || (key.key !== pressed && key.key !== sequence)) continue;
      if ((inField || inDialog) && !key.always) continue;
      event.preventDefault();
      key.run(event);
      return;
    }
  }
  if (!inField && !inDialog && layers.some((layer) => layer.keys.some((key) => key.key.startsWith(`${pressed} `)))) {
    pending = pressed;
    pendingSince = performance.now();
  }
}

document.addEventListener('keydown', listen);
