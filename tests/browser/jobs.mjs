// Jobs as the racetrack client deploys them, by the same calls.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { api } from './browser.mjs';

export const ADDER = `class Adder:
    def perform(self, numbers: list) -> float:
        """Add numbers"""
        print('adding', numbers)
        return sum(numbers)

    def docs_input_example(self):
        return {"numbers": [40, 2]}
`;

export function manifest(name, version, more = {}) {
  return {
    name,
    version,
    owner_email: 'ann@example.org',
    jobtype: 'python3:latest',
    git: { remote: 'https://git.example.com/nowhere' },
    jobtype_extra: { entrypoint_path: 'main.py', ...more.jobtype_extra },
    ...more.root,
  };
}

/** Begins a deployment of one file, `main.py`; answers its id. */
export async function begin(about, source = ADDER) {
  const folder = mkdtempSync(join(tmpdir(), 'pitlane-job-'));
  writeFileSync(join(folder, 'main.py'), source);
  const build_context = execFileSync('tar', ['-czf', '-', '-C', folder, '.']).toString('base64');
  rmSync(folder, { recursive: true });
  const { id } = await api('POST', '/lifecycle/api/v1/deploy', { manifest: about, build_context });
  return id;
}

/** Waits for the end of a deployment; answers it. */
export async function ended(id) {
  for (;;) {
    const deployment = await api('GET', `/lifecycle/api/v1/deploy/${id}`);
    if (deployment.status !== 'in_progress') return deployment;
    await new Promise((later) => setTimeout(later, 200));
  }
}

/** The job `adder` 0.0.1, deployed once for all tests. */
export async function adder() {
  const jobs = await api('GET', '/lifecycle/api/v1/job');
  if (jobs.some((job) => job.name === 'adder')) return;
  const { status, error } = await ended(await begin(manifest('adder', '0.0.1')));
  if (status !== 'done') throw new Error(error);
}
