// What a newcomer does first: who has no app, no project and no job yet is told how to get one.

import { listApps, listSpaces } from '../../api/cf';
import { listJobs } from '../../api/jobs';
import { listProjects } from '../../api/tracker';

export interface Step {
  title: string;
  text: string;
  command?: string;
  href?: string;
}

/** None for who has something already. An administrator sees everything there is. */
export async function firstSteps(address: string, administrator: boolean, signal: AbortSignal): Promise<Step[]> {
  const [apps, projects, jobs, spaces] = await Promise.all([listApps({ signal }), listProjects({ signal }), listJobs({ signal }), listSpaces({ signal })]);
  if (apps.length + projects.length + jobs.length > 0) return [];
  return [
    spaces.length > 0
      ? {
          title: 'Push an app',
          text: 'Pitlane finds out what a folder of source is, stages it, and starts it on a host name.',
          command: `pitlane login ${address}\npitlane push NAME -p FOLDER`,
        }
      : { title: 'Ask for a role in a space', text: 'Apps live in spaces, and none is open to you. Its manager or an administrator gives you a role; then you push your app.' },
    { title: 'Make a project', text: 'A list of stories in the order in which they will be done. Or have the owner of one add you.', href: '/projects' },
    administrator
      ? { title: 'Deploy a job', text: 'A function or model that others call over HTTP. The page of jobs has the commands.', href: '/jobs' }
      : { title: 'Call a job', text: 'No job is open to you yet; its owner or an administrator can permit you.', href: '/jobs' },
  ];
}
