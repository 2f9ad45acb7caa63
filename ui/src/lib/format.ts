// Numbers in words.

const thin = '\u202f';

// Made once: making one costs a hundred times as much as using it.
const grouped = new Intl.NumberFormat('en-GB');

/** `12 345` */
export function count(value: number): string {
  return grouped.format(value).replaceAll(',', thin);
}

/** `3 apps`, `1 app` */
export function many(value: number, one: string, more = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : more}`;
}

/** `141 MB`, `1.5 GB` of bytes; steps of 1024, as the platform's limits are. */
export function bytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let step = 0;
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${value >= 10 || Number.isInteger(value) || step === 0 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}

export function megabytes(value: number): string {
  return bytes(value * 1024 * 1024);
}

/** `12 %`, `0.4 %` of a fraction. */
export function percent(fraction: number): string {
  const value = fraction * 100;
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} %`;
}
