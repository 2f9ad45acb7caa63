// How far things were scrolled, for each entry of the browser's history: kept over back, forward and reload. Loss is harmless.

const STORE = 'pitlane.places';
/** Older ones are forgotten. */
const MOST = 200;

const places = new Map<string, unknown>(stored());
const watched = new Map<string, () => unknown>();
let entry = '';
/** Ends the waiting of `awaitContent`. */
let end = (): void => {};

function stored(): [string, unknown][] {
  try {
    const said: unknown = JSON.parse(sessionStorage.getItem(STORE) ?? '[]');
    return Array.isArray(said) ? (said as [string, unknown][]) : [];
  } catch {
    return [];
  }
}

function put(name: string, where: unknown): void {
  const key = `${entry} ${name}`;
  places.delete(key);
  if (where !== undefined) places.set(key, where);
}

/** The entry that is shown from now on. */
export function enterEntry(id: string): void {
  entry = id;
}

/** Another entry will be shown: where everything stands is kept with this one. */
export function leaveEntry(): void {
  end();
  for (const [name, where] of watched) put(name, where());
}

/** Asked where it stands whenever its entry is left; answers an end to it. What is taken away in one entry is found there again. */
export function keepPlace(name: string, where: () => unknown): () => void {
  watched.set(name, where);
  return () => {
    if (watched.get(name) !== where) return;
    put(name, where());
    watched.delete(name);
  };
}

export function keptPlace<Where>(name: string): Where | undefined {
  return places.get(`${entry} ${name}`) as Where | undefined;
}

/** Calls `back`, and again each time the page grows, until it answers true, somebody moves, another entry is shown, or it takes too long. */
export function awaitContent(back: () => boolean): void {
  end();
  if (back()) return;
  const LONG = 5_000;
  const moves = ['wheel', 'touchmove', 'pointerdown', 'keydown'];
  const grown = new MutationObserver(() => back() && end());
  end = () => {
    grown.disconnect();
    clearTimeout(timer);
    for (const kind of moves) removeEventListener(kind, end, true);
  };
  const timer = setTimeout(end, LONG);
  for (const kind of moves) addEventListener(kind, end, { capture: true, passive: true });
  grown.observe(document.body, { childList: true, subtree: true, characterData: true });
}

addEventListener('pagehide', () => {
  leaveEntry();
  try {
    sessionStorage.setItem(STORE, JSON.stringify([...places].slice(-MOST)));
  } catch {
    // Full or forbidden.
  }
});
