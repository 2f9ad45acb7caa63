// What jobs of the tests are made of, as the racetrack client sends it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

/** What somebody writes who means harm; where a name is short, or may hold no blank, the second. */
export const script = '"><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">';
export const short = '<svg/onload=hacked=1>';

/** A job that says and answers it. */
export const HOSTILE = `SCRIPT = ${JSON.stringify(script)}
class Hostile:
    def perform(self, words: str = SCRIPT):
        """${short} ${short}"""
        print(SCRIPT)
        return words

    def docs_input_example(self):
        return {"words": SCRIPT, "<img src=x onerror=hacked=1>": SCRIPT}
`;

/** Jobs that `run` begins to build while the first tests run. */
export const early = {
  adder: [manifest('adder', '0.0.1'), ADDER],
  hostile: [manifest('hostile', '0.0.1', { root: { owner_email: `${short}@example.org`, runtime_env: { WORDS: script } } }), HOSTILE],
};

/** The body of a deployment of one file, `main.py`. */
export function deployment(about, source) {
  const folder = mkdtempSync(join(tmpdir(), 'pitlane-job-'));
  writeFileSync(join(folder, 'main.py'), source);
  const build_context = execFileSync('tar', ['-czf', '-', '-C', folder, '.']).toString('base64');
  rmSync(folder, { recursive: true });
  return { manifest: about, build_context };
}
