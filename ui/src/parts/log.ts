// A line of a log, whatever wrote it.

export interface LogLine {
  /** Milliseconds since 1970. */
  ms: number;
  /** `web.0`, `router`, `build`. */
  from: string;
  kind: string;
  /** Its exact place in the log, where that can be asked for. */
  at?: string;
  text: string;
  level: 'error' | 'warn' | 'plain';
}
