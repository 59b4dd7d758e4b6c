/** The menu's keyboard: the input method, and keys that browsers keep for themselves. */
import { element, make, show } from "../dom.ts";
import type { Keyboard } from "../input/keyboard.ts";
import { KEPT_CHORDS } from "../input/keysyms.ts";
import type { TouchKeyboard } from "../input/touch_keyboard.ts";

export class KeyboardPanel {
  readonly #touch: TouchKeyboard;

  /** @param after called when a key was sent: the person wants to see what it did. */
  constructor(keyboard: Keyboard, touch: TouchKeyboard, after: () => void) {
    this.#touch = touch;
    element("send-keys", "div").replaceChildren(
      ...KEPT_CHORDS.map(({ label, keys }) => {
        const key = make("button", { type: "button", class: "button" }, make("kbd", {}, label));
        key.addEventListener("click", () => {
          keyboard.stroke(keys);
          after();
        });
        return key;
      }),
    );
    show(element("keyboard-lock", "p"), "keyboard" in navigator);
    element("input-method", "fieldset").addEventListener("change", (event) => {
      touch.shown = (event.target as HTMLInputElement).value === "text";
      after();
    });
    touch.onchange = () => this.update();
  }

  update(): void {
    element(this.#touch.shown ? "ime-text" : "ime-none", "input").checked = true;
  }
}
