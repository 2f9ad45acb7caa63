// A project's board, live. What the server said is `base`; what was done here and is not yet confirmed are `ops`, applied again on
// every change of the base. So an action shows at once, is confirmed by its entry in the event stream, and undoes itself when the
// server refuses it; other people's changes never wait for it.

import { getBoard, getProject, readingSince, type Activity, type BoardData, type Epic, type Membership, type Person, type Written } from '../../../api/tracker';
import { asFailure, type Failure } from '../../../lib/failure';
import { follow, missed, type Entry } from '../../../lib/live.svelte';
import { say, sayFailure } from '../../../lib/toasts.svelte';
import { Calendar, type Override } from './calendar';
import { fill, type Iteration } from './plan';
import { Draft, readSnapshot, Unknown, type Snapshot, type Story } from './snapshot';

export interface Op {
  /** Said before the reason when it is refused: `“Pay with a card” was not moved`. */
  failed: string;
  apply: (draft: Draft) => void;
  send: () => Promise<Written<unknown>>;
  /** Called with the answer. */
  then?: (value: unknown) => void;
}
interface Pending extends Op {
  /** The version that has it, once the server answered. */
  version?: number;
}

const EMPTY: Snapshot = { stories: new Map(), order: [], labels: new Map() };

export class Board {
  /** What is shown. */
  view = $state.raw<Snapshot>(EMPTY);
  data = $state.raw<BoardData>();
  error = $state.raw<Failure>();
  /** Stories that others changed a moment ago: a quiet hint in their rows. */
  touched = $state.raw<ReadonlySet<number>>(new Set());
  activity = $state.raw<Activity[]>([]);

  #base: Snapshot = EMPTY;
  #version = 0;
  #position = 0;
  #ops: Pending[] = [];
  #preview: ((draft: Draft) => void) | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting: Entry[] = [];
  #frame = 0;
  #loading: Promise<void> | undefined;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #rollover: ReturnType<typeof setTimeout> | undefined;
  #look: ReturnType<typeof setInterval>;
  #stop: () => void;
  readonly #scope: string;
  #gone = false;

  readonly people = $derived.by(() => {
    const all = new Map<number, Person>();
    for (const person of this.data?.people ?? []) all.set(person.id, person);
    return all;
  });
  readonly members: Membership[] = $derived(
    (this.data?.memberships ?? []).flatMap(({ id, person_id, role }) => {
      const person = this.people.get(person_id);
      return person ? [{ id, role, person }] : [];
    }),
  );
  /** By their labels. */
  readonly epics: ReadonlyMap<number, Epic> = $derived(
    new Map((this.data?.epics ?? []).flatMap((epic) => (epic.label_id === undefined ? [] : [[epic.label_id, epic] as const]))),
  );
  readonly role = $derived(this.data?.me.role ?? null);
  /** May the person change stories? */
  readonly writes = $derived(this.data?.me.may.work ?? false);
  readonly me = $derived(this.data?.me.person_id ?? 0);
  readonly scale = $derived((this.data?.project.point_scale ?? '0,1,2,3').split(',').map(Number));
  readonly calendar = $derived.by(() => {
    const data = this.data;
    if (!data) return undefined;
    const { project, iterations } = data;
    const overrides = new Map(iterations.overrides.map((one): [number, Override] => [one.number, one]));
    const timing = { ...project, time_zone: project.time_zone.olson_name, created_at: Date.parse(project.created_at) };
    // The server knows when the first story was accepted; where the current iteration begins says as much.
    return new Calendar(timing, overrides).beginning(iterations.current_number, Date.parse(iterations.current.start));
  });
  /** A velocity tried out here; nobody else sees it. */
  whatIf = $state<number>();
  readonly velocity = $derived(this.whatIf ?? this.data?.iterations.velocity ?? 0);
  /** Names of labels by their ids: the same map until one of them is another. */
  readonly labels = $derived(this.view.labels);
  /** Stories in project order. */
  readonly stories: Story[] = $derived.by(() => {
    const { order, stories } = this.view;
    const all: Story[] = [];
    for (const id of order) {
      const story = stories.get(id);
      if (story) all.push(story);
    }
    return all;
  });
  /** The current iteration and those of the Backlog; places are indices of `stories`. */
  readonly plan: Iteration[] = $derived.by(() => {
    const { data, calendar } = this;
    if (!data || !calendar) return [];
    const current = data.iterations.current_number;
    const begin = calendar.start(current);
    const how = { velocity: this.velocity, automatic: data.project.automatic_planning, current, calendar };
    return fill(this.stories, how, (story) => (story.acceptedAt ?? Infinity) >= begin);
  });

