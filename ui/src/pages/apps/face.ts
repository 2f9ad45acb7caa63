import type { Face } from '../../lib/face';

export const apps: Face = {
  id: 'apps',
  name: 'Apps',
  href: '/apps',
  key: 'a',
  pages: [
    { path: '/apps', title: 'Apps', load: () => import('./AppList.svelte') },
    { path: '/apps/:guid/:tab?', title: 'App', stays: ['tab'], load: () => import('./AppPage.svelte') },
  ],
  find: async (words, signal) => (await import('./find')).findApps(words, signal),
  needs: async (signal) => (await import('./find')).needs(signal),
  follows: (action) => /^(audit\.(app|route|space|organization)\.|app\.)/.test(action),
};
