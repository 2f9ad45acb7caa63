// The ledger's entries as they come: one stream for all tabs of a browser.
//
// Browsers open only six connections to a server, so tabs share: the tab that holds the lock keeps the stream and tells the
// others. Entries come in order, each once in a tab; after a break the stream goes on behind the last one seen. Where browsers
// have no locks (plain HTTP on another host than this machine's), every tab keeps its own.

import { readMe } from './me.svelte';

export interface Thing {
  kind: string;
  id: string;
  name: string;
}

/** An entry of the ledger, as `/api/events` sends it. */
export interface Entry {
  position: number;
  id: string;
  /** Microseconds since 1970. */
  at: number;
  actor: Thing;
  action: string;
  object: Thing;
  scope: string[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data: any;
}

type State = 'idle' | 'connecting' | 'live' | 'away';
type Message = { entry: Entry } | { state: State; since: number } | { hello: true } | { reset: number };

let state = $state<State>('idle');
let since = $state(Date.now());
let position = 0;
const listeners = new Set<(entry: Entry) => void>();
const resets = new Set<() => void>();
let channel: BroadcastChannel | undefined;
let started = false;
let source: EventSource | undefined;
/** When the stream was opened last, as `performance.now()` tells it. */
let openedAt = Infinity;
/** The last entries, for those who begin to listen later than they began to read. */
const recent: Entry[] = [];
const REMEMBERED = 500;

export const live = {
  get state() {
    return state;
  },
  /** Since when it is in this state, in milliseconds. */
  get since() {
    return since;
  },
  get position() {
    return position;
  },
};

function turn(next: State, at = Date.now()): void {
  if (next === state) return;
  const back = next === 'live' && state === 'away';
  state = next;
  since = at;
  // What has no place in the ledger (an instance that became ready) may have changed meanwhile.
  if (back) for (const reset of resets) reset();
}

function arrived(entry: Entry): void {
  if (entry.position <= position) return;
  position = entry.position;
  if (recent.push(entry) > 2 * REMEMBERED) recent.splice(0, REMEMBERED);
  for (const listener of listeners) listener(entry);
}

function tell(message: Message): void {
  channel?.postMessage(message);
}

function open(): void {
  const url = position > 0 ? `/api/events?after=${position}` : '/api/events';
  turn(state === 'away' ? 'away' : 'connecting');
  source = new EventSource(url);
  openedAt = Infinity;
  source.onopen = () => {
    openedAt = performance.now();
    turn('live');
    tell({ state: 'live', since });
  };
  source.onmessage = (event: MessageEvent<string>) => {
    const entry = JSON.parse(event.data) as Entry;
    arrived(entry);
    tell({ entry });
  };
  // The ledger is shorter than we knew it (a restored backup): everything is read anew.
  source.addEventListener('reset', (event: MessageEvent<string>) => {
    position = (JSON.parse(event.data) as { position: number }).position;
    for (const reset of resets) reset();
    tell({ reset: position });
  });
  // The session has ended; the next request sends to the sign-in page.
  source.addEventListener('end', () => void readMe().catch(() => undefined));
  source.onerror = () => {
    turn('away');
    tell({ state: 'away', since });
    // The browser itself tries again after a broken connection; after a refusal it does not.
    if (source?.readyState === EventSource.CLOSED) {
      source = undefined;
      setTimeout(open, 2_000 + Math.random() * 3_000);
    }
  };
}

/** Begins to listen, before anybody follows. */
export function begin(): void {
  if (started) return;
  started = true;
  if (!navigator.locks || typeof BroadcastChannel === 'undefined') {
    open();
    return;
  }
  state = 'connecting';
  channel = new BroadcastChannel('pitlane.events');
  channel.onmessage = (event: MessageEvent<Message>) => {
    const message = event.data;
    if ('entry' in message) arrived(message.entry);
    else if ('hello' in message) {
      if (source) tell({ state, since });
    } else if ('reset' in message) {
      position = message.reset;
      for (const reset of resets) reset();
    } else if (!source) turn(message.state, message.since);
  };
  tell({ hello: true });
  // Held until this tab is closed; then the next one gets it.
  void navigator.locks.request('pitlane.events', () => {
    open();
    return new Promise<never>(() => {});
  });
}

/**
 * For who has read something that is true up to the position `read`, and began to read at `began` (`performance.now()`): the entries
 * since then that came already. What fell between the reading and the opening of the stream is asked for again; undefined: that
 * cannot be told from what came later, so everything is to be read anew.
 */
export function missed(read: number, began: number): Entry[] | undefined {
  const later = recent.filter((entry) => entry.position > read);
  if (!source) {
    // It opens behind this.
    if (recent.length === 0) position = Math.max(position, read);
    return later;
  }
  if (openedAt < began) return later;
  if (later.length > 0) return undefined;
  source.close();
  position = read;
  open();
  return later;
}

/** Tells `listener` of every entry from now on; `reset` is called when entries may have been missed. Answers how to stop. */
export function follow(listener: (entry: Entry) => void, reset?: () => void): () => void {
  listeners.add(listener);
  if (reset) resets.add(reset);
  begin();
  return () => {
    listeners.delete(listener);
    if (reset) resets.delete(reset);
  };
}

addEventListener('pagehide', () => source?.close());
addEventListener('pageshow', (event) => {
  if (event.persisted && source?.readyState === EventSource.CLOSED) open();
});
