// What the page is asked for, as its address has it, and as the server takes it.

import type { AuditQuery } from '../../api/audit';
import type { Thing } from '../../lib/live.svelte';

/** What people call it, and the kinds of objects in the ledger that belong to it. */
export const groups: { id: string; name: string; kinds: string[] }[] = [
  { id: 'people', name: 'people and access', kinds: ['person', 'account', 'session', 'token', 'invitation', 'client', 'setting', 'signing_key', 'user'] },
  { id: 'apps', name: 'apps', kinds: ['app', 'process', 'revision', 'route', 'domain', 'buildpack', 'stack', 'feature_flag', 'environment_variable_group'] },
  { id: 'places', name: 'organizations and spaces', kinds: ['organization', 'space', 'organization_quota', 'space_quota'] },
  { id: 'jobs', name: 'jobs', kinds: ['job', 'job_family', 'job_deployment', 'job_permission', 'job_token', 'job_consumer', 'job_setting'] },
  {
    id: 'projects',
    name: 'projects and stories',
    kinds: ['project', 'story', 'epic', 'label', 'comment', 'task', 'blocker', 'review', 'iteration_override', 'project_membership', 'workspace', 'saved_search'],
  },
];

/** Names of the filters in the address. */
export const filters = ['text', 'actor', 'kind', 'object', 'name', 'family', 'action', 'since', 'until', 'mine'] as const;
export type Filter = (typeof filters)[number];

/** Days are those of who looks, and the last one belongs to what is asked for. */
export function asked(query: URLSearchParams): AuditQuery {
  const value = (name: Filter) => query.get(name)?.trim() || undefined;
  const kind = value('kind');
  return {
    text: value('text'),
    actor: value('actor'),
    kind: groups.find((group) => group.id === kind)?.kinds.join(',') ?? kind,
    object: value('object'),
    // A family says more than a name, and the server takes one of them.
    name: value('family') ? undefined : value('name'),
    family: value('family'),
    action: value('action'),
    since: midnight(value('since'), 0),
    until: midnight(value('until'), 1),
    mine: value('mine') ? true : undefined,
  };
}

/** The beginning of the day that is `days` after `date`; a date that is none goes as it is, and the server says what is wrong. */
function midnight(date: string | undefined, days: number): string | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date ?? '');
  if (!parts) return date;
  return new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + days).toISOString();
}

/** The page of what an entry is about, if it has one. What was deleted meanwhile says so itself. */
export function addressOf(object: Thing, administrator: boolean): string | undefined {
  switch (object.kind) {
    case 'app':
      return `/apps/${object.id}`;
    case 'job': {
      // Named by family and version.
      const [family, version] = object.name.split(' ');
      return family && version ? `/jobs/${encodeURIComponent(family)}/${encodeURIComponent(version)}` : undefined;
    }
    case 'project':
      return `/n/projects/${object.id}`;
    case 'story':
      return `/story/show/${object.id}`;
    case 'person':
      return administrator ? `/admin/people/${object.id}` : undefined;
    default:
      return undefined;
  }
}
