// Lines of a log as a page holds them: in chunks, so that what came is added, found and drawn without looking at all the rest.

import type { LogLine } from './log';

/** Lines that belong together on the page; a chunk is replaced, never changed. */
export interface Chunk {
  /** The running number of its first line, divided by `SIZE`; older lines have negative ones. */
  id: number;
  first: number;
  lines: LogLine[];
}

const SIZE = 50;
/** So many lines are held of a log whose end is looked at … */
const HELD = 20_000;
/** … and so many while somebody reads further up, whose lines must not go. */
const MOST = 100_000;
/** Lines that come late are put in their place among so many. */
const LATE = 200;

export class Log {
  chunks = $state.raw<Chunk[]>([]);
  /** How many lines have come, with those that went since. */
  came = $state(0);
  /** Where lines came from. */
  kinds = $state.raw<string[]>([]);
  /** Somebody reads further up. */
  reading = false;

  #waiting: LogLine[] = [];
  #timer: (() => void) | undefined;

  /** Lines held. */
  get size(): number {
    const [first, last] = [this.chunks[0], this.chunks.at(-1)];
    return first && last ? last.first + last.lines.length - first.first : 0;
  }

  get oldest(): LogLine | undefined {
    return this.chunks[0]?.lines[0];
  }

  /** Takes newer lines; all that come within a frame are shown together. */
  append(lines: LogLine[]): void {
    this.#waiting.push(...lines);
    if (this.#timer || lines.length === 0) return;
    // Nothing is drawn of a page that is out of sight, so it has no frames.
    if (document.hidden) {
      const timer = setTimeout(() => this.#flush(), 500);
      this.#timer = () => clearTimeout(timer);
    } else {
      const frame = requestAnimationFrame(() => this.#flush());
      this.#timer = () => cancelAnimationFrame(frame);
    }
  }

  /** Takes older lines. */
  prepend(lines: LogLine[]): void {
    this.#know(lines);
    const [head, ...rest] = this.chunks;
    const all = [...lines, ...(head?.lines ?? [])];
    this.chunks = [...cut((head?.first ?? this.came) - lines.length, all), ...rest];
  }

  clear(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#waiting = [];
    this.chunks = [];
    this.kinds = [];
  }

  #know(lines: LogLine[]): void {
    const kinds = new Set(this.kinds);
    for (const line of lines) kinds.add(line.kind);
    if (kinds.size > this.kinds.length) this.kinds = [...kinds].sort();
  }

  #flush(): void {
    this.#timer = undefined;
    let fresh = this.#waiting;
    this.#waiting = [];
    const chunks = [...this.chunks];
    let at = this.came;
    let late = 0;
    const since = fresh.reduce((least, line) => Math.min(least, line.ms), Infinity);
    this.#know(fresh);
    // The last chunk grows; late lines go before some that are there.
    for (;;) {
      const last = chunks.at(-1);
      if (!last) break;
      const before = (last.lines.at(-1)?.ms ?? 0) > since && late < LATE;
      if (!before && (late > 0 || at % SIZE === 0)) break;
      chunks.pop();
      fresh = [...last.lines, ...fresh];
      at = last.first;
      late += last.lines.length;
      if (!before) break;
    }
    if (late > 0) fresh.sort((a, b) => a.ms - b.ms);
    chunks.push(...cut(at, fresh));
    this.came = at + fresh.length;
    let over = this.came - (chunks[0]?.first ?? 0) - (this.reading ? MOST : HELD);
    while (over >= SIZE) over -= chunks.shift()?.lines.length ?? over;
    this.chunks = chunks;
  }
}

/** Lines as chunks, the first with the running number `at`. */
function cut(at: number, lines: LogLine[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < lines.length; ) {
    const first = at + from;
    const id = Math.floor(first / SIZE);
    const to = from + (id + 1) * SIZE - first;
    chunks.push({ id, first, lines: lines.slice(from, to) });
    from = to;
  }
  return chunks;
}
