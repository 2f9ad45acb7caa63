import type { Face, Found } from '../../lib/face';
import { listPeople } from '../../api/platform';
import { me } from '../../lib/me.svelte';

export const admin: Face = {
  id: 'admin',
  name: 'Administration',
  href: '/admin/people',
  key: 'p',
  allowed: (person) => person.administrator,
  pages: [
    { path: '/admin', title: 'People', load: () => import('./People.svelte') },
    { path: '/admin/people', title: 'People', load: () => import('./People.svelte') },
    { path: '/admin/people/:id', title: 'Person', load: () => import('./PersonPage.svelte') },
    { path: '/admin/tokens', title: 'Tokens', load: () => import('./Tokens.svelte') },
    { path: '/admin/invitations', title: 'Signing up', load: () => import('./SigningUp.svelte') },
  ],
  find: async (words, signal): Promise<Found[]> => {
    if (!me.administrator) return [];
    const { people } = await listPeople({ q: words, per_page: 10 }, { signal });
    return people.map((one) => ({ kind: 'person', name: one.display_name || one.user_name, detail: one.email ?? one.user_name, href: `/admin/people/${one.id}` }));
  },
  needs: async (signal) => {
    const { people } = await listPeople({ state: 'pending', per_page: 50 }, { signal });
    return people.map((one) => ({
      level: 'todo' as const,
      text: `${one.display_name || one.user_name} waits for an account`,
      detail: one.email ?? '',
      href: `/admin/people/${one.id}`,
      at: Date.parse(one.created_at),
    }));
  },
  follows: (_action, kind) => kind === 'person',
};
