// What a browser remembers for its person: theme, panels, drafts. Loss is harmless; a browser that refuses changes nothing.

export function remember(name: string, value: unknown): void {
  try {
    if (value === undefined) localStorage.removeItem(`pitlane.${name}`);
    else localStorage.setItem(`pitlane.${name}`, JSON.stringify(value));
  } catch {
    // Full or forbidden.
  }
}

export function recall<T>(name: string): T | undefined {
  try {
    const said = localStorage.getItem(`pitlane.${name}`);
    return said === null ? undefined : (JSON.parse(said) as T);
  } catch {
    return undefined;
  }
}
