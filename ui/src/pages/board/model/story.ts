// What a story is, and what its type and state allow: as the server's `model/story.rs`.

import type { State, StoryType } from '../../../api/tracker';

export type { State, StoryType };

export const TYPES: StoryType[] = ['feature', 'bug', 'chore', 'release'];
export const STATES: State[] = ['unscheduled', 'unstarted', 'planned', 'started', 'finished', 'delivered', 'rejected', 'accepted'];

/** Being worked on, or waiting to be accepted. */
export function inProgress(state: State): boolean {
  return state === 'started' || state === 'finished' || state === 'delivered' || state === 'rejected';
}

export function isEstimable(type: StoryType, bugsAndChores: boolean): boolean {
  return type === 'feature' || (bugsAndChores && (type === 'bug' || type === 'chore'));
}

export function allows(type: StoryType, state: State, automatic: boolean): boolean {
  if (state === 'planned' && automatic) return false;
  if (type === 'chore') return state !== 'delivered' && state !== 'finished' && state !== 'rejected';
  if (type === 'release') return !inProgress(state);
  return true;
}

export interface Step {
  word: string;
  to: State;
  look: 'start' | 'finish' | 'deliver' | 'accept' | 'reject';
}

/** The buttons that a story offers; an estimable one without an estimate offers its points instead. */
export function steps(type: StoryType, state: State): Step[] {
  switch (state) {
    case 'unscheduled':
      if (type === 'release') return [];
    // falls through
    case 'unstarted':
    case 'planned':
      return type === 'release' ? [{ word: 'Finish', to: 'accepted', look: 'finish' }] : [{ word: 'Start', to: 'started', look: 'start' }];
    case 'started':
      return [{ word: 'Finish', to: type === 'chore' ? 'accepted' : 'finished', look: 'finish' }];
    case 'finished':
      return [{ word: 'Deliver', to: 'delivered', look: 'deliver' }];
    case 'delivered':
      return [
        { word: 'Accept', to: 'accepted', look: 'accept' },
        { word: 'Reject', to: 'rejected', look: 'reject' },
      ];
    case 'rejected':
      return [{ word: 'Restart', to: 'started', look: 'start' }];
    case 'accepted':
      return [];
  }
}
