// The Lifecycle API of jobs, and calls of jobs themselves through the gateway, as the pages use them. Times are milliseconds here; the
// API's own are epoch seconds.

import { del, get, post, put, queryOf } from '../lib/http';
import { readFailure } from '../lib/failure';
import type { LogLine } from '../parts/log';
import type { Traffic } from '../parts/traffic';
import { level } from './log-cache';

const BASE = '/lifecycle/api/v1';

export type JobStatus = 'running' | 'starting' | 'error' | 'lost' | 'orphaned' | 'created';

export interface Job {
  id: string;
  name: string;
  version: string;
  status: JobStatus;
  create_time: number;
  update_time: number;
  manifest: Record<string, unknown> | null;
  manifest_yaml: string;
  pub_url: string;
  error: string | null;
  notice: string | null;
  image_tag: string | null;
  deployed_by: string | null;
  last_call_time: number | null;
  infrastructure_target: string | null;
  replica_internal_names: string[];
  job_type_version: string;
  infrastructure_stats: Record<string, unknown>;
}
export interface Deployment {
  id: string;
  status: 'in_progress' | 'done' | 'failed';
  create_time: number;
  update_time: number;
  error: string | null;
  deployed_by: string | null;
  phase: string | null;
  manifest_yaml: string;
  job_name: string;
  job_version: string;
  warnings: string | null;
}
export interface Permission {
  id: string;
  subject_kind: string;
  subject: string;
  scope: string;
  family: string | null;
  job_version: string | null;
  endpoint: string | null;
}
export interface PublicEndpoint {
  id: string;
  endpoint: string;
  active: boolean;
}
interface Options {
  signal?: AbortSignal;
}

