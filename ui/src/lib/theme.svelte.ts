// Light or dark: the system's, unless the person chose one.

import { recall, remember } from './store';

export type Theme = 'system' | 'light' | 'dark';

let chosen = $state<Theme>(recall<Theme>('theme') ?? 'system');

function apply(): void {
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
apply();

export const theme = {
  get chosen() {
    return chosen;
  },
  choose(wanted: Theme): void {
    chosen = wanted;
    remember('theme', wanted === 'system' ? undefined : wanted);
    apply();
  },
};
