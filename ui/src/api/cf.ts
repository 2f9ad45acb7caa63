// The Cloud Foundry API as the pages use it: types of what is read, and one function a call.

import { del, get, patch, post, queryOf, raw } from '../lib/http';
import type { Traffic } from '../parts/traffic';

interface Listing<T, I = unknown> {
  pagination: { total_results: number; total_pages: number; next: { href: string } | null };
  resources: T[];
  included?: I;
}
interface To {
  data: { guid: string } | null;
}
interface Resource {
  guid: string;
  created_at: string;
  updated_at: string;
}
export interface Organization extends Resource {
  name: string;
}
export interface Space extends Resource {
  name: string;
  relationships: { organization: To };
}
export interface App extends Resource {
  name: string;
  state: 'STARTED' | 'STOPPED';
  lifecycle: { type: string; data: { buildpacks?: string[] | null; stack?: string } };
  relationships: { space: To; current_droplet: To };
}
export type InstanceState = 'RUNNING' | 'STARTING' | 'STOPPING' | 'CRASHED' | 'DOWN';
export interface Process extends Resource {
  type: string;
  command: string | null;
  instances: number;
  memory_in_mb: number;
  disk_in_mb: number;
  health_check: { type: 'port' | 'http' | 'process'; data: { timeout: number | null; endpoint?: string | null } };
  process_instances?: { index: number; state: InstanceState; since: number }[];
  relationships: { app: To };
}
export interface Stat {
  type: string;
  index: number;
  state: InstanceState;
  uptime: number;
  mem_quota?: number | null;
  disk_quota?: number | null;
  details: string | null;
  usage?: { cpu?: number; mem?: number; disk?: number; time?: string } | null;
}
export interface Destination {
  guid: string;
  app: { guid: string; process: { type: string } };
  port: number;
}
export interface Route extends Resource {
  host: string;
  path: string;
  port: number | null;
  protocol: string;
  url: string;
  destinations: Destination[];
  relationships: { space: To; domain: To };
}
export interface Domain extends Resource {
  name: string;
  internal: boolean;
  supported_protocols: string[];
}
export interface AuditEvent extends Resource {
  type: string;
  actor: { guid: string; type: string; name: string };
  target: { guid: string; type: string; name: string };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}
export interface Deployment extends Resource {
  status: { value: 'ACTIVE' | 'FINALIZED'; reason: string };
  relationships: { app: To };
}
export interface Build extends Resource {
  state: 'STAGING' | 'STAGED' | 'FAILED';
  error: string | null;
  relationships: { app: To };
}
export interface Droplet extends Resource {
  buildpacks: { name: string; detect_output: string | null; version: string | null }[] | null;
  checksum: { value: string } | null;
}
export interface Environment {
  environment_variables: Record<string, string>;
  staging_env_json: Record<string, unknown>;
  running_env_json: Record<string, unknown>;
  system_env_json: Record<string, unknown>;
  application_env_json: Record<string, unknown>;
}

interface Options {
  signal?: AbortSignal;
}
const MOST = 5000;

/** All pages of a list. */
async function all<T, I = unknown>(url: string, options: Options = {}): Promise<Listing<T, I>> {
  const first = await get<Listing<T, I>>(url, options);
  let next = first.pagination.next;
  while (next) {
    const href = new URL(next.href);
    const more = await get<Listing<T, I>>(href.pathname + href.search, options);
    first.resources.push(...more.resources);
    next = more.pagination.next;
  }
  return first;
}

export interface SpaceOf {
  space: Space;
  organization: string;
}

export async function listSpaces(options: Options = {}): Promise<SpaceOf[]> {
  const answer = await all<Space, { organizations: Organization[] }>(`/v3/spaces?include=organization&order_by=name&per_page=${MOST}`, options);
  const names = new Map(answer.included?.organizations.map((one) => [one.guid, one.name]));
  return answer.resources.map((space) => ({ space, organization: names.get(space.relationships.organization.data?.guid ?? '') ?? '' }));
}

/** An app with what its row shows. */
export interface AppSummary {
  app: App;
  space: string;
  organization: string;
  processes: Process[];
  routes: Route[];
}

