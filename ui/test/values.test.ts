// The look's values: every pair of colours that is used can be read (WCAG AA), and no colour is written anywhere else.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../src');
const css = readFileSync(join(root, 'style/values.css'), 'utf8');
const values = new Map<string, { light: string; dark: string }>();
for (const [, name, light, dark] of css.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]+), (#[0-9a-f]+)\)/g)) {
  values.set(name ?? '', { light: light ?? '', dark: dark ?? '' });
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const surfaces = ['surface-0', 'surface-1', 'surface-2', 'surface-3'];
const rows = ['row-started', 'row-accepted', 'row-icebox', 'row-release', 'row-late'];
const words = ['ok', 'warn', 'bad', 'info', 'accent', 'started', 'finished', 'delivered', 'accepted', 'rejected'];

const pairs: [string, string, number][] = [
  ...[...surfaces, ...rows, 'notice', 'mark'].flatMap((on): [string, string, number][] => [['text', on, 4.5]]),
  ...[...surfaces, ...rows, 'notice'].flatMap((on): [string, string, number][] => [['text-quiet', on, 4.5]]),
  ...words.flatMap((word) => [...surfaces, ...rows].map((on): [string, string, number] => [word, on, 4.5])),
  ['on-accent', 'accent', 4.5],
  ['on-bad', 'bad', 4.5],
  ['surface-1', 'text', 4.5], // notices
  ['line-strong', 'surface-1', 3],
  ['line-strong', 'surface-2', 3],
];

describe.each(['light', 'dark'] as const)('in %s', (scheme) => {
  it.each(pairs)('%s on %s has a contrast of %d', (front, back, least) => {
    const [a, b] = [values.get(front), values.get(back)];
    expect(a && b, `${front} and ${back} are in values.css`).toBeTruthy();
    expect(contrast(a?.[scheme] ?? '', b?.[scheme] ?? '')).toBeGreaterThanOrEqual(least);
  });
});

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

it('colours are written in values.css only', () => {
  const literal = /#[0-9a-f]{3,8}\b(?![\w-])|\b(rgb|rgba|hsl|oklch)\(/i;
  const guilty = files(root)
    .filter((path) => /\.(css|svelte)$/.test(path) && !path.endsWith('style/values.css'))
    .flatMap((path) => {
      const styles = path.endsWith('.css') ? readFileSync(path, 'utf8') : (/<style>([\s\S]*)<\/style>/.exec(readFileSync(path, 'utf8'))?.[1] ?? '');
      return styles.split('\n').flatMap((line) => (literal.test(line) ? [`${path}: ${line.trim()}`] : []));
    });
  expect(guilty).toEqual([]);
});

it('no value is left over or missing', () => {
  const all = files(root).filter((path) => /\.(css|svelte|ts)$/.test(path));
  const text = all.map((path) => readFileSync(path, 'utf8')).join('\n');
  const defined = new Set([...css.matchAll(/^\s*--([a-z0-9-]+):/gm)].map((match) => match[1]));
  const used = new Set([...text.matchAll(/var\(--([a-z0-9-]+)\)/g)].map((match) => match[1]));
  expect([...used].filter((name) => !defined.has(name))).toEqual([]);
});
