// Jobs as the racetrack client deploys them, by the same calls.

import { api } from './browser.mjs';
import { ADDER, deployment, early } from './job-files.mjs';

export { ADDER, manifest } from './job-files.mjs';

/** Begins a deployment; answers its id. */
export async function begin(about, source = ADDER) {
  return (await api('POST', '/lifecycle/api/v1/deploy', deployment(about, source))).id;
}

/** Waits for the end of a deployment; answers it. */
export async function ended(id) {
  for (;;) {
    const deployment = await api('GET', `/lifecycle/api/v1/deploy/${id}`);
    if (deployment.status !== 'in_progress') return deployment;
    await new Promise((later) => setTimeout(later, 200));
  }
}

/** Waits until one of the early jobs runs; deploys it where nobody has. */
export async function running(name) {
  const known = (await api('GET', '/lifecycle/api/v1/deploy?limit=100')).find((one) => one.job_name === name && one.job_version === '0.0.1');
  const { status, error } = await ended(known?.id ?? (await begin(...early[name])));
  if (status !== 'done') throw new Error(`${name}: ${error}`);
}
