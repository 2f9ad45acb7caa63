import type { Face } from '../../lib/face';

/** Everybody has it: who is no administrator sees what they did, what was done to them, and the places where they have a role. */
export const audit: Face = {
  id: 'audit',
  name: 'Audit',
  href: '/audit',
  key: 'u',
  pages: [{ path: '/audit', title: 'Audit', load: () => import('./AuditPage.svelte') }],
};
