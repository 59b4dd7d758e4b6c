/** Elements of the page, by id. */
import { isTile } from "./tile.ts";

/**
 * The element with an id. A theme may have replaced the part of the page it belonged to: then a new one, which nobody
 * sees, takes its place and the rest works on.
 */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  id: string,
  tag: Tag,
): HTMLElementTagNameMap[Tag] {
  const found = document.getElementById(id);
  return found instanceof window.HTMLElement && found.localName === tag
    ? (found as HTMLElementTagNameMap[Tag])
    : document.createElement(tag);
}

/** A new element with attributes and children. Texts become text, never markup. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Whether the focus may go somewhere unasked: another session of this window may have it. */
export function mayTakeFocus(): boolean {
  return !isTile || document.hasFocus();
}

/** Take the focus unasked. */
export function takeFocus(target: HTMLElement): void {
  if (mayTakeFocus()) {
    target.focus({ preventScroll: true });
  }
}

/** Show or hide, and say whether it is shown. */
export function show(target: HTMLElement, shown: boolean): boolean {
  target.hidden = !shown;
  return shown;
}
