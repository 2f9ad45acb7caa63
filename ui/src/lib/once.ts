// One thing at a time: the second click of a double click, or Enter held down, is no second wish.

/** Runs what is given to it, unless something else that was given still goes on. */
export function oneAtATime(): (work: () => Promise<unknown>) => Promise<void> {
  let busy = false;
  return async (work) => {
    if (busy) return;
    busy = true;
    try {
      await work();
    } finally {
      busy = false;
    }
  };
}
