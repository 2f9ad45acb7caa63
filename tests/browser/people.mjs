// The other people of the tests, each with the password of all: bo and vera.

import { execFileSync } from 'node:child_process';
import { api, password } from './browser.mjs';

let done;

export function people() {
  done ??= make();
  return done;
}

async function make() {
  const known = await api('GET', '/api/platform/people?per_page=200');
  for (const [user_name, display_name] of [
    ['bo', 'Bo Lee'],
    ['vera', 'Vera Ek'],
  ]) {
    if (known.people.some((one) => one.user_name === user_name)) continue;
    await api('POST', '/api/platform/people', { user_name, display_name, email: `${user_name}@example.org`, password });
  }
}

/** The command line, as ann. */
export function pitlane(...args) {
  return execFileSync(process.env.PITLANE_BINARY, args, { encoding: 'utf8', input: `${password}\n`, timeout: 300_000 });
}
