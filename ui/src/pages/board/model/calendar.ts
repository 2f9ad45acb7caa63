// Iterations as windows of time: the twin of the server's `model/calendar.rs`, held to the same golden cases.
//
// Boundaries are local midnights of the week's start day in the project's time zone, so in UTC they shift with daylight saving.
// Days are counted from 1970-01-01; times are milliseconds.

const DAY = 86_400_000;
export const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

export interface Override {
  length?: number;
  team_strength?: number;
}

export interface Timing {
  time_zone: string;
  week_start_day: string;
  iteration_length: number;
  /** `YYYY-MM-DD` */
  start_date?: string | null;
  /** Milliseconds. */
  created_at: number;
}

/** Local clock of a time zone. */
class Zone {
  #format: Intl.DateTimeFormat;

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    });
  }

  /** Milliseconds that local clocks are ahead of UTC. */
  offset(at: number): number {
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = value;
    const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year);
    const local = Date.UTC(year, Number(parts.month) - 1, Number(parts.day), Number(parts.hour), Number(parts.minute), Number(parts.second));
    return local - Math.floor(at / 1000) * 1000;
  }

  day(at: number): number {
    return Math.floor((at + this.offset(at)) / DAY);
  }

  /** When the day begins; where midnight is skipped, at the first moment after it. */
  midnight(day: number): number {
    const local = day * DAY;
    // Both sides of a change of the clocks; the earlier moment that shows midnight counts.
    const before = this.offset(local - DAY);
    const after = this.offset(local + DAY);
    for (const offset of before > after ? [before, after] : [after, before]) {
      if (this.offset(local - offset) === offset) return local - offset;
    }
    return local - before;
  }
}

const zones = new Map<string, Zone>();
function zone(name: string): Zone {
  let known = zones.get(name);
  if (!known) {
    try {
      known = new Zone(name);
    } catch {
      // A zone that this browser does not know; the server falls back in the same way.
      known = new Zone('UTC');
    }
    zones.set(name, known);
  }
  return known;
}

export function parseDay(date: string): number {
  return Math.floor(Date.parse(`${date}T00:00:00Z`) / DAY);
}

export class Calendar {
  readonly length: number;
  readonly #zone: Zone;
  readonly #first: number;
  readonly #overrides: [number, Override][];
  readonly #starts = new Map<number, number>();

  /** `firstAccepted`, in milliseconds, may pull the first iteration to an earlier week. */
  constructor(timing: Timing, overrides: ReadonlyMap<number, Override>, firstAccepted?: number) {
    this.#zone = zone(timing.time_zone);
    this.length = Math.max(1, timing.iteration_length);
    this.#overrides = [...overrides].sort(([a], [b]) => a - b);
    const accepted = firstAccepted === undefined ? undefined : this.#zone.day(firstAccepted);
    const start = timing.start_date ? parseDay(timing.start_date) : undefined;
    const begun =
      start !== undefined && accepted !== undefined ? Math.min(start, accepted) : (start ?? accepted ?? this.#zone.day(timing.created_at));
    // 1970-01-01 was a Thursday.
    const weekday = (((begun + 4) % 7) + 7) % 7;
    const wanted = Math.max(0, DAYS.findIndex((day) => day.toLowerCase() === timing.week_start_day.toLowerCase()));
    this.#first = begun - ((weekday - wanted + 7) % 7);
  }

  weeks(number: number): number {
    return Math.max(1, this.#of(number)?.length ?? this.length);
  }

  strength(number: number): number {
    return this.#of(number)?.team_strength ?? 1;
  }

  firstDay(number: number): number {
    let weeks = (number - 1) * this.length;
    if (this.#overrides.length === 0) return this.#first + weeks * 7;
    for (const [at, change] of this.#overrides) {
      if (at < number && change.length !== undefined) weeks += Math.max(1, change.length) - this.length;
    }
    return this.#first + weeks * 7;
  }

  /** The moment iteration `number` begins; the one before it finishes then. */
  start(number: number): number {
    let at = this.#starts.get(number);
    if (at === undefined) {
      at = this.#zone.midnight(this.firstDay(number));
      this.#starts.set(number, at);
    }
    return at;
  }

  /** The iteration at a moment; 1 for what lies before all of them. */
  numberAt(at: number): number {
    let weeks = Math.floor((this.#zone.day(at) - this.#first) / 7);
    if (weeks < 0) return 1;
    let number = 1;
    for (const [place, change] of this.#overrides) {
      if (change.length === undefined) continue;
      const length = Math.max(1, change.length);
      const until = (place - number) * this.length;
      if (weeks < until) break;
      weeks -= until;
      number = place;
      if (weeks < length) return number;
      weeks -= length;
      number += 1;
    }
    return number + Math.floor(weeks / this.length);
  }

  #of(number: number): Override | undefined {
    return this.#overrides.find(([at]) => at === number)?.[1];
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `16 Nov` of a day. The browser's own formatting costs a hundred times as much, and a long Backlog has many days. */
export function dayName(day: number): string {
  const date = new Date(day * DAY);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ''}`;
}

/** `16 Nov – 22 Nov` of an iteration's first day and the next one's. */
export function days(first: number, next: number): string {
  return `${dayName(first)} – ${dayName(next - 1)}`;
}
