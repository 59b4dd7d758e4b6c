/** A keyboard drawn on the screen, for fingers and mice without one. */
import { element, make } from "../dom.ts";
import { recall, remember } from "../preferences.ts";
import { language } from "../strings.ts";
import { iconButton, type KeyCap, keepFocus, keyButton, markHeld } from "./key_buttons.ts";
import type { Keyboard } from "./keyboard.ts";
import { KEYSYM, keysymOf } from "./keysyms.ts";
import { LAYOUTS, layoutFor } from "./layouts.ts";

const PREFERENCE = "keyboard-layout";
/** Keys around the rows of characters. */
const BEFORE: readonly KeyCap[][] = [[], [{ label: "Tab", keysym: KEYSYM.Tab }], [], []];
const AFTER: readonly KeyCap[][] = [
  [{ label: "⌫", keysym: KEYSYM.BackSpace, name: "key.backspace" }],
  [],
  [{ label: "⏎", keysym: KEYSYM.Return, name: "key.enter" }],
  [],
];
const BOTTOM: readonly KeyCap[] = [
  { label: "Esc", keysym: KEYSYM.Escape },
  { label: "Ctrl", keysym: KEYSYM.Control },
  { label: "Alt", keysym: KEYSYM.Alt },
  { label: "␣", keysym: keysymOf(" "), name: "key.space" },
];
const ARROWS: readonly KeyCap[] = [
  { label: "←", keysym: KEYSYM.Left, name: "key.left" },
  { label: "↓", keysym: KEYSYM.Down, name: "key.down" },
  { label: "↑", keysym: KEYSYM.Up, name: "key.up" },
  { label: "→", keysym: KEYSYM.Right, name: "key.right" },
];

/** Which of a key's characters is typed: it goes back to the plain ones after a key. */
type Level = 0 | 1 | 2;
const SWITCHES: readonly { label: string; level: Level }[] = [
  { label: "⇧", level: 1 },
  { label: "AltGr", level: 2 },
];

export class OnScreenKeyboard {
  readonly element = element("on-screen-keyboard", "div");
  readonly #keyboard: Keyboard;
  readonly #hide: () => void;
  #held: ReadonlySet<number> = new Set();
  #level: Level = 0;

  /** @param hide called by the key that puts it away. */
  constructor(keyboard: Keyboard, hide: () => void) {
    this.#keyboard = keyboard;
    this.#hide = hide;
    keepFocus(this.element);
    this.#draw();
  }

  /** Name of the layout. */
  get layout(): string {
    const chosen = recall(PREFERENCE) ?? "";
    return chosen in LAYOUTS ? chosen : layoutFor(language());
  }

  set layout(name: string) {
    remember(PREFERENCE, name);
    this.update();
  }

  /** Draw it anew: another layout, or another language. */
  update(): void {
    this.#level = 0;
    this.#draw();
  }

  /** Show which modifiers are held. */
  mark(held: ReadonlySet<number>): void {
    this.#held = held;
    markHeld(this.element, held);
  }

  #draw(): void {
    const rows = LAYOUTS[this.layout]?.rows ?? [];
    const drawn = rows.map((keys, index) => {
      const characters = keys.split(" ").map((key) => this.#character([...key]));
      return this.#row([...this.#caps(BEFORE[index]), ...characters, ...this.#caps(AFTER[index])]);
    });
    const bottom = this.#row([
      ...SWITCHES.map(({ label, level }) => this.#switch(label, level)),
      ...this.#caps(BOTTOM),
      ...this.#caps(ARROWS),
      iconButton("keyboard.hide", "keyboard-off", this.#hide),
    ]);
    this.element.replaceChildren(...drawn, bottom);
    markHeld(this.element, this.#held);
  }

  #row(keys: HTMLElement[]): HTMLElement {
    return make("div", { class: "fl-key-row" }, ...keys);
  }

  #caps(caps: readonly KeyCap[] = []): HTMLElement[] {
    return caps.map((cap) => keyButton(cap, this.#keyboard));
  }

  #character(characters: string[]): HTMLElement {
    const character = characters[this.#level] ?? characters[0] ?? "";
    const key = keyButton({ label: character, keysym: keysymOf(character) }, this.#keyboard);
    key.addEventListener("click", () => this.#turn(0));
    return key;
  }

  #switch(label: string, level: Level): HTMLElement {
    const pressed = this.#level === level;
    const key = make("button", { type: "button", class: "button", "aria-pressed": String(pressed) }, label);
    if (level === 1) {
      key.setAttribute("aria-label", "Shift");
    }
    key.addEventListener("click", () => this.#turn(pressed ? 0 : level));
    return key;
  }

  #turn(level: Level): void {
    if (level !== this.#level) {
      this.#level = level;
      this.#draw();
    }
  }
}
