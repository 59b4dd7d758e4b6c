/** The bar above a touch keyboard: keys that phones do not have. */
import { element } from "../dom.ts";
import { iconButton, keepFocus, keyButton, markHeld } from "./key_buttons.ts";
import type { Keyboard } from "./keyboard.ts";
import { KEYSYM, keysymOf } from "./keysyms.ts";

const KEYS = [
  { label: "Esc", keysym: KEYSYM.Escape },
  { label: "Tab", keysym: KEYSYM.Tab },
  { label: "Ctrl", keysym: KEYSYM.Control },
  { label: "Alt", keysym: KEYSYM.Alt },
  { label: "←", keysym: KEYSYM.Left, name: "key.left" },
  { label: "↓", keysym: KEYSYM.Down, name: "key.down" },
  { label: "↑", keysym: KEYSYM.Up, name: "key.up" },
  { label: "→", keysym: KEYSYM.Right, name: "key.right" },
  { label: "|", keysym: keysymOf("|") },
  { label: "/", keysym: keysymOf("/") },
  { label: "-", keysym: keysymOf("-") },
  { label: "~", keysym: keysymOf("~") },
  { label: "Home", keysym: KEYSYM.Home },
  { label: "End", keysym: KEYSYM.End },
  { label: "PgUp", keysym: KEYSYM.PageUp },
  { label: "PgDn", keysym: KEYSYM.PageDown },
  { label: "Del", keysym: KEYSYM.Delete },
] as const;

export class KeyBar {
  readonly element = element("key-bar", "div");

  /** @param hide called by the key that puts the touch keyboard away. */
  constructor(keyboard: Keyboard, hide: () => void) {
    const keys = KEYS.map((key) => keyButton(key, keyboard));
    this.element.replaceChildren(...keys, iconButton("keyboard.hide", "keyboard-off", hide));
    keepFocus(this.element);
  }

  /** Show which modifiers are held. */
  mark(held: ReadonlySet<number>): void {
    markHeld(this.element, held);
  }
}
