import { readAhead } from '../../api/tracker';
import type { Face } from '../../lib/face';

const ahead = ({ project }: Record<string, string>) => readAhead(Number(project));

export const tracker: Face = {
  id: 'tracker',
  name: 'Tracker',
  href: '/projects',
  key: 't',
  pages: [
    { path: '/projects', title: 'Projects', load: () => import('./ProjectList.svelte') },
    { path: '/n/projects/:project', title: 'Board', id: 'board', stays: ['story'], ahead, load: () => import('./BoardPage.svelte') },
    { path: '/n/projects/:project/stories/:story?', title: 'Board', id: 'board', stays: ['story'], ahead, load: () => import('./BoardPage.svelte') },
    { path: '/projects/:project/settings', title: 'Settings', load: () => import('./ProjectSettings.svelte') },
    { path: '/projects/:project/memberships', title: 'Members', load: () => import('./Members.svelte') },
    { path: '/story/show/:story', title: 'Story', load: () => import('./ShowStory.svelte') },
  ],
  find: async (words, signal) => (await import('./find')).findTracker(words, signal),
  needs: async (signal) => (await import('./find')).needs(signal),
  follows: (_action, kind) => kind === 'story' || kind === 'project' || kind === 'membership',
};
