// A line of a log, whatever wrote it.

export interface LogLine {
  /** Milliseconds since 1970. */
  ms: number;
  /** `web.0`, `router`, `build`. */
  from: string;
  kind: string;
  text: string;
  level: 'error' | 'warn' | 'plain';
}
