// The story whose rejection is being written.

import type { Story } from './model/snapshot';

let story = $state.raw<Story | undefined>();

export const rejecting = {
  get story() {
    return story;
  },
  begin(one: Story): void {
    story = one;
  },
  end(): void {
    story = undefined;
  },
};
