// The state of an app in one word and a colour.

import type { AppSummary, Process } from '../../api/cf';

export interface Wellness {
  dot: '' | 'warn' | 'bad' | 'off' | 'busy';
  words: string;
  /** For sorting: what needs a look comes first. */
  rank: number;
}

/** Instances that run, of those that should. */
export function running(processes: Process[]): { up: number; wanted: number; crashed: number } {
  let up = 0;
  let wanted = 0;
  let crashed = 0;
  for (const process of processes) {
    wanted += process.instances;
    for (const instance of process.process_instances ?? []) {
      if (instance.index >= process.instances) continue;
      if (instance.state === 'RUNNING') up += 1;
      if (instance.state === 'CRASHED') crashed += 1;
    }
  }
  return { up, wanted, crashed };
}

export function wellness(summary: Pick<AppSummary, 'app' | 'processes'>): Wellness {
  if (summary.app.state === 'STOPPED') return { dot: 'off', words: 'stopped', rank: 3 };
  const { up, wanted, crashed } = running(summary.processes);
  if (wanted === 0) return { dot: 'off', words: 'no instances', rank: 2 };
  if (crashed > 0) return { dot: up === 0 ? 'bad' : 'warn', words: up === 0 ? 'crashed' : `${crashed} crashed`, rank: 0 };
  if (up < wanted) return { dot: 'warn', words: 'starting', rank: 1 };
  return { dot: '', words: 'running', rank: 4 };
}

/** Memory that the instances may use together, in megabytes. */
export function memory(processes: Process[]): number {
  return processes.reduce((sum, process) => sum + process.instances * process.memory_in_mb, 0);
}

/** The address to open; apps are served where these pages are, on the same port. */
export function routeHref(url: string): string {
  const port = location.port && !url.includes(':') ? `:${location.port}` : '';
  const slash = url.indexOf('/');
  return slash < 0 ? `${location.protocol}//${url}${port}` : `${location.protocol}//${url.slice(0, slash)}${port}${url.slice(slash)}`;
}

/** Does an entry of the ledger change what an app's page shows? */
export function concerns(action: string): boolean {
  return /^(audit\.(app|route|space|organization)\.|app\.)/.test(action) && !action.endsWith('.show');
}
