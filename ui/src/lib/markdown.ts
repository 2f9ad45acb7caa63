// The Markdown that people write in descriptions and comments, as a tree. Nothing here makes HTML: parts/Markdown.svelte draws the tree, so
// what somebody wrote can never become markup of the page.

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong' | 'em' | 'del'; inside: Inline[] }
  | { kind: 'link'; href: string; inside: Inline[] }
  | { kind: 'story'; id: number }
  | { kind: 'epic'; id: number }
  | { kind: 'person'; name: string }
  | { kind: 'break' };

export type Block =
  | { kind: 'p'; inside: Inline[] }
  | { kind: 'heading'; level: number; inside: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; inside: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'rule' };

/** How deep quotes and lists may be nested; the rest is text. */
const DEEPEST = 8;

export function parse(text: string, depth = 0): Block[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const blocks: Block[] = [];
  let at = 0;
  const line = () => lines[at] ?? '';
  while (at < lines.length) {
    if (line().trim() === '') {
      at += 1;
      continue;
    }
    const fence = /^\s{0,3}(```+|~~~+)\s*[\w+.-]*\s*$/.exec(line());
    if (fence) {
      const end = fence[1] ?? '```';
      const inside: string[] = [];
      for (at += 1; at < lines.length && !line().trim().startsWith(end); at += 1) inside.push(line());
      at += 1;
      blocks.push({ kind: 'code', text: inside.join('\n') });
      continue;
    }
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line());
    if (heading) {
      blocks.push({ kind: 'heading', level: heading[1]?.length ?? 1, inside: inline(heading[2] ?? '') });
      at += 1;
      continue;
    }
    if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line())) {
      blocks.push({ kind: 'rule' });
      at += 1;
      continue;
    }
    if (depth < DEEPEST && /^\s{0,3}>/.test(line())) {
      const inside: string[] = [];
      for (; at < lines.length && /^\s{0,3}>/.test(line()); at += 1) inside.push(line().replace(/^\s{0,3}> ?/, ''));
      blocks.push({ kind: 'quote', inside: parse(inside.join('\n'), depth + 1) });
      continue;
    }
    const item = marker(line());
    if (depth < DEEPEST && item) {
      const { ordered, start } = item;
      const items: Block[][] = [];
      while (at < lines.length) {
        const next = marker(line());
        if (!next || next.ordered !== ordered) break;
        const inside = [next.rest];
        for (at += 1; at < lines.length; at += 1) {
          if (line().trim() === '') {
            // A blank line goes on only if what follows is indented.
            if (!/^\s{2,}\S/.test(lines[at + 1] ?? '')) break;
            inside.push('');
          } else if (/^\s{2,}/.test(line())) inside.push(line().replace(/^( {2,4}|\t)/, ''));
          else if (marker(line()) || /^\s{0,3}(>|#{1,6}\s|```|~~~)/.test(line())) break;
          else inside.push(line());
        }
        items.push(parse(inside.join('\n'), depth + 1));
        while (at < lines.length && line().trim() === '' && marker(lines[at + 1] ?? '')) at += 1;
      }
      blocks.push({ kind: 'list', ordered, start, items });
      continue;
    }
    const inside = [line()];
    for (at += 1; at < lines.length && line().trim() !== ''; at += 1) {
      if (/^\s{0,3}(>|#{1,6}\s|```|~~~)/.test(line()) || marker(line())) break;
      inside.push(line());
    }
    blocks.push({ kind: 'p', inside: inline(inside.join('\n')) });
  }
  return blocks;
}

function marker(line: string): { ordered: boolean; start: number; rest: string } | undefined {
  const bullet = /^\s{0,3}[-*+]\s+(.*)$/.exec(line);
  if (bullet) return { ordered: false, start: 1, rest: bullet[1] ?? '' };
  const number = /^\s{0,3}(\d{1,9})[.)]\s+(.*)$/.exec(line);
  return number ? { ordered: true, start: Number(number[1]), rest: number[2] ?? '' } : undefined;
}

const patterns: [RegExp, (match: RegExpExecArray, depth: number) => Inline | undefined][] = [
  [/^`([^`]+)`/, (match) => ({ kind: 'code', text: match[1] ?? '' })],
  [/^\*\*(?=\S)([^\n]*?\S)\*\*/, (match, depth) => ({ kind: 'strong', inside: inline(match[1] ?? '', depth + 1) })],
  [/^__(?=\S)([^\n]*?\S)__/, (match, depth) => ({ kind: 'strong', inside: inline(match[1] ?? '', depth + 1) })],
  [/^~~(?=\S)([^\n]*?\S)~~/, (match, depth) => ({ kind: 'del', inside: inline(match[1] ?? '', depth + 1) })],
  [/^\*(?=\S)([^*\n]*?\S)\*/, (match, depth) => ({ kind: 'em', inside: inline(match[1] ?? '', depth + 1) })],
  [/^_(?=\S)([^_\n]*?\S)_(?![A-Za-z0-9])/, (match, depth) => ({ kind: 'em', inside: inline(match[1] ?? '', depth + 1) })],
  [
    /^\[([^\]\n]+)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)/,
    (match, depth) => {
      const href = safe(match[2] ?? '');
      return href ? { kind: 'link', href, inside: inline(match[1] ?? '', depth + 1) } : undefined;
    },
  ],
  [
    /^https?:\/\/[^\s<>"']+/,
    (match) => {
      const href = match[0].replace(/[.,;:!?)\]]+$/, '');
      return { kind: 'link', href, inside: [{ kind: 'text', text: href }] };
    },
  ],
  [/^##(\d{1,15})\b/, (match) => ({ kind: 'epic', id: Number(match[1]) })],
  [/^#(\d{1,15})\b/, (match) => ({ kind: 'story', id: Number(match[1]) })],
  [/^@([A-Za-z0-9][A-Za-z0-9._-]*)/, (match) => ({ kind: 'person', name: (match[1] ?? '').replace(/[.]+$/, '') })],
  [/^( {2,}|\\)?\n/, () => ({ kind: 'break' })],
];

/** An address that may be opened; nothing else becomes a link. */
export function safe(href: string): string | undefined {
  if (/^(https?:\/\/|mailto:|\/(?!\/))/i.test(href)) return href;
  return undefined;
}

export function inline(text: string, depth = 0): Inline[] {
  if (depth > DEEPEST) return [{ kind: 'text', text }];
  const found: Inline[] = [];
  let plain = '';
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 4000);
    const before = text[at - 1] ?? ' ';
    let hit: Inline | undefined;
    let length = 0;
    for (const [pattern, make] of patterns) {
      const match = pattern.exec(rest);
      if (!match) continue;
      // Signs inside words mean nothing: snake_case, an address with @, a #fragment.
      if (/[A-Za-z0-9]/.test(before) && /^[_@#h]/.test(rest)) continue;
      hit = make(match, depth);
      if (!hit) continue;
      length = hit.kind === 'link' && rest.startsWith('http') ? hit.href.length : match[0].length;
      if (hit.kind === 'person') length = hit.name.length + 1;
      break;
    }
    if (hit) {
      if (plain) found.push({ kind: 'text', text: plain });
      plain = '';
      found.push(hit);
      at += length;
    } else {
      // Up to the next sign that could mean something.
      const next = text.slice(at + 1).search(/[`*_~[h#@\n\\ ]/);
      const to = next < 0 ? text.length : at + 1 + next;
      plain += text.slice(at, to);
      at = to;
    }
  }
  if (plain) found.push({ kind: 'text', text: plain });
  return found;
}