export async function listApps(options: Options = {}): Promise<AppSummary[]> {
  const [apps, processes, routes] = await Promise.all([
    all<App, { spaces: Space[]; organizations: Organization[] }>(`/v3/apps?include=space.organization&order_by=name&per_page=${MOST}`, options),
    all<Process>(`/v3/processes?embed=process_instances&per_page=${MOST}`, options),
    all<Route>(`/v3/routes?per_page=${MOST}`, options),
  ]);
  const spaces = new Map(apps.included?.spaces.map((one) => [one.guid, one]));
  const organizations = new Map(apps.included?.organizations.map((one) => [one.guid, one.name]));
  const own = Map.groupBy(processes.resources, (one) => one.relationships.app.data?.guid);
  const reached = Map.groupBy(
    routes.resources.flatMap((route) => [...new Set(route.destinations.map((to) => to.app.guid))].map((app) => ({ app, route }))),
    (one) => one.app,
  );
  return apps.resources.map((app) => {
    const space = spaces.get(app.relationships.space.data?.guid ?? '');
    return {
      app,
      space: space?.name ?? '',
      organization: organizations.get(space?.relationships.organization.data?.guid ?? '') ?? '',
      processes: own.get(app.guid) ?? [],
      routes: (reached.get(app.guid) ?? []).map((one) => one.route),
    };
  });
}

export async function getApp(guid: string, options: Options = {}): Promise<{ app: App; space: Space | undefined; organization: string }> {
  const answer = await get<App & { included?: { spaces: Space[]; organizations: Organization[] } }>(
    `/v3/apps/${guid}?include=space.organization`,
    options,
  );
  return { app: answer, space: answer.included?.spaces[0], organization: answer.included?.organizations[0]?.name ?? '' };
}

/** Processes in the order web, then by name, with their commands. */
export async function listProcesses(app: string, options: Options = {}): Promise<Process[]> {
  const { resources } = await all<Process>(`/v3/apps/${app}/processes?per_page=${MOST}`, options);
  return resources.toSorted((a, b) => Number(b.type === 'web') - Number(a.type === 'web') || a.type.localeCompare(b.type));
}
export async function getProcess(guid: string, options: Options = {}): Promise<Process> {
  return get<Process>(`/v3/processes/${guid}`, options);
}
export async function listStats(process: string, options: Options = {}): Promise<Stat[]> {
  return (await get<{ resources: Stat[] }>(`/v3/processes/${process}/stats`, options)).resources;
}
export async function getTraffic(app: string, options: Options = {}): Promise<Traffic> {
  return get<Traffic>(`/v3/apps/${app}/traffic`, options);
}
export async function listRoutes(app: string, options: Options = {}): Promise<Route[]> {
  return (await all<Route>(`/v3/apps/${app}/routes?per_page=${MOST}`, options)).resources;
}
export async function listDomains(organization: string, options: Options = {}): Promise<Domain[]> {
  return (await all<Domain>(`/v3/organizations/${organization}/domains?per_page=${MOST}`, options)).resources;
}
export async function currentDroplet(app: string, options: Options = {}): Promise<Droplet | undefined> {
  const answer = await all<Droplet>(`/v3/apps/${app}/droplets?current=true`, options);
  return answer.resources[0];
}
export async function listAppEvents(app: string, count: number, options: Options = {}): Promise<{ events: AuditEvent[]; total: number }> {
  const answer = await get<Listing<AuditEvent>>(`/v3/audit_events?target_guids=${app}&order_by=-created_at&per_page=${count}`, options);
  return { events: answer.resources, total: answer.pagination.total_results };
}
export async function activeDeployments(app?: string, options: Options = {}): Promise<Deployment[]> {
  const query = queryOf({ status_values: 'ACTIVE', app_guids: app, per_page: MOST });
  return (await all<Deployment>(`/v3/deployments${query}`, options)).resources;
}
export async function latestBuild(app: string, options: Options = {}): Promise<Build | undefined> {
  return (await get<Listing<Build>>(`/v3/builds?app_guids=${app}&order_by=-created_at&per_page=1`, options)).resources[0];
}
export async function stagingBuilds(options: Options = {}): Promise<Build[]> {
  return (await all<Build>(`/v3/builds?states=STAGING&per_page=${MOST}`, options)).resources;
}
export async function getEnvironment(app: string, options: Options = {}): Promise<Environment> {
  return get<Environment>(`/v3/apps/${app}/env`, options);
}
/** Sets variables; null takes one away. */
export async function setVariables(app: string, variables: Record<string, string | null>): Promise<void> {
  await patch(`/v3/apps/${app}/environment_variables`, { var: variables });
}
export async function startApp(app: string): Promise<void> {
  await post(`/v3/apps/${app}/actions/start`);
}
export async function stopApp(app: string): Promise<void> {
  await post(`/v3/apps/${app}/actions/stop`);
}
export async function restartApp(app: string): Promise<void> {
  await post(`/v3/apps/${app}/actions/restart`);
}
/** Replaces instances one by one, the old one going only when the new one is well. */
export async function rollApp(app: string): Promise<void> {
  await post('/v3/deployments', { strategy: 'rolling', relationships: { app: { data: { guid: app } } } });
}
export async function cancelDeployment(deployment: string): Promise<void> {
  await post(`/v3/deployments/${deployment}/actions/cancel`);
}
export async function renameApp(app: string, name: string): Promise<void> {
  await patch(`/v3/apps/${app}`, { name });
}
export async function scaleProcess(process: string, to: { instances?: number; memory_in_mb?: number; disk_in_mb?: number }): Promise<void> {
  await post(`/v3/processes/${process}/actions/scale`, to);
}
export async function updateProcess(process: string, change: { command?: string | null; health_check?: unknown }): Promise<void> {
  await patch(`/v3/processes/${process}`, change);
}
export async function endInstance(process: string, index: number): Promise<void> {
  await del(`/v3/processes/${process}/instances/${index}`);
}

