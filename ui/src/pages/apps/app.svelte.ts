// What the page of one app reads, and what it can do.

import {
  activeDeployments,
  currentDroplet,
  getApp,
  latestBuild,
  listProcesses,
  listRoutes,
  listStats,
  restartApp,
  rollApp,
  startApp,
  stopApp,
  type App,
  type Build,
  type Deployment,
  type Droplet,
  type Process,
  type Route,
  type Space,
  type Stat,
} from '../../api/cf';
import { query, type Query } from '../../lib/query.svelte';
import { attempt, say } from '../../lib/toasts.svelte';
import { concerns, type Wellness } from './state';

export interface ProcessStats {
  process: Process;
  stats: Stat[];
}

export interface AppData {
  app: App;
  space: Space | undefined;
  organization: string;
  processes: ProcessStats[];
  routes: Route[];
  deployment: Deployment | undefined;
  build: Build | undefined;
  droplet: Droplet | undefined;
}

/** Use of an app at one time, all instances together. */
export interface Sample {
  at: number;
  cpu: number;
  mem: number;
}

/** Samples taken while pages were open; the newest last. */
const samples = new Map<string, Sample[]>();
const KEPT = 120;

export function samplesOf(guid: string): Sample[] {
  return samples.get(guid) ?? [];
}

async function read(guid: string, signal: AbortSignal): Promise<AppData> {
  const options = { signal };
  const [{ app, space, organization }, processes, routes, deployments, build, droplet] = await Promise.all([
    getApp(guid, options),
    listProcesses(guid, options),
    listRoutes(guid, options),
    activeDeployments(guid, options),
    latestBuild(guid, options),
    currentDroplet(guid, options),
  ]);
  const stats = await Promise.all(
    processes.map((process) => (app.state === 'STARTED' && process.instances > 0 ? listStats(process.guid, options) : Promise.resolve([]))),
  );
  const data: AppData = {
    app,
    space,
    organization,
    processes: processes.map((process, index) => ({ process, stats: stats[index] ?? [] })),
    routes,
    deployment: deployments[0],
    build,
    droplet,
  };
  const all = stats.flat();
  const sample = {
    at: Date.now(),
    cpu: all.reduce((sum, stat) => sum + (stat.usage?.cpu ?? 0), 0),
    mem: all.reduce((sum, stat) => sum + (stat.usage?.mem ?? 0), 0),
  };
  samples.set(guid, [...samplesOf(guid).slice(1 - KEPT), sample]);
  return data;
}

export function appQuery(guid: string): Query<AppData> {
  return query(`app/${guid}`, (signal) => read(guid, signal), {
    follows: ({ action, object, data }) => concerns(action) && (object.id === guid || JSON.stringify(data).includes(guid)),
    every: 3_000,
  });
}

export function counts(data: AppData): { up: number; wanted: number; crashed: number } {
  const stats = data.processes.flatMap((one) => one.stats);
  return {
    up: stats.filter((stat) => stat.state === 'RUNNING').length,
    wanted: data.processes.reduce((sum, one) => sum + one.process.instances, 0),
    crashed: stats.filter((stat) => stat.state === 'CRASHED').length,
  };
}

export function describe(data: AppData): Wellness {
  const { up, wanted, crashed } = counts(data);
  if (data.build?.state === 'STAGING') return { dot: 'busy', words: 'staging', rank: 1 };
  if (data.app.state === 'STOPPED') return { dot: 'off', words: data.droplet ? 'stopped' : 'never staged', rank: 3 };
  const of = `${up} of ${wanted} running`;
  if (data.deployment) return { dot: 'busy', words: `${of}, being replaced`, rank: 1 };
  if (crashed > 0) return { dot: up === 0 ? 'bad' : 'warn', words: `${of}, ${crashed} crashed`, rank: 0 };
  return { dot: wanted === 0 ? 'off' : up < wanted ? 'warn' : '', words: of, rank: up < wanted ? 1 : 4 };
}

export async function start(data: AppData, from: Query<AppData>): Promise<void> {
  from.put({ ...data, app: { ...data.app, state: 'STARTED' } });
  if (await attempt(() => startApp(data.app.guid), `${data.app.name} was not started`)) say(`${data.app.name} starts`);
  await from.refresh();
}

export async function stop(data: AppData, from: Query<AppData>): Promise<void> {
  from.put({ ...data, app: { ...data.app, state: 'STOPPED' } });
  if (await attempt(() => stopApp(data.app.guid), `${data.app.name} was not stopped`)) {
    say(`${data.app.name} is stopped`, () => void start(data, from));
  }
  await from.refresh();
}

export async function restart(data: AppData, from: Query<AppData>, how: 'rolling' | 'all'): Promise<void> {
  const work = () => (how === 'rolling' ? rollApp(data.app.guid) : restartApp(data.app.guid));
  if (await attempt(work, `${data.app.name} was not restarted`)) {
    say(how === 'rolling' ? `${data.app.name} replaces its instances one by one` : `${data.app.name} restarts`);
  }
  await from.refresh();
}
