// Leaving a field. The browser tells of it too when a row is moved in the page, which gives the focus back, or taken out of it: nobody
// meant to save by that.

export function onLeaving(element: Element, left: () => unknown): void {
  // When the page has been drawn.
  queueMicrotask(() => {
    if (element.isConnected && !element.contains(document.activeElement)) left();
  });
}
