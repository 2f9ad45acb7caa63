// A text of a story that is being edited. What is typed outlives a reload and the editor itself, and knows what was there when it began:
// where nothing was typed, others' changes are taken over; where both changed it, they clash and the person chooses.

import { untrack } from 'svelte';
import { recall, remember } from '../../lib/store';

interface Kept {
  text: string;
  base: string;
}

export class Edit {
  /** What is typed; undefined while nobody edits. */
  text = $state<string>();
  #base = $state('');
  #sending: string | undefined;
  /** What the server would not have: not sent again by the way. */
  refused: string | undefined;
  readonly #said: () => string;
  readonly changed = $derived.by(() => this.text !== undefined && this.text !== this.#base);
  readonly clash = $derived.by(() => this.changed && this.#base !== this.#said() && this.text !== this.#said());

  /** `said`: what the story has. To be made while a component is. */
  constructor(key: string, said: () => string) {
    this.#said = said;
    const kept = recall<Kept>(key);
    if (kept) {
      this.text = kept.text;
      this.#base = kept.base;
    }
    $effect(() => remember(key, this.changed ? { text: this.text, base: this.#base } : undefined));
    $effect(() => {
      const now = said();
      untrack(() => {
        if (this.text === undefined || this.changed) return;
        this.text = now;
        this.#base = now;
      });
    });
  }

  begin(): void {
    if (this.text !== undefined) return;
    this.#base = this.#said();
    this.text = this.#base;
  }

  /** What is typed goes over what somebody else wrote. */
  keep(): void {
    this.#base = this.#said();
  }

  abandon(): void {
    this.text = undefined;
  }

  /** The text stays until it is saved. */
  async save(send: (text: string) => Promise<boolean>): Promise<void> {
    const { text } = this;
    if (text === undefined || text === this.#sending) return;
    this.#sending = text;
    const done = text === this.#said() || (await send(text));
    this.#sending = undefined;
    this.refused = done ? undefined : text;
    if (!done) return;
    if (this.text === text) this.text = undefined;
    else this.#base = text;
  }
}
