/** Short words at the bottom of the screen, one at a time. */
import { element, show } from "../dom.ts";

const SHOWN_MS = 6000;

export class Notices {
  readonly #notice = element("notice", "div");
  #timer = 0;

  /** Say something; it goes away by itself, or when something else is said. */
  say(text: string, milliseconds = SHOWN_MS): void {
    window.clearTimeout(this.#timer);
    show(this.#notice, true);
    this.#notice.textContent = text;
    this.#timer = window.setTimeout(() => {
      this.#notice.textContent = "";
      show(this.#notice, false);
    }, milliseconds);
  }
}
