// The time that pages show, moved on while somebody looks.

let now = $state(Date.now());
let offset = 0;

setInterval(() => {
  if (!document.hidden) now = Date.now() + offset;
}, 5_000);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) now = Date.now() + offset;
});

export const clock = {
  /** Milliseconds; reactive, some seconds old. */
  get now() {
    return now;
  },
  /** The time right now. */
  exact(): number {
    return Date.now() + offset;
  },
  /** The server's clock is the one that counts. */
  set(server: number): void {
    // A second of difference is the way of the answer, not another clock.
    offset = Math.abs(server - Date.now()) < 2_000 ? 0 : server - Date.now();
    now = Date.now() + offset;
  },
};
