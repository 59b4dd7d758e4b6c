/** The menu's search: words go to the terminal, which shows what it found and says how much that is. */
import { element, show } from "../dom.ts";
import type { Session } from "../session.ts";
import { t } from "../strings.ts";

const TYPING_PAUSE_MS = 200;
const ANSWER = "fanlight-search";

export class TerminalSearch {
  readonly #session: Session;
  readonly #form = element("terminal-search", "form");
  readonly #text = element("search-text", "input");
  readonly #state = element("search-state", "p");
  #sought = "";
  #typing = 0;
  #answer = "";

  constructor(session: Session) {
    this.#session = session;
    this.#text.addEventListener("input", () => {
      window.clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.#seek(), TYPING_PAUSE_MS);
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go("older");
    });
    element("search-newer", "button").addEventListener("click", () => this.#go("newer"));
    session.events.on("told", ({ name, text }) => {
      if (name === ANSWER) {
        this.#answer = text;
        this.update();
      }
    });
  }

  /** Offer it, or not; a new terminal knows nothing of what was looked for in another. */
  offer(offered: boolean): void {
    show(this.#form, offered);
    this.#text.value = "";
    this.#sought = "";
    this.update();
  }

  /** Say what was found. */
  update(): void {
    const [current = "", count = ""] = this.#answer.split(" ");
    if (this.#sought === "") {
      this.#state.textContent = "";
    } else if (/^[1-9]\d*$/.test(current)) {
      this.#state.textContent = t("terminal.found", { current, count });
    } else {
      this.#state.textContent = count === "0" ? t("terminal.notFound") : "";
    }
  }

  /** The first time look, then go on. */
  #go(where: "older" | "newer"): void {
    if (this.#text.value === this.#sought) {
      this.#session.ask(where);
    } else {
      this.#seek();
    }
  }

  #seek(): void {
    window.clearTimeout(this.#typing);
    if (this.#text.value !== this.#sought) {
      this.#sought = this.#text.value;
      this.#answer = "";
      this.update();
      this.#session.ask(`search ${this.#sought}`);
    }
  }
}
