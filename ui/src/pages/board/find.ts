// What Tracker adds to the palette and to the home page.

import { listProjects, listStories, type Project, type StoryData } from '../../api/tracker';
import type { Found, Need } from '../../lib/face';
import { fit } from '../../lib/fit';
import { me } from '../../lib/me.svelte';
import { get } from '../../lib/http';

let kept: { at: number; projects: Promise<Project[]> } | undefined;

function recent(): Promise<Project[]> {
  if (!kept || Date.now() - kept.at > 10_000) {
    const projects = listProjects();
    kept = { at: Date.now(), projects };
    projects.catch(() => (kept = undefined));
  }
  return kept.projects;
}

const LARGEST = 8;

export async function findTracker(words: string, signal: AbortSignal): Promise<Found[]> {
  const projects = await recent();
  const found: Found[] = projects
    .filter((project) => fit(words, project.name) > 0)
    .slice(0, 10)
    .map((project) => ({ kind: 'project', name: project.name, href: `/n/projects/${project.id}` }));
  const number = /^#?(\d+)$/.exec(words.trim());
  if (number) found.unshift({ kind: 'story', name: `#${number[1] ?? ''}`, detail: 'open the story', href: `/story/show/${number[1] ?? ''}` });
  if (words.trim().length < 3) return found;
  const lists = await Promise.all(
    projects.slice(0, LARGEST).map((project) => listStories(project.id, { filter: words.trim(), limit: 8 }, { signal }).catch((): StoryData[] => [])),
  );
  for (const [index, stories] of lists.entries()) {
    for (const story of stories) {
      found.push({ kind: 'story', name: story.name, detail: projects[index]?.name, href: `/n/projects/${story.project_id}/stories/${story.id}` });
    }
  }
  return found;
}

/** The caller as Tracker knows them. */
async function person(signal: AbortSignal): Promise<number> {
  const known = me.person?.number;
  if (known !== undefined) return known;
  return (await get<{ id: number }>('/services/v5/me', { signal })).id;
}

export async function needs(signal: AbortSignal): Promise<Need[]> {
  const projects = await listProjects({ signal });
  if (projects.length === 0) return [];
  const id = await person(signal);
  const lists = await Promise.all(
    projects.map(async (project) => ({
      project,
      delivered: await listStories(project.id, { with_state: 'delivered', limit: 200 }, { signal }),
      rejected: await listStories(project.id, { with_state: 'rejected', limit: 200 }, { signal }),
    })),
  );
  const found: Need[] = [];
  for (const { project, delivered, rejected } of lists) {
    const need = (story: StoryData, text: string): Need => ({
      level: 'todo',
      text: story.name,
      detail: `${text} · ${project.name}`,
      href: `/n/projects/${project.id}/stories/${story.id}`,
      at: Date.parse(story.updated_at),
    });
    for (const story of delivered) if (story.requested_by_id === id) found.push(need(story, 'delivered: accept or reject it'));
    for (const story of rejected) if (story.owner_ids.includes(id)) found.push(need(story, 'rejected: start it again'));
  }
  return found;
}
