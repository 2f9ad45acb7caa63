// Entries of the ledger that fit a question, newest first, page by page. What is shown stays where it is: newer entries are
// counted, and shown when somebody wants them.

import { listAudit, type AuditEntry, type AuditQuery } from '../../api/audit';
import { asFailure, type Failure } from '../../lib/failure';

export const PAGE = 100;

export class Trail {
  entries = $state.raw<AuditEntry[]>([]);
  /** Came after those that are shown. */
  newer = $state.raw<AuditEntry[]>([]);
  failure = $state.raw<Failure>();
  /** The first page has not come yet. */
  waiting = $state(true);
  reading = $state(false);
  /** `before` of the next page; null at the end. */
  next = $state.raw<number | null>(null);

  #query: AuditQuery = {};
  #abort = new AbortController();
  #soon: ReturnType<typeof setTimeout> | undefined;

  /** Asks another question. What the last one found stays until the answer has come. */
  async ask(query: AuditQuery): Promise<void> {
    this.#query = query;
    this.#abort.abort();
    const abort = (this.#abort = new AbortController());
    await this.#read(abort, async () => {
      const { entries, next } = await listAudit(query, { limit: PAGE }, { signal: abort.signal });
      if (abort.signal.aborted) return;
      Object.assign(this, { entries, next, newer: [], waiting: false });
    });
  }

  async older(): Promise<void> {
    const before = this.next;
    if (before === null || this.reading) return;
    const abort = this.#abort;
    await this.#read(abort, async () => {
      const { entries, next } = await listAudit(this.#query, { before, limit: PAGE }, { signal: abort.signal });
      if (abort.signal.aborted) return;
      this.entries = [...this.entries, ...entries];
      this.next = next;
    });
  }

  /** Something was appended: looks, a little later, whether it fits. */
  look(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(async () => {
      const abort = this.#abort;
      const page = await listAudit(this.#query, { limit: PAGE }, { signal: abort.signal }).catch(() => undefined);
      if (!page || abort.signal.aborted) return;
      const newest = this.entries[0]?.position ?? 0;
      const newer = page.entries.filter((entry) => entry.position > newest);
      // Nothing is there that could move.
      if (this.entries.length === 0 && !this.waiting) Object.assign(this, { entries: newer, next: page.next });
      else this.newer = newer;
    }, 250);
  }

  async showNewer(): Promise<void> {
    // A whole page is newer: there may be more between it and what is shown.
    if (this.newer.length >= PAGE) return this.ask(this.#query);
    this.entries = [...this.newer, ...this.entries];
    this.newer = [];
  }

  stop(): void {
    clearTimeout(this.#soon);
    this.#abort.abort();
  }

  async #read(abort: AbortController, work: () => Promise<void>): Promise<void> {
    this.reading = true;
    try {
      await work();
      if (!abort.signal.aborted) this.failure = undefined;
    } catch (error) {
      if (!abort.signal.aborted) {
        this.failure = asFailure(error);
        this.waiting = false;
      }
    } finally {
      if (this.#abort === abort) this.reading = false;
    }
  }
}
