// Tracker's API v5 as the pages use it.

import { del, get, post, put, queryOf, raw } from '../lib/http';
import { me } from '../lib/me.svelte';

const BASE = '/services/v5';

export type StoryType = 'feature' | 'bug' | 'chore' | 'release';
export type State = 'accepted' | 'delivered' | 'finished' | 'started' | 'rejected' | 'planned' | 'unstarted' | 'unscheduled';

export interface Person {
  id: number;
  name: string;
  initials: string;
  username: string;
  email?: string;
}
export interface Label {
  id: number;
  name: string;
}
export interface Epic {
  id: number;
  name: string;
  label_id?: number;
}
export type Role = 'owner' | 'member' | 'viewer';
export interface Membership {
  id: number;
  project_id?: number;
  person: Person;
  role: Role;
  favorite?: boolean;
}
export interface Project {
  id: number;
  name: string;
  version: number;
  description?: string;
  iteration_length: number;
  week_start_day: string;
  start_date?: string;
  time_zone: { olson_name: string };
  point_scale: string;
  point_scale_is_custom: boolean;
  bugs_and_chores_are_estimatable: boolean;
  automatic_planning: boolean;
  enable_tasks: boolean;
  velocity_averaged_over: number;
  initial_velocity: number;
  number_of_done_iterations_to_show: number;
  public: boolean;
  created_at: string;
  updated_at: string;
  start_time?: string;
  current_iteration_number: number;
  current_velocity?: number;
}
/** A story as the API answers it. */
export interface StoryData {
  id: number;
  project_id: number;
  name: string;
  description?: string;
  story_type: StoryType;
  current_state: State;
  estimate?: number;
  accepted_at?: string;
  deadline?: string;
  requested_by_id: number;
  owner_ids: number[];
  labels: Label[];
  created_at: string;
  updated_at: string;
  url?: string;
}
export interface Task {
  id: number;
  description: string;
  complete: boolean;
  position: number;
}
export interface Comment {
  id: number;
  text?: string;
  person_id: number;
  created_at: string;
  updated_at: string;
}
export interface Blocker {
  id: number;
  description: string;
  resolved: boolean;
  person_id: number;
}
export interface Change {
  kind: string;
  change_type: 'create' | 'update' | 'delete';
  id: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  new_values?: Record<string, any>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  original_values?: Record<string, any>;
  name?: string;
  story_type?: StoryType;
}
export interface Activity {
  kind: string;
  guid: string;
  project_version: number;
  message: string;
  highlight: string;
  changes: Change[];
  primary_resources: { kind: string; id: number; name: string; story_type?: StoryType; url?: string }[];
  performed_by: { id: number; name: string; initials: string };
  occurred_at: string;
  project?: { id: number; name: string };
}
export interface IterationData {
  number: number;
  length: number;
  team_strength: number;
  start: string;
  finish: string;
  stories: StoryData[];
}
interface Options {
  signal?: AbortSignal;
}

export async function listProjects(options: Options = {}): Promise<Project[]> {
  return get<Project[]>(`${BASE}/projects?fields=:default,current_velocity`, options);
}
export async function getProject(id: number, options: Options = {}): Promise<Project> {
  return get<Project>(`${BASE}/projects/${id}`, options);
}
/** May the person change the project's settings and members? */
export async function managesProject(id: number, options: Options = {}): Promise<boolean> {
  if (me.administrator) return true;
  const { projects } = await get<{ projects: { project_id: number; role: Role }[] }>(`${BASE}/me?fields=projects(project_id,role)`, options);
  return projects.some((one) => one.project_id === id && one.role === 'owner');
}
export async function createProject(project: { name: string } & Partial<Record<string, unknown>>): Promise<Project> {
  return post<Project>(`${BASE}/projects`, project);
}
export async function updateProject(id: number, change: Record<string, unknown>): Promise<Project> {
  return put<Project>(`${BASE}/projects/${id}`, change);
}
export async function deleteProject(id: number): Promise<void> {
  await del(`${BASE}/projects/${id}`);
}
export async function listMemberships(project: number, options: Options = {}): Promise<Membership[]> {
  return get<Membership[]>(`${BASE}/projects/${project}/memberships`, options);
}
export async function addMembership(project: number, member: { email?: string; person_id?: number; role: Role }): Promise<Membership> {
  return post<Membership>(`${BASE}/projects/${project}/memberships`, member);
}
export async function updateMembership(project: number, id: number, role: Role): Promise<void> {
  await put(`${BASE}/projects/${project}/memberships/${id}`, { role });
}
export async function removeMembership(project: number, id: number): Promise<void> {
  await del(`${BASE}/projects/${project}/memberships/${id}`);
}

/** Everything a board needs in one answer. */
export interface BoardData {
  /** Of the ledger: entries after it are not in this answer; some before it may be told again. */
  position: number;
  version: number;
  project: Project;
  me: { person_id: number | null; role: Role | null; may: { work: boolean; manage: boolean } };
  people: Person[];
  memberships: { id: number; person_id: number; role: Role }[];
  labels: Label[];
  epics: Epic[];
  iterations: BoardIterations;
  stories: BoardStory[];
}
export interface BoardIterations {
  current_number: number;
  velocity: number;
  current: { start: string };
  overrides: { number: number; length?: number; team_strength?: number }[];
}
export interface BoardStory extends Omit<StoryData, 'labels'> {
  labels?: Label[];
  label_ids?: number[];
  tasks_count?: number;
  tasks_open_count?: number;
  comments_count?: number;
  blockers_count?: number;
}

