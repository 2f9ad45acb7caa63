import type { Face } from '../../lib/face';

export const jobs: Face = {
  id: 'jobs',
  name: 'Jobs',
  href: '/jobs',
  key: 'j',
  pages: [
    { path: '/jobs', title: 'Jobs', load: () => import('./JobList.svelte') },
    { path: '/jobs/:name/:version/:tab?', title: 'Job', stays: ['tab'], load: () => import('./JobPage.svelte') },
  ],
  find: async (words, signal) => (await import('./find')).findJobs(words, signal),
  needs: async (signal) => (await import('./find')).needs(signal),
  follows: (action) => concerns(action),
};

/** Does an entry of the ledger change what the pages of jobs show? */
export function concerns(action: string): boolean {
  return action.startsWith('job.') || action.startsWith('deployment.') || action.startsWith('job_');
}
