// An app's log: what was written, and what is being written.

import { get, queryOf } from '../lib/http';

interface Envelope {
  timestamp: string;
  instance_id: string;
  tags: Record<string, string>;
  log?: { payload: string; type: 'OUT' | 'ERR' };
}

export interface Line {
  /** Nanoseconds since 1970, as text: more than a number holds. */
  at: string;
  ms: number;
  /** `web.0`, `router`, `staging`, `platform`. */
  from: string;
  kind: 'app' | 'router' | 'staging' | 'platform';
  text: string;
  level: 'error' | 'warn' | 'plain';
}

const decoder = new TextDecoder();

function payload(base64: string): string {
  return decoder.decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}

/** What a program's line says of itself; where it was written to says little, since many write everything to one stream. */
export function level(text: string): Line['level'] {
  const head = text.slice(0, 200);
  if (/\b(ERROR|FATAL|CRITICAL|SEVERE|PANIC|Traceback|Exception)\b|\bpanicked at\b|"level": ?"(error|fatal)"/.test(head)) return 'error';
  if (/\b(WARN|WARNING)\b|"level": ?"warn/.test(head)) return 'warn';
  return 'plain';
}

// eslint-disable-next-line no-control-regex
const colours = /\u001b\[[0-9;]*[A-Za-z]/g;

function line(envelope: Envelope): Line | undefined {
  if (!envelope.log) return undefined;
  const source = envelope.tags.source_type ?? '';
  const text = payload(envelope.log.payload).replace(colours, '');
  let kind: Line['kind'] = 'app';
  let from = `${(envelope.tags.process_type ?? source.replace(/^APP\/(PROC|TASK)\//, '')).toLowerCase()}.${envelope.instance_id}`;
  if (source === 'RTR') [kind, from] = ['router', 'router'];
  else if (source === 'STG') [kind, from] = ['staging', 'staging'];
  else if (!source.startsWith('APP')) [kind, from] = ['platform', 'platform'];
  const said = level(text);
  // The router's line ends with the status and times; what matters is whether it failed.
  const failed = kind === 'router' && /" 5\d\d /.test(text);
  return { at: envelope.timestamp, ms: Number(envelope.timestamp.slice(0, -6)), from, kind, text, level: failed ? 'error' : said };
}

const lines = (batch: Envelope[]): Line[] => batch.flatMap((envelope) => line(envelope) ?? []);

/** So many lines are answered at most. */
export const MOST = 1000;

async function read(app: string, query: Record<string, string | boolean>, signal?: AbortSignal): Promise<Line[]> {
  const answer = await get<{ envelopes: { batch: Envelope[] } }>(`/api/v1/read/${app}${queryOf({ ...query, envelope_types: 'LOG', limit: MOST })}`, { signal });
  return lines(answer.envelopes.batch);
}

/** The newest lines, or those before `end` (nanoseconds), oldest first; fewer than `MOST` are all that is kept. */
export async function linesBefore(app: string, end?: string, signal?: AbortSignal): Promise<Line[]> {
  return (await read(app, { descending: true, ...(end && { end_time: end }) }, signal)).reverse();
}

/** Lines from `start` (nanoseconds) on, oldest first. */
export async function linesFrom(app: string, start: string, signal?: AbortSignal): Promise<Line[]> {
  return read(app, { start_time: start }, signal);
}

/** New lines as they are written. `opened` is told when it begins, and again after every break. */
export function followLines(app: string, take: (lines: Line[]) => void, opened: () => void, broken: () => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource(`/v2/read?log&source_id=${app}`);
    source.onopen = opened;
    source.onmessage = (event: MessageEvent<string>) => take(lines((JSON.parse(event.data) as { batch: Envelope[] }).batch));
    source.onerror = () => {
      broken();
      if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, 3_000);
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
