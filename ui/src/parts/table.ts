// Columns of a Table.

import type { Snippet } from 'svelte';

export interface Column<Row> {
  id: string;
  title: string;
  /** What it is sorted by, and shown as when there is no `cell`. None: not sortable. */
  value?: (row: Row) => string | number | null | undefined;
  cell?: Snippet<[Row]>;
  /** Right-aligned. */
  num?: boolean;
  /** Left out on narrow pages. */
  wide?: boolean;
  /** The largest comes first when it is clicked. */
  down?: boolean;
  /** Takes the room that is left, and is cut when it is too long. */
  grows?: boolean;
}

export interface Sorting {
  id: string;
  down: boolean;
}

/** `name`, `-age` as in an address. */
export function readSorting(said: string | null | undefined): Sorting | undefined {
  if (!said) return undefined;
  return said.startsWith('-') ? { id: said.slice(1), down: true } : { id: said, down: false };
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Sorted copy; rows without a value come last, whichever way. */
export function sorted<Row>(rows: Row[], columns: Column<Row>[], sorting: Sorting | undefined): Row[] {
  const column = columns.find((one) => one.id === sorting?.id);
  if (!sorting || !column?.value) return rows;
  const value = column.value;
  const sign = sorting.down ? -1 : 1;
  return rows.toSorted((a, b) => {
    const left = value(a) ?? null;
    const right = value(b) ?? null;
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
    return sign * words.compare(String(left), String(right));
  });
}