let ahead: { project: number; began: number; data: Promise<BoardData> } | undefined;

/** Begins to read a board before its code is there; the next `getBoard` has it. */
export function readAhead(project: number): void {
  ahead = { project, began: performance.now(), data: get<BoardData>(`${BASE}/projects/${project}/board`) };
  ahead.data.catch(() => undefined);
}
/** When the reading began that the next `getBoard` answers with. */
export function readingSince(project: number): number {
  return ahead?.project === project ? ahead.began : performance.now();
}
export async function getBoard(project: number): Promise<BoardData> {
  const begun = ahead?.project === project ? ahead.data : undefined;
  ahead = undefined;
  return begun ?? get<BoardData>(`${BASE}/projects/${project}/board`);
}

/** A change, and the version of the project that has it. */
export interface Written<T> {
  value: T;
  version: number;
}

async function written<T>(response: Response): Promise<Written<T>> {
  const text = await response.text();
  return { value: (text ? JSON.parse(text) : undefined) as T, version: Number(response.headers.get('x-tracker-project-version') ?? 0) };
}

export async function createStory(project: number, story: Record<string, unknown>): Promise<Written<StoryData>> {
  return written(await raw('POST', `${BASE}/projects/${project}/stories`, story));
}
export async function updateStory(project: number, id: number, change: Record<string, unknown>): Promise<Written<StoryData>> {
  return written(await raw('PUT', `${BASE}/projects/${project}/stories/${id}`, change));
}
export async function deleteStory(project: number, id: number): Promise<Written<undefined>> {
  return written(await raw('DELETE', `${BASE}/projects/${project}/stories/${id}`));
}
export async function findStory(id: number, options: Options = {}): Promise<StoryData> {
  return get<StoryData>(`${BASE}/stories/${id}`, options);
}
export async function listStories(project: number, query: Record<string, string | number | undefined>, options: Options = {}): Promise<StoryData[]> {
  return get<StoryData[]>(`${BASE}/projects/${project}/stories${queryOf(query)}`, options);
}

export interface StoryDetails {
  tasks: Task[];
  comments: Comment[];
  blockers: Blocker[];
}
export async function getDetails(project: number, id: number, options: Options = {}): Promise<StoryDetails> {
  const fields = 'tasks,comments,blockers';
  const answer = await get<Partial<StoryDetails>>(`${BASE}/projects/${project}/stories/${id}?fields=${fields}`, options);
  return { tasks: answer.tasks ?? [], comments: answer.comments ?? [], blockers: answer.blockers ?? [] };
}

const part = (project: number, story: number, kind: string, id?: number) =>
  `${BASE}/projects/${project}/stories/${story}/${kind}${id === undefined ? '' : `/${id}`}`;

export async function addPart(project: number, story: number, kind: 'tasks' | 'comments' | 'blockers', values: Record<string, unknown>): Promise<void> {
  await post(part(project, story, kind), values);
}
export async function changePart(
  project: number,
  story: number,
  kind: 'tasks' | 'comments' | 'blockers',
  id: number,
  values: Record<string, unknown>,
): Promise<void> {
  await put(part(project, story, kind, id), values);
}
export async function removePart(project: number, story: number, kind: 'tasks' | 'comments' | 'blockers', id: number): Promise<void> {
  await del(part(project, story, kind, id));
}

export async function listDone(project: number, count: number, options: Options = {}): Promise<IterationData[]> {
  return get<IterationData[]>(`${BASE}/projects/${project}/iterations?scope=done&offset=-${count}&limit=${count}`, options);
}
export async function listActivity(project: number, limit: number, options: Options = {}): Promise<Activity[]> {
  return get<Activity[]>(`${BASE}/projects/${project}/activity?limit=${limit}`, options);
}
export async function listStoryActivity(project: number, story: number, options: Options = {}): Promise<Activity[]> {
  return get<Activity[]>(`${BASE}/projects/${project}/stories/${story}/activity?limit=100`, options);
}
export async function renameLabel(project: number, id: number, name: string): Promise<void> {
  await put(`${BASE}/projects/${project}/labels/${id}`, { name });
}
export async function createLabel(project: number, name: string): Promise<void> {
  await post(`${BASE}/projects/${project}/labels`, { name });
}
export async function deleteLabel(project: number, id: number): Promise<void> {
  await del(`${BASE}/projects/${project}/labels/${id}`);
}

export async function createEpic(project: number, name: string): Promise<void> {
  await post(`${BASE}/projects/${project}/epics`, { name });
}
export async function renameEpic(project: number, id: number, name: string): Promise<void> {
  await put(`${BASE}/projects/${project}/epics/${id}`, { name });
}
export async function deleteEpic(project: number, id: number): Promise<void> {
  await del(`${BASE}/projects/${project}/epics/${id}`);
}
