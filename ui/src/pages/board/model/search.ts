// Searching the stories of a board as it is typed: the part of Tracker's grammar (reference, section 6) that asks for what a board
// knows. Terms stand side by side for AND; OR, parentheses, a minus for NOT, quotes, commas for alternatives, * and ? in words.

import type { Story } from './snapshot';

export interface Known {
  label: (id: number) => string | undefined;
  isEpic: (label: number) => boolean;
  /** Names, initials and user name of a person. */
  person: (id: number) => string[];
  /** The caller's id: `me` in place of a name. */
  me: number;
}

type Test = (story: Story, known: Known) => boolean;

export class NotUnderstood extends Error {}

const TOKEN = /\s*(?:(\(|\))|(-?[a-z_]+:"[^"]*"|-?[a-z_]+:[^\s()]*|-?"[^"]*"|[^\s()]+))/iy;

function tokens(query: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < query.length) {
    const match = TOKEN.exec(query);
    if (!match) break;
    found.push(match[1] ?? match[2] ?? '');
  }
  return found;
}

/** Reads a query; throws `NotUnderstood` with the words to show. */
export function compile(query: string): Test {
  const all = tokens(query);
  let at = 0;

  function group(depth: number): Test {
    let test: Test | undefined;
    let or = false;
    for (;;) {
      const token = all[at];
      if (token === undefined || token === ')') break;
      at += 1;
      if (token === 'AND' || token === 'OR') {
        or = token === 'OR';
        continue;
      }
      const next = one(token, depth);
      const before = test;
      // AND and OR bind alike, from left to right.
      test = !before ? next : or ? (story, known) => before(story, known) || next(story, known) : (story, known) => before(story, known) && next(story, known);
      or = false;
    }
    return test ?? (() => true);
  }

  function one(token: string, depth: number): Test {
    if (token === '-') {
      const next = all[at];
      at += 1;
      if (next === undefined) throw new NotUnderstood('A minus stands before what is not wanted.');
      return not(one(next, depth));
    }
    if (token === '(') {
      if (depth > 20) throw new NotUnderstood('Too many parentheses.');
      const inside = group(depth + 1);
      if (all[at] !== ')') throw new NotUnderstood('A parenthesis is not closed.');
      at += 1;
      return inside;
    }
    if (token.startsWith('-') && token.length > 1) return not(term(token.slice(1)));
    return term(token);
  }

  const test = group(0);
  if (at < all.length) throw new NotUnderstood('A parenthesis is closed that was not opened.');
  return test;
}

const not =
  (test: Test): Test =>
  (story, known) =>
    !test(story, known);

function pattern(value: string, quoted: boolean): (text: string) => boolean {
  const wanted = value.toLowerCase();
  if (quoted || !/[*?]/.test(wanted)) return (text) => text.toLowerCase().includes(wanted);
  const source = wanted.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '\\S*').replaceAll('?', '\\S');
  const expression = new RegExp(source);
  return (text) => expression.test(text.toLowerCase());
}

function term(token: string): Test {
  const keyword = /^([a-z_]+):(.*)$/is.exec(token);
  if (!keyword || /^https?$/i.test(keyword[1] ?? '')) {
    const quoted = token.startsWith('"');
    const text = quoted ? token.replace(/^"|"$/g, '') : token;
    const number = /^#?(\d+)$/.exec(text);
    const fits = pattern(text, quoted);
    return (story, known) =>
      fits(story.name) ||
      fits(story.description) ||
      Number(number?.[1]) === story.id ||
      story.labels.some((id) => fits(known.label(id) ?? '')) ||
      [...story.owners, story.requester].some((id) => known.person(id).some((name) => name.toLowerCase() === text.toLowerCase() || (text.length > 2 && fits(name))));
  }
  const name = (keyword[1] ?? '').toLowerCase();
  const quoted = (keyword[2] ?? '').startsWith('"');
  const value = (keyword[2] ?? '').replace(/^"|"$/g, '');
  const choices = value.split(',').map((one) => one.trim().toLowerCase());
  const who = (id: number, known: Known) =>
    (value.toLowerCase() === 'me' && id === known.me) ||
    String(id) === value ||
    known.person(id).some((one) => one.toLowerCase() === value.toLowerCase() || (value.length > 2 && one.toLowerCase().includes(value.toLowerCase())));
  switch (name) {
    case 'name': {
      const fits = pattern(value, quoted);
      return (story) => fits(story.name);
    }
    case 'label':
    case 'labels':
      if (value === '') return (story) => story.labels.length === 0;
      return quoted
        ? (story, known) => story.labels.some((id) => known.label(id) === value.toLowerCase())
        : (story, known) => story.labels.some((id) => pattern(value, false)(known.label(id) ?? ''));
    case 'epic':
    case 'epics':
      if (value === '') return (story, known) => !story.labels.some((id) => known.isEpic(id));
      return (story, known) => story.labels.some((id) => known.isEpic(id) && pattern(value, quoted)(known.label(id) ?? ''));
    case 'type':
    case 'story_type':
      return (story) => choices.includes(story.type);
    case 'state':
    case 'current_state':
      return (story) => choices.includes(story.state);
    case 'estimate':
      return (story) => choices.includes(String(story.estimate ?? -1));
    case 'id':
      return (story) => choices.includes(String(story.id));
    case 'requester':
    case 'requested_by':
      return (story, known) => who(story.requester, known);
    case 'owner':
    case 'owned_by':
      if (value === '') return (story) => story.owners.length === 0;
      return (story, known) => story.owners.some((id) => who(id, known));
    case 'mywork':
      return (story, known) =>
        (story.state !== 'accepted' && story.owners.some((id) => who(id, known))) || (story.state === 'delivered' && who(story.requester, known));
    case 'is':
      if (value === 'blocked') return (story) => story.blockers > 0;
      break;
    case 'has':
      return has(value);
    case 'no':
      return not(has(value));
  }
  throw new NotUnderstood(`“${name}:${value}” cannot be searched for on a board.`);
}

function has(what: string): Test {
  switch (what.replace(/s$/, '')) {
    case 'label':
      return (story) => story.labels.length > 0;
    case 'owner':
      return (story) => story.owners.length > 0;
    case 'blocker':
      return (story) => story.blockers > 0;
    case 'comment':
      return (story) => story.comments > 0;
    case 'task':
      return (story) => story.tasks > 0;
    case 'epic':
      return (story, known) => story.labels.some((id) => known.isEpic(id));
  }
  throw new NotUnderstood(`“${what}” is nothing that a story has. Try label, owner, blocker, comment, task, epic.`);
}