  constructor(readonly project: number) {
    this.#scope = `project:${project}`;
    this.#stop = follow(
      (entry) => {
        if (entry.scope.includes(this.#scope)) this.#hear(entry);
      },
      () => this.reload(),
    );
    // Who may see the project no more hears nothing more of it; now and then it is asked, and when somebody comes back to the page.
    this.#look = setInterval(this.#still, 30_000);
    addEventListener('focus', this.#still);
    void this.#load();
  }

  readonly #still = async (): Promise<void> => {
    if (document.hidden || !this.data) return;
    const error = await getProject(this.project).then(() => undefined, asFailure);
    if (error?.notFound || error?.forbidden) this.error = error;
  };

  close(): void {
    this.#gone = true;
    clearInterval(this.#look);
    removeEventListener('focus', this.#still);
    this.#stop();
    clearTimeout(this.#timer);
    clearTimeout(this.#rollover);
    cancelAnimationFrame(this.#frame);
  }

  /** Reads everything anew, soon. */
  reload(delay = 150): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(), delay);
  }

  /** Does something at once and tells the server; answers when the server has. */
  do(op: Op): Promise<boolean> {
    const pending: Pending = { ...op };
    this.#ops.push(pending);
    this.#show();
    // One after the other: what is done twice to a story arrives in that order.
    const sent = this.#queue.then(async () => {
      try {
        const { value, version } = await pending.send();
        pending.version = version;
        pending.then?.(value);
        if (version <= this.#version) this.#drop(pending);
        // Its entry should be here any moment; if the stream is cut, look.
        else setTimeout(() => this.#ops.includes(pending) && this.reload(0), 3_000);
        return true;
      } catch (error) {
        this.#drop(pending);
        sayFailure(error, pending.failed);
        return false;
      }
    });
    this.#queue = sent;
    return sent;
  }

  /** Shows something that is not done yet (a story picked up with the keyboard); nothing: as it is. */
  preview(apply: ((draft: Draft) => void) | undefined): void {
    this.#preview = apply;
    this.#show();
  }

  async #load(): Promise<void> {
    if (this.#loading) {
      this.#again = true;
      return this.#loading;
    }
    this.#loading = this.#read().finally(() => {
      this.#loading = undefined;
      if (this.#again && !this.#gone) {
        this.#again = false;
        void this.#load();
      }
    });
    return this.#loading;
  }

  async #read(): Promise<void> {
    try {
      const began = readingSince(this.project);
      const data = await getBoard(this.project);
      if (this.#gone) return;
      const heard = missed(data.position, began);
      if (!heard) this.reload(0);
      const { role } = data.me;
      if (this.data && this.data.me.role !== role) say(role ? `You are ${role} of this project now` : 'You are no member of this project any more');
      this.data = data;
      this.error = undefined;
      this.#base = readSnapshot(data.stories, data.labels);
      this.#version = data.version;
      this.#position = data.position;
      this.#ops = this.#ops.filter((op) => op.version === undefined || op.version > data.version);
      const waiting = new Map([...(heard ?? []), ...this.#waiting].map((entry) => [entry.position, entry]));
      this.#waiting = [...waiting.values()].filter((entry) => entry.position > data.position && entry.scope.includes(this.#scope)).sort((a, b) => a.position - b.position);
      this.#show();
      this.#take();
      this.#awaitRollover();
    } catch (error) {
      this.error = asFailure(error);
      if (this.error.unreachable || this.error.status >= 500) this.reload(3_000);
    }
  }

  #hear(entry: Entry): void {
    this.#waiting.push(entry);
    if (this.#frame || !this.data) return;
    // Many entries (a bulk change, a reconnect) become one drawing.
    const later = document.hidden ? (work: () => void) => Number(setTimeout(work, 50)) : requestAnimationFrame;
    this.#frame = later(() => {
      this.#frame = 0;
      this.#take();
    });
  }

  #take(): void {
    if (this.#waiting.length === 0 || this.#loading) return;
    const entries = this.#waiting;
    this.#waiting = [];
    const draft = new Draft(this.#base);
    const others = new Set<number>();
    const news: Activity[] = [];
    try {
      for (const entry of entries) {
        if (entry.position <= this.#position) continue;
        this.#position = entry.position;
        const activity = entry.data as Partial<Activity>;
        // Somebody's own settings of the project have no version.
        if (!Array.isArray(activity?.changes)) continue;
        if (activity.project_version) {
          if (activity.project_version <= this.#version) continue;
          this.#version = activity.project_version;
        }
        draft.apply(activity.changes, activity.kind);
        if (activity.changes.some((change) => !LOCAL.has(change.kind))) this.reload();
        if (activity.performed_by?.id !== this.me) for (const change of activity.changes) if (change.kind === 'story') others.add(change.id);
        news.push(activity as Activity);
      }
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      // A story that was not on the board (accepted long ago, from another project) came back: read all.
      this.reload(0);
      return;
    }
    this.#base = draft;
    this.#ops = this.#ops.filter((op) => op.version === undefined || op.version > this.#version);
    this.activity = [...news.reverse(), ...this.activity].slice(0, 200);
    if (others.size > 0) {
      this.touched = others;
      setTimeout(() => {
        if (this.touched === others) this.touched = new Set();
      }, 1_500);
    }
    this.#show();
  }

  #drop(op: Pending): void {
    this.#ops = this.#ops.filter((one) => one !== op);
    this.#show();
  }

  #show(): void {
    if (this.#ops.length === 0 && !this.#preview) {
      this.view = this.#base;
      return;
    }
    const draft = new Draft(this.#base);
    for (const op of this.#ops) op.apply(draft);
    this.#preview?.(draft);
    this.view = draft;
  }

  /** When the iteration ends, accepted stories leave Current, and velocity is another. */
  #awaitRollover(): void {
    clearTimeout(this.#rollover);
    const { calendar, data } = this;
    if (!calendar || !data) return;
    const left = calendar.start(data.iterations.current_number + 1) - Date.now();
    // Timers cannot wait longer than some weeks; then it looks again.
    this.#rollover = setTimeout(() => (left < 2 ** 30 ? this.reload(0) : this.#awaitRollover()), Math.min(Math.max(left, 1_000), 2 ** 30));
  }
}

/** Kinds of changes that are applied without reading everything anew. */
const LOCAL = new Set(['story', 'label', 'task', 'comment', 'blocker']);
