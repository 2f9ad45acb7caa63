// Arrow keys in lists: `{@attach arrows()}` on the element round the rows; rows (or what is focused in them) carry `data-row`.
// One row is in the tab order, so that Tab goes past the list.

import type { Attachment } from 'svelte/attachments';

export function arrows(): Attachment<HTMLElement> {
  return (list) => {
    const rows = () => [...list.querySelectorAll<HTMLElement>('[data-row]')];
    const only = (chosen: HTMLElement | undefined) => {
      for (const row of rows()) row.tabIndex = row === chosen ? 0 : -1;
    };
    const settle = () => {
      const all = rows();
      if (!all.some((row) => row.tabIndex === 0)) only(all[0]);
      else if (all.filter((row) => row.tabIndex === 0).length > 1) only(all.find((row) => row.tabIndex === 0));
    };
    const press = (event: KeyboardEvent) => {
      const target = (event.target as HTMLElement).closest<HTMLElement>('[data-row]');
      if (!target || event.ctrlKey || event.metaKey || event.altKey) return;
      const all = rows();
      const at = all.indexOf(target);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
      const row = to === undefined ? undefined : all[to];
      if (!row) return;
      event.preventDefault();
      only(row);
      row.focus();
      row.scrollIntoView({ block: 'nearest' });
    };
    const focus = (event: FocusEvent) => {
      const row = (event.target as HTMLElement).closest<HTMLElement>('[data-row]');
      if (row) only(row);
    };
    const watch = new MutationObserver(settle);
    watch.observe(list, { childList: true, subtree: true });
    list.addEventListener('keydown', press);
    list.addEventListener('focusin', focus);
    settle();
    return () => {
      watch.disconnect();
      list.removeEventListener('keydown', press);
      list.removeEventListener('focusin', focus);
    };
  };
}
