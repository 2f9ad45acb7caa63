// What administrators do for all: people, sessions, tokens, invitations, settings.

import { del, get, patch, post, put, queryOf } from '../lib/http';

const BASE = '/api/platform';

export type PersonState = 'pending' | 'active' | 'suspended';
export interface Person {
  id: string;
  number: number;
  user_name: string;
  email: string | null;
  display_name: string;
  state: PersonState;
  administrator: boolean;
  origin: string;
  created_at: string;
  updated_at: string;
  sessions: number;
  tokens: number;
  last_used_at: string | null;
}
export interface Session {
  id: string;
  kind: string;
  client_id: string | null;
  agent: string | null;
  address: string | null;
  created_at: string;
  last_used_at: string;
  expires_at: string;
}
export interface Token {
  id: string;
  name: string;
  prefix: string;
  person: { id: string; user_name: string; display_name: string } | null;
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
  expired: boolean;
}
export interface Invitation {
  id: string;
  email: string | null;
  invited_by: string | null;
  created_at: string;
  expires_at: string;
  expired: boolean;
  url?: string;
}
export type SignUp = 'open' | 'invitation' | 'approval' | 'closed';

interface Options {
  signal?: AbortSignal;
}

export interface PeopleQuery {
  q?: string;
  state?: string;
  administrator?: boolean;
  page?: number;
  per_page?: number;
}
export async function listPeople(query: PeopleQuery, options: Options = {}): Promise<{ people: Person[]; total: number }> {
  return get(`${BASE}/people${queryOf({ ...query })}`, options);
}
export async function getPerson(id: string, options: Options = {}): Promise<Person> {
  return get<Person>(`${BASE}/people/${id}`, options);
}
export interface NewPerson {
  user_name: string;
  email?: string;
  display_name?: string;
  password?: string;
  administrator?: boolean;
}
export async function createPerson(person: NewPerson): Promise<Person> {
  return post<Person>(`${BASE}/people`, person);
}
export async function updatePerson(id: string, change: { user_name?: string; email?: string | null; display_name?: string }): Promise<Person> {
  return patch<Person>(`${BASE}/people/${id}`, change);
}
export async function deletePerson(id: string): Promise<void> {
  await del(`${BASE}/people/${id}`);
}
export async function activatePerson(id: string): Promise<Person> {
  return post<Person>(`${BASE}/people/${id}/activate`);
}
export async function suspendPerson(id: string): Promise<Person> {
  return post<Person>(`${BASE}/people/${id}/suspend`);
}
export async function setPassword(id: string, password: string): Promise<void> {
  await put(`${BASE}/people/${id}/password`, { password });
}
/** A link with which the person chooses a new password, once. */
export async function makePasswordLink(id: string): Promise<{ url: string; expires_at: string }> {
  return post(`${BASE}/people/${id}/password_link`);
}
export async function setAdministrator(id: string, administrator: boolean): Promise<Person> {
  const path = `${BASE}/people/${id}/administrator`;
  return administrator ? put<Person>(path) : del<Person>(path);
}
export async function listSessions(id: string, options: Options = {}): Promise<Session[]> {
  return (await get<{ sessions: Session[] }>(`${BASE}/people/${id}/sessions`, options)).sessions;
}
export async function revokeSession(id: string, session: string): Promise<void> {
  await del(`${BASE}/people/${id}/sessions/${session}`);
}
export async function revokeSessions(id: string): Promise<void> {
  await del(`${BASE}/people/${id}/sessions`);
}
export async function listTokens(query: { q?: string; person?: string; page?: number; per_page?: number }, options: Options = {}): Promise<{ tokens: Token[]; total: number }> {
  return get(`${BASE}/tokens${queryOf({ ...query })}`, options);
}
export async function revokeToken(id: string): Promise<void> {
  await del(`${BASE}/tokens/${id}`);
}
export async function listInvitations(options: Options = {}): Promise<Invitation[]> {
  return (await get<{ invitations: Invitation[] }>(`${BASE}/invitations`, options)).invitations;
}
export async function createInvitation(email: string | undefined, days: number): Promise<Invitation> {
  return post<Invitation>(`${BASE}/invitations`, { email: email || undefined, days });
}
export async function renewInvitation(id: string): Promise<Invitation> {
  return post<Invitation>(`${BASE}/invitations/${id}/renew`, {});
}
export async function deleteInvitation(id: string): Promise<void> {
  await del(`${BASE}/invitations/${id}`);
}
export async function getSettings(options: Options = {}): Promise<{ signup: SignUp }> {
  return get(`${BASE}/settings`, options);
}
export async function updateSettings(change: { signup?: SignUp }): Promise<{ signup: SignUp }> {
  return patch(`${BASE}/settings`, change);
}
