// The pages of a project, for the bar.

export function projectLinks(project: number, current: 'stories' | 'members' | 'settings'): { name: string; href: string; current: boolean }[] {
  return [
    { name: 'Stories', href: `/n/projects/${project}`, current: current === 'stories' },
    { name: 'Members', href: `/projects/${project}/memberships`, current: current === 'members' },
    { name: 'Settings', href: `/projects/${project}/settings`, current: current === 'settings' },
  ];
}
