// The ledger as people read it: sentences, filters, its chain of hashes.

import { get, queryOf } from '../lib/http';
import type { Entry } from '../lib/live.svelte';

const BASE = '/api/platform/audit';

export interface AuditEntry extends Entry {
  /** `app shop has been stopped by Ann`: the server's own words, the same as in exports. */
  sentence: string;
  hash: string;
}
export interface AuditPage {
  /** Newest first. */
  entries: AuditEntry[];
  /** `before` of the next page; null at the end. */
  next: number | null;
}
/** All of it must hold. `kind` may be several between commas; times are RFC 3339. */
export interface AuditQuery {
  text?: string;
  actor?: string;
  kind?: string;
  object?: string;
  name?: string;
  family?: string;
  action?: string;
  since?: string;
  until?: string;
  mine?: boolean;
}
export type Verified = { intact: true; entries: number; head: string } | { intact: false; position: number; error: string };

interface Options {
  signal?: AbortSignal;
}

export async function listAudit(query: AuditQuery, page: { before?: number; limit: number }, options: Options = {}): Promise<AuditPage> {
  return get<AuditPage>(`${BASE}${queryOf({ ...query, ...page })}`, options);
}
export async function verifyAudit(): Promise<Verified> {
  return get<Verified>(`${BASE}/verify`);
}
/** Where everything that fits is downloaded. */
export function auditExport(query: AuditQuery, format: 'csv' | 'json'): string {
  return `${BASE}/export${queryOf({ ...query, format })}`;
}
