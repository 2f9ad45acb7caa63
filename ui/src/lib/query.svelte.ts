// What a page reads from the server: shown at once from memory when the page was open before, read anew, kept up to date by
// the ledger's entries, and shared by all parts of a page that ask for the same.

import { onDestroy } from 'svelte';
import { asFailure, type Failure } from './failure';
import { follow, type Entry } from './live.svelte';

export interface QueryOptions {
  /** Entries after which it is read again. */
  follows?: (entry: Entry) => boolean;
  /** Milliseconds between readings, for what is no entry of the ledger (memory in use); only while the page is looked at. */
  every?: number;
}

const kept = new Map<string, Query<unknown>>();
/** So many that nobody shows are remembered. */
const REMEMBERED = 40;

export class Query<T> {
  value = $state.raw<T>();
  error = $state.raw<Failure>();
  /** The first reading is under way: there is nothing to show yet. */
  waiting = $state(true);
  /** When `value` was read. */
  at = 0;

  #users = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #stop: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;

  constructor(
    readonly key: string,
    private readonly load: (signal: AbortSignal) => Promise<T>,
    private readonly options: QueryOptions,
  ) {}

  /** Reads anew; a reading under way is followed by another one. */
  refresh(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#read().finally(() => {
      this.#running = undefined;
      if (this.#again && this.#users > 0) {
        this.#again = false;
        void this.refresh();
      }
    });
    return this.#running;
  }

  /** Shows `value` before the server has said so. */
  put(value: T): void {
    this.value = value;
  }

  /** Reads anew soon; many calls become one. */
  soon(delay = 120): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), delay);
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer);
    this.#abort = new AbortController();
    try {
      this.value = await this.load(this.#abort.signal);
      this.error = undefined;
      this.at = Date.now();
      this.waiting = false;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.error = asFailure(error);
      this.waiting = false;
    }
    // What failed is tried again too, more slowly.
    const pause = this.error ? (this.error.unreachable ? 3_000 : undefined) : this.options.every;
    if (this.#users > 0 && pause) this.#timer = setTimeout(() => this.#due(), pause);
  }

  #due(): void {
    if (document.hidden) this.#timer = setTimeout(() => this.#due(), 1_000);
    else void this.refresh();
  }

  use(): void {
    this.#users += 1;
    if (this.#users > 1) return;
    const { follows } = this.options;
    if (follows) {
      this.#stop = follow(
        (entry) => {
          if (follows(entry)) this.soon();
        },
        () => this.soon(),
      );
    }
    if (Date.now() - this.at > 500) void this.refresh();
    else if (this.options.every) this.soon(this.options.every);
  }

  leave(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#stop?.();
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#again = false;
    kept.delete(this.key);
    kept.set(this.key, this as Query<unknown>);
    for (const [key, query] of kept) {
      if (kept.size <= REMEMBERED) break;
      if (query.#users === 0) kept.delete(key);
    }
  }
}

/** Reads `key` while the component that calls this is shown. */
export function query<T>(key: string, load: (signal: AbortSignal) => Promise<T>, options: QueryOptions = {}): Query<T> {
  const known = kept.get(key) as Query<T> | undefined;
  const one = known ?? new Query(key, load, options);
  if (!known) kept.set(key, one as Query<unknown>);
  one.use();
  onDestroy(() => one.leave());
  return one;
}
