// What an activity says beyond its sentence.

import type { Activity } from '../../../api/tracker';

const FIELDS: Record<string, string> = {
  name: 'title',
  description: 'description',
  estimate: 'points',
  story_type: 'type',
  label_ids: 'labels',
  owner_ids: 'owners',
  requested_by_id: 'requester',
  deadline: 'release date',
  accepted_at: 'day of acceptance',
  story_priority: 'priority',
  follower_ids: 'followers',
};

/** Which fields were edited, or the words of what was added: `points 2 → 3, labels`. Empty where the sentence says it all. */
export function detail({ kind, highlight, changes }: Activity): string {
  const part = /^(blocker|task)_/.exec(kind)?.[1];
  if (part) {
    const change = changes.find((one) => one.kind === part);
    const words = change?.new_values?.description ?? change?.original_values?.description;
    return typeof words === 'string' ? words : '';
  }
  if (highlight !== 'edited') return '';
  const change = changes.find((one) => one.kind === 'story' || one.kind === 'epic');
  const { new_values: now = {}, original_values: was = {} } = change ?? {};
  return Object.entries(FIELDS)
    .filter(([field]) => field in now && JSON.stringify(now[field]) !== JSON.stringify(was[field]))
    .map(([field, name]) => (field === 'estimate' || field === 'story_type' ? `${name} ${String(was[field] ?? 'none')} → ${String(now[field] ?? 'none')}` : name))
    .join(', ');
}
