// Addresses. Everything that can be looked at has one; back, forward and reload keep place, filters and scroll.

import type { Component } from 'svelte';
import { awaitContent, enterEntry, keepPlace, keptPlace, leaveEntry } from './places';

export interface Page {
  /** `/apps/:guid/:tab?`; a last `*` takes the rest. */
  path: string;
  /** Title of the browser's tab until the page sets its own. */
  title: string;
  /** Several paths of one page have one name, so that it stays when one leads to the other. */
  id?: string;
  /** Parameters that may change while the page stays; others make it anew. */
  stays?: string[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  load: () => Promise<{ default: Component<any> }>;
  /** Begins to read what the page will ask for, before its code is there; at the first page of a visit. */
  ahead?: (params: Record<string, string>) => void;
}

export interface Match {
  page: Page;
  params: Record<string, string>;
}

interface Place {
  path: string;
  query: URLSearchParams;
}

function read(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

let current = $state.raw<Place>(read());
let entry = '';
/** Asked before an address is left; false keeps the page. */
const guards = new Set<() => boolean>();

export const place = {
  get path() {
    return current.path;
  },
  /** Reactive; change it with `setQuery`. */
  get query() {
    return current.query;
  },
};

/** Compares an address with a pattern. */
export function matches(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part === '*') {
      params.rest = given.slice(index).map(decodeURIComponent).join('/');
      return params;
    }
    const value = given[index];
    if (part.startsWith(':')) {
      const optional = part.endsWith('?');
      if (value === undefined && !optional) return undefined;
      if (value !== undefined) params[part.slice(1, optional ? -1 : undefined)] = decodeURIComponent(value);
    } else if (part !== value) return undefined;
  }
  return given.length <= wanted.length ? params : undefined;
}

export function find(pages: Page[], path: string): Match | undefined {
  for (const page of pages) {
    const params = matches(page.path, path);
    if (params) return { page, params };
  }
  return undefined;
}

const newEntry = (): string => Math.random().toString(36).slice(2);

const scroller = (): Element | null => document.querySelector('main .page');

function arrive(): void {
  entry = (history.state as { entry?: string } | null)?.entry ?? '';
  enterEntry(entry);
  current = read();
}

/** Opens an address of this app; another one of the server is loaded. */
export function go(href: string, how: { replace?: boolean } = {}): void {
  const url = new URL(href, location.href);
  const same = url.pathname === location.pathname && url.search === location.search;
  if (!same && ![...guards].every((guard) => guard())) return;
  leaveEntry();
  const state = { entry: how.replace && entry ? entry : newEntry() };
  if (how.replace || same) history.replaceState(state, '', url);
  else history.pushState(state, '', url);
  arrive();
}

/** Changes the part after `?` in place: filters, sorting, open panels. Empty values go. */
export function setQuery(values: Record<string, string | undefined>, how: { push?: boolean } = {}): void {
  const query = new URLSearchParams(current.query);
  for (const [name, value] of Object.entries(values)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const said = query.toString();
  const href = current.path + (said && `?${said}`);
  if (how.push) {
    go(href);
    return;
  }
  history.replaceState(history.state, '', href);
  current = { path: current.path, query };
}

/** Where this address had been scrolled to when it was left. */
export function restoreScroll(): void {
  const element = scroller();
  const top = keptPlace<number>('page') ?? 0;
  if (element) element.scrollTop = top;
  // What is below, or the whole page, may not have been read yet.
  awaitContent(() => {
    const now = scroller();
    if (now) now.scrollTop = top;
    return top === 0 || (now !== null && now.scrollTop >= top - 1);
  });
  // On a narrow page the tabs are wider than it.
  element?.querySelector('.tabs [aria-current]')?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
}

/** Until it is taken back, who leaves the page is asked `question`; the browser's own words are used where the whole app is left. */
export function guardLeaving(question: string): () => void {
  // A browser allows no question of ours here.
  const unload = (event: BeforeUnloadEvent) => event.preventDefault();
  const guard = () => confirm(question);
  guards.add(guard);
  addEventListener('beforeunload', unload);
  return () => {
    guards.delete(guard);
    removeEventListener('beforeunload', unload);
  };
}

/** Follows clicks on links and the browser's own buttons. `known` says which paths are pages of this app. */
export function start(known: (path: string) => boolean): void {
  history.scrollRestoration = 'manual';
  if (!(history.state as { entry?: string } | null)?.entry) history.replaceState({ entry: newEntry() }, '');
  arrive();
  keepPlace('page', () => scroller()?.scrollTop);
  addEventListener('popstate', () => {
    leaveEntry();
    arrive();
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link?.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
    if (!known(link.pathname)) return;
    event.preventDefault();
    go(link.href);
  });
}
