// Dragging stories with the pointer. Nothing is drawn anew while a story is in the air: the mark that shows where it would land is
// moved by hand, so that a frame costs the same on a board of ten stories and of ten thousand.

import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import type { Attachment } from 'svelte/attachments';

const STORY: unique symbol = Symbol('story');

export function draggableStory(id: number, may: () => boolean): Attachment<HTMLElement> {
  return (element) =>
    draggable({
      element,
      canDrag: may,
      getInitialData: () => ({ [STORY]: id }),
      onDragStart: () => element.classList.add('dragged'),
      onDrop: () => element.classList.remove('dragged'),
    });
}

export interface DropOptions {
  /** The element that scrolls; its rows carry `data-index`. */
  list: () => HTMLElement | undefined;
  mark: () => HTMLElement | undefined;
  /** May it land above row `index`? Answers the row above which it really would. */
  target: (story: number, index: number) => number | undefined;
  drop: (story: number, index: number) => void;
}

/** How near to the edge of a list it scrolls by itself, and how fast at most. */
const EDGE = 56;
const SPEED = 16;

export function dropStories(options: DropOptions): Attachment<HTMLElement> {
  return (element) => {
    let index: number | undefined;
    let pointer = { x: 0, y: 0 };
    let over = false;
    let frame = 0;
    let story = 0;
    /** Above which row the pointer was, and what that led to: asked again only when one of them is another. */
    let asked: { story: number; at: number; target: number | undefined } | undefined;
    const target = (at: number): number | undefined => {
      if (asked?.story !== story || asked.at !== at) asked = { story, at, target: options.target(story, at) };
      return asked.target;
    };

    const clear = () => {
      over = false;
      index = undefined;
      asked = undefined;
      cancelAnimationFrame(frame);
      frame = 0;
      const mark = options.mark();
      if (mark) mark.style.display = 'none';
    };

    const look = () => {
      const list = options.list();
      const mark = options.mark();
      if (!list || !mark) return;
      const rows = list.querySelectorAll<HTMLElement>('[data-index]');
      let at: number | undefined;
      let edge = 0;
      const frameTop = list.getBoundingClientRect().top;
      for (const row of rows) {
        const box = row.getBoundingClientRect();
        at = Number(row.dataset.index);
        edge = box.top;
        if (pointer.y < box.top + box.height / 2) break;
        at += 1;
        edge = box.bottom;
        if (pointer.y < box.bottom) break;
      }
      index = target(at ?? 0);
      if (index === undefined) {
        mark.style.display = 'none';
        return;
      }
      if (at !== index) {
        // It may not land here: the mark shows where it would, if that is in sight.
        const row = list.querySelector(`[data-index="${index}"]`) ?? list.querySelector(`[data-index="${index - 1}"]`);
        const box = row?.getBoundingClientRect();
        edge = !box ? (index > (at ?? 0) ? frameTop + list.clientHeight : frameTop) : Number((row as HTMLElement).dataset.index) === index ? box.top : box.bottom;
      }
      mark.style.display = 'block';
      const base = mark.parentElement?.getBoundingClientRect().top ?? frameTop;
      mark.style.transform = `translateY(${Math.round(edge - base) - 1}px)`;
    };

    const scroll = () => {
      frame = 0;
      const list = options.list();
      if (!over || !list) return;
      const box = list.getBoundingClientRect();
      const up = box.top + EDGE - pointer.y;
      const down = pointer.y - (box.bottom - EDGE);
      const by = up > 0 ? -Math.min(SPEED, up / 3) : down > 0 ? Math.min(SPEED, down / 3) : 0;
      if (by !== 0) {
        list.scrollTop += by;
        look();
      }
      frame = requestAnimationFrame(scroll);
    };

    const go = (dragged: Record<string | symbol, unknown>, input: { clientX: number; clientY: number }) => {
      story = (dragged as { [STORY]: number })[STORY];
      pointer = { x: input.clientX, y: input.clientY };
      over = true;
      look();
      frame ||= requestAnimationFrame(scroll);
    };

    return dropTargetForElements({
      element,
      canDrop: ({ source }) => STORY in source.data,
      // What begins inside does not enter.
      onDragStart: ({ source, location }) => go(source.data, location.current.input),
      onDragEnter: ({ source, location }) => go(source.data, location.current.input),
      onDrag: ({ source, location }) => go(source.data, location.current.input),
      onDragLeave: clear,
      onDrop: ({ source, location }) => {
        // The last movement may not have been told, and others may have moved stories meanwhile.
        asked = undefined;
        go(source.data, location.current.input);
        const landed = index;
        clear();
        if (landed !== undefined) options.drop(story, landed);
      },
    });
  };
}
