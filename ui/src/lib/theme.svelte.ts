// Light or dark: the system's, unless the person chose one. A cookie tells the server, whose own pages run no script.

import { recall, remember } from './store';

export type Theme = 'system' | 'light' | 'dark';

let chosen = $state<Theme>(recall<Theme>('theme') ?? 'system');

function apply(): void {
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  document.cookie = `theme=${chosen}; path=/; max-age=${chosen === 'system' ? 0 : 31_536_000}; samesite=lax`;
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
