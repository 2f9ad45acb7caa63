// The state of a job in one word and a colour.

import type { Deployment, Job, JobStatus } from '../../api/jobs';

export const dots: Record<JobStatus, '' | 'warn' | 'bad' | 'off' | 'busy'> = {
  running: '',
  starting: 'busy',
  created: 'busy',
  error: 'bad',
  lost: 'bad',
  orphaned: 'warn',
};

/** What needs a look comes first. */
export function rank(job: Job): number {
  return { error: 0, lost: 1, orphaned: 2, starting: 3, created: 3, running: 4 }[job.status] ?? 2;
}

/** The steps of a deployment, in the order in which they come. */
export const PHASES = [
  'fetching the source code',
  'preparing job type builder',
  'building image',
  'finalizing the build',
  'creating cluster resources',
  'starting Job server',
  'initializing Job entrypoint',
  'post-deploy hooks',
];

/** Which of them a phase is; -1: none has begun. */
export function phaseIndex(phase: string | null): number {
  if (!phase) return -1;
  return PHASES.findIndex((one) => phase.startsWith(one));
}

export function href(job: { name: string; version: string }, tab = ''): string {
  return `/jobs/${encodeURIComponent(job.name)}/${encodeURIComponent(job.version)}${tab && `/${tab}`}`;
}

/** The newest deployment of each version of which none has ever succeeded: of those no job tells. */
export function neverDeployed(deployments: Deployment[], jobs: { name: string; version: string }[]): Deployment[] {
  const there = new Set(jobs.map((job) => href(job)));
  const of = Map.groupBy(deployments, (one) => href({ name: one.job_name, version: one.job_version }));
  return [...of].flatMap(([job, all]) => {
    const newest = all.toSorted((a, b) => b.create_time - a.create_time)[0];
    return newest?.status === 'failed' && !there.has(job) && !all.some((one) => one.status === 'done') ? newest : [];
  });
}

/** How a folder with a manifest is deployed. */
export function deployCommand(origin: string): string {
  return `racetrack set remote ${origin}/lifecycle\nracetrack login TOKEN\nracetrack deploy FOLDER`;
}

/** Versions from the newest. */
export function newestFirst(a: { version: string }, b: { version: string }): number {
  return b.version.localeCompare(a.version, 'en', { numeric: true });
}
