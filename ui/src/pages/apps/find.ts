// What the apps add to the palette and to the home page.

import { activeDeployments, listApps, stagingBuilds, type AppSummary } from '../../api/cf';
import type { Found, Need } from '../../lib/face';
import { fit } from '../../lib/fit';
import { many } from '../../lib/format';
import type { Choice } from '../../lib/frame.svelte';
import { running, wellness } from './state';

let kept: { at: number; apps: Promise<AppSummary[]> } | undefined;

/** One reading serves the letters of a word. */
function recent(): Promise<AppSummary[]> {
  if (!kept || Date.now() - kept.at > 10_000) {
    const apps = listApps();
    kept = { at: Date.now(), apps };
    apps.catch(() => (kept = undefined));
  }
  return kept.apps;
}

export async function findApps(words: string, _signal: AbortSignal): Promise<Found[]> {
  const apps = await recent();
  return apps
    .filter((one) => fit(words, `${one.app.name} ${one.routes.map((route) => route.url).join(' ')}`) > 0)
    .slice(0, 20)
    .map(({ app, space, organization }) => ({ kind: 'app', name: app.name, detail: `${organization} / ${space}`, href: `/apps/${app.guid}` }));
}

export async function needs(signal: AbortSignal): Promise<Need[]> {
  const [apps, deployments, builds] = await Promise.all([listApps({ signal }), activeDeployments(undefined, { signal }), stagingBuilds({ signal })]);
  const found: Need[] = [];
  for (const summary of apps) {
    const { app } = summary;
    const href = `/apps/${app.guid}`;
    const deployment = deployments.find((one) => one.relationships.app.data?.guid === app.guid);
    const build = builds.find((one) => one.relationships.app.data?.guid === app.guid);
    const detail = `${summary.organization} / ${summary.space}`;
    if (deployment) {
      found.push({ level: 'busy', text: `${app.name} replaces its instances`, detail, href, at: Date.parse(deployment.created_at) });
    }
    if (build) found.push({ level: 'busy', text: `${app.name} is being staged`, detail, href: `${href}/logs`, at: Date.parse(build.created_at) });
    const well = wellness(summary);
    if (well.rank > 1) continue;
    const { up, wanted, crashed } = running(summary.processes);
    if (crashed > 0) {
      found.push({ level: up === 0 ? 'bad' : 'warn', text: `${app.name}: ${many(crashed, 'instance')} crashed`, detail: `${up} of ${wanted} run · ${detail}`, href });
    } else if (!deployment) {
      found.push({ level: 'busy', text: `${app.name} is starting`, detail: `${up} of ${wanted} run · ${detail}`, href });
    }
  }
  return found;
}

/** The apps of a space, for the switch in the bar. */
export async function siblings(space: string, current: string): Promise<Choice[]> {
  const apps = await listApps();
  return apps
    .filter((one) => one.app.relationships.space.data?.guid === space)
    .map((one) => ({ name: one.app.name, detail: wellness(one).words, href: `/apps/${one.app.guid}`, current: one.app.guid === current }));
}
