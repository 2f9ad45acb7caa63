// Times in words. Everything takes milliseconds since 1970, or what the APIs send: RFC 3339 texts, epoch seconds.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** RFC 3339 or epoch seconds as milliseconds. */
export function millis(value: string | number | null | undefined): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  return typeof value === 'number' ? value * 1000 : Date.parse(value);
}

/** The page's clock is some seconds old, and the server's may be ahead of it: what lies so little ahead has happened. */
const AHEAD = 15_000;

/** `just now`, `4 min ago`, `in 2 h`, `Tue 14:05`, `3 Mar`, `3 Mar 2024`. */
export function relative(at: number, now: number): string {
  const past = at <= now + AHEAD;
  const distance = Math.abs(now - at);
  const words = (amount: string) => (past ? `${amount} ago` : `in ${amount}`);
  if (distance < 45_000) return past ? 'just now' : 'in a moment';
  if (distance < HOUR) return words(`${Math.max(1, Math.round(distance / MINUTE))} min`);
  if (distance < 22 * HOUR) return words(`${Math.max(1, Math.round(distance / HOUR))} h`);
  const date = new Date(at);
  if (distance < 6 * DAY) return `${date.toLocaleDateString('en-GB', { weekday: 'short' })} ${clockTime(at)}`;
  const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : ('numeric' as const);
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year });
}

/** `14:05` */
export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/** `14:05:09.114`, of a log line. */
export function exactTime(at: number): string {
  const date = new Date(at);
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Everything, for the pointer that rests on a time: `Tue, 3 Mar 2026, 14:05:09 CET`. */
export function full(at: number): string {
  const options: Intl.DateTimeFormatOptions = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  };
  return new Date(at).toLocaleString('en-GB', options);
}

/** `0.4 s`, `12 s`, `3 min`, `2 h 5 min`, `4 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 2 * MINUTE) return `${Math.round(ms / 1000)} s`;
  if (ms < HOUR) return `${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${Math.round((ms % HOUR) / MINUTE)} min`;
  return `${Math.floor(ms / DAY)} d ${Math.round((ms % DAY) / HOUR)} h`;
}