/** The route at an address, if there is one. */
export async function findRoute(domain: string, host: string, path: string): Promise<Route | undefined> {
  const found = await get<Listing<Route>>(`/v3/routes${queryOf({ domain_guids: domain, hosts: host, per_page: MOST })}`);
  return found.resources.find((route) => route.path === path);
}
/** Names of those of `guids` that the person may see. */
export async function appNames(guids: string[]): Promise<string[]> {
  return (await get<Listing<App>>(`/v3/apps${queryOf({ guids: guids.join(','), per_page: MOST })}`)).resources.map((app) => app.name);
}
/** Finds the route or makes it. */
export async function ensureRoute(space: string, domain: string, host: string, path: string): Promise<Route> {
  const found = await findRoute(domain, host, path);
  if (found) return found;
  const body = { relationships: { space: { data: { guid: space } }, domain: { data: { guid: domain } } }, host, path };
  return post<Route>('/v3/routes', path ? body : { ...body, path: undefined });
}
export async function mapRoute(route: string, app: string, process = 'web', port?: number): Promise<void> {
  await post(`/v3/routes/${route}/destinations`, { destinations: [{ app: { guid: app, process: { type: process } }, port }] });
}
export async function unmapRoute(route: string, destination: string): Promise<void> {
  await del(`/v3/routes/${route}/destinations/${destination}`);
}

/** Waits for what an answer of 202 began. */
async function finished(response: Response): Promise<void> {
  const location = response.headers.get('location');
  if (!location) return;
  const path = new URL(location, window.location.href).pathname;
  for (let pause = 100; ; pause = Math.min(pause * 1.5, 2_000)) {
    const job = await get<{ state: string; errors?: { detail: string }[] }>(path);
    if (job.state === 'COMPLETE') return;
    if (job.state === 'FAILED') throw new Error(job.errors?.map((error) => error.detail).join(' ') ?? 'It failed.');
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
export async function deleteRoute(route: string): Promise<void> {
  await finished(await raw('DELETE', `/v3/routes/${route}`));
}
export async function deleteApp(app: string): Promise<void> {
  await finished(await raw('DELETE', `/v3/apps/${app}`));
}
