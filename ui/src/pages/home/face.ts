import type { Face } from '../../lib/face';

export const home: Face = {
  id: 'home',
  name: 'Home',
  href: '/',
  key: 'h',
  pages: [{ path: '/', title: 'Home', load: () => import('./Home.svelte') }],
};
