// Questions before something that cannot be undone. One at a time; frame/Ask.svelte shows it.

export interface Question {
  title: string;
  /** What will be affected, and who uses it: a sentence a line. */
  says: string[];
  /** The word on the button: `Delete`. */
  action: string;
  /** To be typed before the button works; for what cannot be undone. */
  name?: string;
  danger?: boolean;
  /** Box to tick: what it does. */
  also?: string;
}

export interface Answer {
  yes: boolean;
  also: boolean;
}

let open = $state.raw<{ question: Question; answer: (answer: Answer) => void } | undefined>();

export const asked = {
  get open() {
    return open;
  },
  answer(answer: Answer): void {
    open?.answer(answer);
    open = undefined;
  },
};

export function ask(question: Question): Promise<Answer> {
  open?.answer({ yes: false, also: false });
  return new Promise((resolve) => {
    open = { question, answer: resolve };
  });
}
