/** The menu's clipboard: what lies on the instance's clipboard, to read and to change. */
import type { Clipboard, ClipboardMode } from "../clipboard.ts";
import { element, show } from "../dom.ts";
import { type Key, t } from "../strings.ts";

const STATES: Record<ClipboardMode, Key> = {
  auto: "clipboard.auto",
  keys: "clipboard.keys",
  manual: "clipboard.manual",
};
const TYPING_PAUSE_MS = 300;
const CONFIRM_MS = 2000;

export class ClipboardPanel {
  readonly #clipboard: Clipboard;
  readonly #state = element("clipboard-state", "p");
  readonly #box = element("clipboard-text", "textarea");
  readonly #copy = element("clipboard-copy", "button");
  readonly #allow = element("clipboard-allow", "button");
  #typing = 0;

  constructor(clipboard: Clipboard) {
    this.#clipboard = clipboard;
    clipboard.events.on("mode", () => this.update());
    clipboard.events.on("text", (text) => {
      if (this.#box.value !== text) {
        this.#box.value = text;
      }
    });
    this.#box.addEventListener("input", () => {
      window.clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => clipboard.send(this.#box.value), TYPING_PAUSE_MS);
    });
    this.#copy.addEventListener("click", () => this.#copyOut());
    this.#allow.addEventListener("click", () => clipboard.ask());
    this.update();
  }

  /** Say which way works here. */
  update(): void {
    this.#state.textContent = t(STATES[this.#clipboard.mode]);
    show(this.#allow, this.#clipboard.askable);
  }

  /** What was typed is on its way before the menu closes. */
  flush(): void {
    window.clearTimeout(this.#typing);
    this.#clipboard.send(this.#box.value);
  }

  async #copyOut(): Promise<void> {
    const copied = await this.#clipboard.copy(this.#box.value);
    const label = this.#copy.querySelector("span");
    if (label !== null) {
      label.textContent = t(copied ? "clipboard.copied" : "clipboard.notCopied");
      window.setTimeout(() => {
        label.textContent = t("clipboard.copy");
      }, CONFIRM_MS);
    }
  }
}
