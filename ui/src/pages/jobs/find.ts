// What jobs add to the palette and to the home page.

import { listDeployments, listJobs, type Job } from '../../api/jobs';
import type { Found, Need } from '../../lib/face';
import { fit } from '../../lib/fit';
import { href } from './state';

/** So long, in seconds, a failed deployment is news. */
const DAY = 86_400;

let kept: { at: number; jobs: Promise<Job[]> } | undefined;

export async function findJobs(words: string, _signal: AbortSignal): Promise<Found[]> {
  if (!kept || Date.now() - kept.at > 10_000) kept = { at: Date.now(), jobs: listJobs() };
  const jobs = await kept.jobs.catch((error: unknown) => {
    kept = undefined;
    throw error;
  });
  return jobs
    .filter((job) => fit(words, `${job.name} ${job.version}`) > 0)
    .slice(0, 20)
    .map((job) => ({ kind: 'job', name: `${job.name} ${job.version}`, detail: job.status, href: href(job) }));
}

export async function needs(signal: AbortSignal): Promise<Need[]> {
  const jobs = await listJobs({ signal });
  const found: Need[] = [];
  for (const job of jobs) {
    if (job.status !== 'error' && job.status !== 'lost') continue;
    found.push({
      level: 'bad',
      text: `${job.name} ${job.version} ${job.status === 'lost' ? 'is lost' : 'fails'}`,
      detail: job.error?.split('\n')[0] ?? undefined,
      href: href(job),
      at: job.update_time * 1000,
    });
  }
  const deployments = await listDeployments({ signal }).catch(() => []);
  const seen = new Set<string>();
  for (const one of deployments.toSorted((a, b) => b.create_time - a.create_time)) {
    const job = { name: one.job_name, version: one.job_version };
    const newest = !seen.has(href(job));
    seen.add(href(job));
    if (one.status === 'failed' && newest && Date.now() / 1000 - one.update_time < DAY) {
      found.push({ level: 'bad', text: `${job.name} ${job.version} could not be deployed`, detail: one.error?.split('\n')[0] ?? undefined, href: href(job), at: one.update_time * 1000 });
    }
    if (one.status !== 'in_progress') continue;
    found.push({ level: 'busy', text: `${job.name} ${job.version} is being deployed`, detail: one.phase ?? undefined, href: href(job), at: one.create_time * 1000 });
  }
  return found;
}
