/** The menu's pointer: what one finger does. Absent where nobody can touch. */
import { element, show } from "../dom.ts";
import type { TouchMode } from "../input/gestures.ts";
import type { Pointer } from "../input/pointer.ts";
import { recall, remember } from "../preferences.ts";

const PREFERENCE = "touch-mode";

export class PointerPanel {
  constructor(pointer: Pointer) {
    show(element("mouse-settings", "details"), navigator.maxTouchPoints > 0);
    const choose = (mode: TouchMode) => {
      pointer.mode = mode;
      element(mode, "input").checked = true;
    };
    element("mouse-mode", "fieldset").addEventListener("change", (event) => {
      const mode = (event.target as HTMLInputElement).value as TouchMode;
      remember(PREFERENCE, mode);
      choose(mode);
    });
    choose(recall(PREFERENCE) === "relative" ? "relative" : "absolute");
  }
}
