/** The menu's keyboard: the input method, and keys that browsers keep for themselves. */
import { element, make, show } from "../dom.ts";
import { type InputMethod, METHODS } from "../input/input_method.ts";
import type { Keyboard } from "../input/keyboard.ts";
import { KEPT_CHORDS } from "../input/keysyms.ts";
import { LAYOUTS } from "../input/layouts.ts";

export class KeyboardPanel {
  readonly #input: InputMethod;
  readonly #layout = element("osk-layout", "select");

  /** @param after called when the person wants to see what came of a choice. */
  constructor(keyboard: Keyboard, input: InputMethod, after: () => void) {
    this.#input = input;
    input.onchange = () => this.update();
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
      const { value } = event.target as HTMLInputElement;
      input.method = METHODS.find((method) => method === value) ?? "none";
      after();
    });
    this.#layout.replaceChildren(
      ...Object.entries(LAYOUTS).map(([value, { name }]) => make("option", { value }, name)),
    );
    this.#layout.addEventListener("change", () => {
      input.onScreen.layout = this.#layout.value;
    });
    this.update();
  }

  update(): void {
    const { method, onScreen } = this.#input;
    element(`ime-${method}`, "input").checked = true;
    show(element("osk-layout-field", "label"), method === "osk");
    this.#layout.value = onScreen.layout;
  }
}
