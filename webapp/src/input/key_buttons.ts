/** Keys to press with a finger or the mouse. */
import { make } from "../dom.ts";
import { type IconName, icon } from "../icons.ts";
import { type Key, t } from "../strings.ts";
import type { Keyboard } from "./keyboard.ts";
import { isModifier } from "./keysyms.ts";

/** A key: what it says, what it sends, and its name where the label is only a sign. */
export interface KeyCap {
  label: string;
  keysym: number;
  name?: Key;
}

/** A button for a key; modifiers stay held for the next one. */
export function keyButton({ label, keysym, name }: KeyCap, keyboard: Keyboard): HTMLButtonElement {
  const key = make("button", { type: "button", class: "button" }, label);
  key.dataset.keysym = String(keysym);
  if (name !== undefined) {
    entitle(key, name);
  }
  if (isModifier(keysym)) {
    key.setAttribute("aria-pressed", "false");
  }
  key.addEventListener("click", () =>
    isModifier(keysym) ? keyboard.latch(keysym) : keyboard.stroke([keysym]),
  );
  return key;
}

/** A button that shows an icon and does something of ours. */
export function iconButton(name: Key, picture: IconName, act: () => void): HTMLButtonElement {
  const button = make("button", { type: "button", class: "button" }, icon(picture));
  entitle(button, name);
  button.addEventListener("click", act);
  return button;
}

/** Show which modifiers are held. */
export function markHeld(root: ParentNode, held: ReadonlySet<number>): void {
  for (const key of root.querySelectorAll<HTMLElement>("[data-keysym][aria-pressed]")) {
    key.setAttribute("aria-pressed", String(held.has(Number(key.dataset.keysym))));
  }
}

/** A press leaves the focus where it is: keys go on to the instance, a touch keyboard stays. */
export function keepFocus(root: HTMLElement): void {
  root.addEventListener("pointerdown", (event) => event.preventDefault());
}

function entitle(button: HTMLElement, name: Key): void {
  button.dataset.tLabel = name;
  button.setAttribute("aria-label", t(name));
}
