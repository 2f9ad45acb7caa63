// How much an app or a job is asked, as both APIs tell it.

export interface Traffic {
  now: number;
  slot_seconds: number;
  /** Times are in seconds since 1970. Without a gap, the oldest first; the last one is still going on. */
  points: { at: number; requests: number; errors: number; slowest_ms: number | null }[];
}
