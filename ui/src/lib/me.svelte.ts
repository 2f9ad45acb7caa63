// Who is signed in.

import { get } from './http';

export interface Me {
  id: string;
  /** The small number that Tracker and the jobs' API know the person by. */
  number?: number;
  user_name: string;
  display_name: string;
  email: string | null;
  administrator: boolean;
}

let person = $state.raw<Me>();

export const me = {
  get person(): Me | undefined {
    return person;
  },
  get administrator(): boolean {
    return person?.administrator ?? false;
  },
};

export async function readMe(): Promise<void> {
  person = await get<Me>('/api/identity/me');
}

/** `AN` of `ann` or `Ann North`. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? `${words[0]?.[0] ?? ''}${words[1]?.[0] ?? ''}` : name.slice(0, 2);
  return letters.toUpperCase();
}
