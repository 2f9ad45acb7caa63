// What an entry of the ledger says, as a sentence. Used by the app's events, the audit page and the home page.

export interface Said {
  action: string;
  actor: { kind: string; name: string };
  object: { kind: string; id: string; name: string };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}

type Words = (entry: Said) => string;
const MB = (value: unknown) => (typeof value === 'number' ? `${value} MB` : undefined);

/** What was done, after the name of who did it; `%` is the object. */
const apps: Record<string, string | Words> = {
  'audit.app.create': 'made the app %',
  'audit.app.update': ({ data }) => (data?.request?.name ? `renamed the app to ${String(data.request.name)}` : 'changed the app %'),
  'audit.app.start': 'started %',
  'audit.app.stop': 'stopped %',
  'audit.app.restart': 'restarted %',
  'audit.app.delete-request': 'deleted the app %',
  'audit.app.apply_manifest': 'applied a manifest to %',
  'audit.app.package.create': 'began a package of %',
  'audit.app.package.upload': 'uploaded a package of %',
  'audit.app.upload-bits': 'uploaded files of %',
  'audit.app.copy-bits': 'copied the files of %',
  'audit.app.package.delete': 'deleted a package of %',
  'audit.app.package.download': 'downloaded a package of %',
  'audit.app.build.create': 'began to stage %',
  'audit.app.build.staged': 'staged %',
  'audit.app.build.failed': ({ data }) => `could not stage %${data?.error ? `: ${String(data.error)}` : ''}`,
  'audit.app.droplet.create': 'made a droplet of %',
  'audit.app.droplet.delete': 'deleted a droplet of %',
  'audit.app.droplet.download': 'downloaded a droplet of %',
  'audit.app.droplet.upload': 'uploaded a droplet of %',
  'audit.app.droplet.mapped': 'chose a droplet for %',
  'audit.app.deployment.create': 'began to replace the instances of %',
  'audit.app.deployment.cancel': 'cancelled the deployment of %',
  'audit.app.deployment.continue': 'went on with the deployment of %',
  'audit.app.revision.create': ({ data }) => `changed what % runs${data?.revision_version ? `: revision ${String(data.revision_version)}` : ''}`,
  'audit.app.revision.environment_variables.show': 'looked at the variables of a revision of %',
  'audit.app.clear_buildpack_cache': 'emptied the staging cache of %',
  'audit.app.environment.show': 'looked at the environment of %',
  'audit.app.environment_variables.show': 'looked at the variables of %',
  'audit.app.map-route': 'mapped a route to %',
  'audit.app.unmap-route': 'unmapped a route from %',
  'audit.app.task.create': ({ data }) => `ran a task of %${data?.request?.name ? `, ${String(data.request.name)}` : ''}`,
  'audit.app.task.cancel': 'cancelled a task of %',
  'audit.app.process.create': ({ data }) => `added the process ${String(data?.process_type ?? '')} to %`,
  'audit.app.process.update': ({ data }) => `changed the process ${String(data?.process_type ?? '')} of %`,
  'audit.app.process.terminate_instance': ({ data }) => `ended instance ${String(data?.process_index ?? data?.index ?? '')} of %`,
  'audit.app.process.ready': ({ data }) => `instance ${String(data?.index ?? '')} of % is ready`,
  'audit.app.process.not-ready': ({ data }) => `instance ${String(data?.index ?? '')} of % is not ready`,
  'audit.app.process.scale': ({ data }) => {
    const to = data?.request ?? {};
    const parts = [
      to.instances !== undefined && `${String(to.instances)} instances`,
      MB(to.memory_in_mb) && `${MB(to.memory_in_mb)} memory`,
      MB(to.disk_in_mb) && `${MB(to.disk_in_mb)} disk`,
    ].filter(Boolean);
    return `scaled ${String(data?.process_type ?? '')} of % to ${parts.join(', ')}`;
  },
  'audit.app.process.crash': ({ data }) => {
    const reason = String(data?.exit_description ?? data?.reason ?? '').replace(/^APP\/PROC\/[^:]*: /, '');
    return `instance ${String(data?.index ?? '')} of % crashed${reason ? `: ${reason}` : ''}`;
  },
  'audit.route.create': 'made the route %',
  'audit.route.update': 'changed the route %',
  'audit.route.delete-request': 'deleted the route %',
  'audit.route.share': 'shared the route %',
  'audit.route.unshare': 'no longer shares the route %',
  'audit.route.transfer-owner': 'moved the route % to another space',
};

const platform: Record<string, string | Words> = {
  'person.create': 'made an account for %',
  'person.delete': 'deleted the account of %',
  'person.email': 'changed the e-mail address of %',
  'person.password': 'set a new password for %',
  'person.state': ({ data }) => `made the account of % ${String(data?.after?.state ?? data?.state ?? data?.after ?? 'another state')}`,
  'person.administrator.add': 'made % an administrator',
  'person.administrator.remove': 'took the administrator role from %',
  'session.create': 'signed in',
  'session.revoke': 'ended a session',
  'token.create': 'made the token %',
  'token.revoke': 'revoked the token %',
};

const verbs: Record<string, string> = {
  create: 'made',
  update: 'changed',
  delete: 'deleted',
  'delete-request': 'deleted',
  upload: 'uploaded',
  add: 'added',
  remove: 'removed',
  show: 'looked at',
  move: 'moved',
  revoke: 'revoked',
};

const known: Record<string, string | Words> = { ...apps, ...platform };

/** Other faces add theirs. */
export function addSentences(more: Record<string, string | Words>): void {
  Object.assign(known, more);
}

/** The sentence without its subject; `%` stands where the object's name belongs. */
export function predicate(entry: Said): string {
  const words = known[entry.action];
  if (words) return typeof words === 'string' ? words : words(entry);
  const verb = entry.action.split('.').at(-1) ?? entry.action;
  const kind = entry.object.kind.replaceAll('_', ' ');
  const role = /^audit\.user\.(.+)_(add|remove)$/.exec(entry.action);
  if (role) return `${role[2] === 'add' ? 'made' : 'no longer has'} % as ${(role[1] ?? '').replaceAll('_', ' ')}`;
  return verbs[verb] ? `${verbs[verb]} the ${kind} %` : `${entry.action} %`;
}

/** Cloud Foundry's clients want a crash told twice, once with the app as the one who acts; people do not. */
export function isTwin(action: string): boolean {
  return action === 'app.crash';
}

/** Who: a person by name, the platform as `Pitlane`; nobody for what happens by itself. */
export function subject(entry: Said): string {
  if (/^audit\.app\.process\.(crash|ready|not-ready)$/.test(entry.action)) return '';
  if (entry.actor.name === 'pitlane' || entry.actor.kind === 'system') return 'Pitlane';
  return entry.actor.name || 'somebody';
}

/** The whole sentence. */
export function sentence(entry: Said): string {
  return `${subject(entry)} ${predicate(entry).replace('%', entry.object.name)}`.trim();
}
