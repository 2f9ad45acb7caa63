// Short notices at the edge: what was done, with a way back; what failed, with the reason.

import { asFailure } from './failure';

export interface Toast {
  id: number;
  text: string;
  hint?: string;
  bad: boolean;
  undo?: () => void;
}

let list = $state.raw<Toast[]>([]);
let last = 0;

function show(toast: Omit<Toast, 'id'>, seconds: number): void {
  const id = ++last;
  list = [...list.slice(-3), { ...toast, id }];
  setTimeout(() => dismiss(id), seconds * 1000);
}

function dismiss(id: number): void {
  list = list.filter((toast) => toast.id !== id);
}

export const toasts = {
  get list() {
    return list;
  },
  dismiss,
};

/** Says that something was done. */
export function say(text: string, undo?: () => void): void {
  show({ text, bad: false, undo }, undo ? 10 : 5);
}

/** Says why something was not done. */
export function sayFailure(error: unknown, before = ''): void {
  const failure = asFailure(error);
  const text = before ? `${before}: ${failure.message}` : failure.message;
  show({ text, hint: failure.hint, bad: true }, 12);
}

/** Runs `work`; a failure becomes a notice. Answers whether it went well. */
export async function attempt(work: () => Promise<unknown>, before = ''): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    sayFailure(error, before);
    return false;
  }
}