const of = (name: string, version: string) => `${BASE}/job/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;

/** Who may read none has none: that is no failure. */
export async function listJobs(options: Options = {}): Promise<Job[]> {
  return get<Job[]>(`${BASE}/job?refuse=0`, options);
}
export async function getJob(name: string, version: string, options: Options = {}): Promise<Job> {
  return get<Job>(of(name, version), options);
}
export async function listDeployments(options: Options = {}): Promise<Deployment[]> {
  return get<Deployment[]>(`${BASE}/deploy?limit=100`, options);
}
export async function deleteJob(name: string, version: string): Promise<void> {
  await del(of(name, version));
}
/** Builds it anew and starts that. Answers when it is done, which may take minutes. */
export async function redeployJob(name: string, version: string): Promise<void> {
  await post(`${of(name, version)}/redeploy`);
}
/** Starts what was built last anew. */
export async function reprovisionJob(name: string, version: string): Promise<void> {
  await post(`${of(name, version)}/reprovision`);
}
export async function saveManifest(name: string, version: string, manifest_yaml: string): Promise<void> {
  await put(`${of(name, version)}/manifest`, { manifest_yaml });
}
export async function getTraffic(name: string, version: string, options: Options = {}): Promise<Traffic> {
  return get<Traffic>(`${of(name, version)}/traffic`, options);
}
export async function listCallers(name: string, version: string, options: Options = {}): Promise<Permission[]> {
  return get<Permission[]>(`${of(name, version)}/callers`, options);
}
export interface NewPermission {
  user?: string;
  esc?: string;
  job_family?: string;
  scope: string;
  family?: string;
  job?: string;
  endpoint?: string;
}
export async function addPermission(permission: NewPermission): Promise<void> {
  await post(`${BASE}/permission`, permission);
}
export async function removePermission(id: string): Promise<void> {
  await del(`${BASE}/permission/${encodeURIComponent(id)}`);
}
export async function listPublicEndpoints(name: string, version: string, options: Options = {}): Promise<PublicEndpoint[]> {
  return get<PublicEndpoint[]>(`${of(name, version)}/public-endpoints/requests`, options);
}
export async function decidePublicEndpoint(name: string, version: string, id: string, active: boolean): Promise<void> {
  await put(`${of(name, version)}/public-endpoints/requests/${encodeURIComponent(id)}`, { active });
}
export async function listFamilies(options: Options = {}): Promise<{ name: string; id: string }[]> {
  return get(`${BASE}/job_family`, options);
}
export async function listConsumers(options: Options = {}): Promise<{ name: string; id: string }[]> {
  return get(`${BASE}/escs`, options);
}

interface StreamLine {
  line: string;
  /** Nanoseconds since 1970. */
  at: number;
  instance?: string | number | null;
}
// eslint-disable-next-line no-control-regex
const colours = /\u001b\[[0-9;]*[A-Za-z]/g;

/**
 * Follows a log. Lines come oldest first; after a break it goes on behind the last one. `ended`: no more will come, as after a build.
 */
export function followLog(
  path: string,
  from: 'job' | 'build',
  take: (lines: LogLine[]) => void,
  state: (state: 'live' | 'broken' | 'ended') => void,
): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flush: ReturnType<typeof setTimeout> | undefined;
  let last = '';
  let waiting: LogLine[] = [];
  const open = () => {
    source = new EventSource(`${path}${queryOf(last ? { since: last } : { tail: from === 'build' ? 0 : 5000 })}`);
    source.onopen = () => state('live');
    source.onmessage = (event: MessageEvent<string>) => {
      const { line, at, instance } = JSON.parse(event.data) as StreamLine;
      // Nanoseconds are more than a number holds; the id is the same as text.
      last = event.lastEventId || String(at);
      const text = line.replace(colours, '');
      const where = instance === undefined || instance === null || instance === '' ? from : `${from}.${instance}`;
      waiting.push({ ms: Number(last.slice(0, -6)), from: where, kind: from, text, level: level(text) });
      flush ??= setTimeout(() => {
        flush = undefined;
        const lines = waiting;
        waiting = [];
        state('live');
        take(lines);
      }, 30);
    };
    source.addEventListener('end', () => {
      source?.close();
      state('ended');
    });
    source.onerror = () => {
      // It would begin at the first address again; this one goes on where it was.
      source?.close();
      state('broken');
      timer = setTimeout(open, 2_000);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    clearTimeout(flush);
    source?.close();
  };
}
export const jobLogPath = (name: string, version: string): string => `${of(name, version)}/logs/stream`;
export const buildLogPath = (deployment: string): string => `${BASE}/deploy/${encodeURIComponent(deployment)}/build-logs/stream`;

// Calls of jobs, as the person: through the gateway, by a token that is good for an hour.

let pageToken: { token: string; until: number } | undefined;

async function token(): Promise<string> {
  if (!pageToken || pageToken.until - Date.now() < 60_000) {
    const made = await post<{ token: string; expires_at: number }>(`${BASE}/auth/token/page`);
    pageToken = { token: made.token, until: made.expires_at * 1000 };
  }
  return pageToken.token;
}

export interface Called {
  status: number;
  ms: number;
  type: string;
  body: string;
  headers: [string, string][];
}

export const pubPath = (name: string, version: string): string => `/pub/job/${encodeURIComponent(name)}/${encodeURIComponent(version)}`;

/** Calls a job; a refusal is an answer too. Throws only when none came. */
export async function callJob(path: string, method: string, body: string | undefined, signal?: AbortSignal): Promise<Called> {
  const headers: Record<string, string> = { 'X-Racetrack-Auth': await token(), accept: 'application/json, */*' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const before = performance.now();
  const response = await fetch(path, { method, headers, body, signal });
  const text = await response.text();
  return {
    status: response.status,
    ms: performance.now() - before,
    type: response.headers.get('content-type') ?? '',
    body: text,
    headers: [...response.headers],
  };
}

export async function getOpenApi(name: string, version: string, options: Options = {}): Promise<unknown> {
  const answer = await callJob(`${pubPath(name, version)}/openapi.json`, 'GET', undefined, options.signal);
  let read: unknown = answer.body;
  try {
    read = JSON.parse(answer.body);
  } catch {
    // Its text is the reason.
  }
  if (answer.status !== 200) throw readFailure(answer.status === 401 ? 403 : answer.status, read);
  return read;
}
