/** The menu's terminal: what can be done with it, as far as the instance announced that it can. */
import { element, make, show } from "../dom.ts";
import type { TextView } from "../screens/text_view.ts";
import type { Session } from "../session.ts";
import { type Key, t } from "../strings.ts";
import { TerminalSearch } from "./terminal_search.ts";

/** Names under which a daemon knows its own scheme. */
const DEFAULTS = ["", "default", "fanlight"];
/** Schemes by name: two of our daemon, four that every daemon of the protocol knows; and how they look. */
const SCHEMES: readonly { value: string; name: Key; foreground: string; background: string }[] = [
  { value: "default", name: "scheme.dark", foreground: "#d6dae1", background: "#1a1d23" },
  { value: "fanlight-light", name: "scheme.light", foreground: "#2b2f36", background: "#fafaf8" },
  { value: "gray-black", name: "scheme.grayBlack", foreground: "#999999", background: "#000000" },
  { value: "white-black", name: "scheme.whiteBlack", foreground: "#ffffff", background: "#000000" },
  { value: "green-black", name: "scheme.greenBlack", foreground: "#3e993e", background: "#000000" },
  { value: "black-white", name: "scheme.blackWhite", foreground: "#000000", background: "#ffffff" },
];
const [MIN_POINTS, MAX_POINTS] = [6, 48];
/** Buttons that ask the terminal for what they are called. */
const ACTIONS = ["copy", "save", "clear"];

export class TerminalPanel {
  readonly #session: Session;
  readonly #section = element("connection-settings", "details");
  readonly #schemes = element("color-scheme", "fieldset");
  readonly #fontSize = element("font-size", "div");
  readonly #fontValue = element("font-size-value", "output");
  readonly #search: TerminalSearch;
  readonly #textView: TextView;
  #points = 0;

  constructor(session: Session, textView: TextView) {
    this.#session = session;
    this.#search = new TerminalSearch(session);
    this.#textView = textView;
    for (const action of ACTIONS) {
      element(`terminal-${action}`, "button").addEventListener("click", () => session.ask(action));
    }
    this.#schemes.append(...SCHEMES.map((scheme) => schemeChoice(scheme)));
    this.#schemes.addEventListener("change", (event) =>
      session.sendArgument("color-scheme", (event.target as HTMLInputElement).value),
    );
    element("font-smaller", "button").addEventListener("click", () => this.#resize(-1));
    element("font-larger", "button").addEventListener("click", () => this.#resize(1));
    session.events.on("argument", ({ name, value }) => this.#learn(name, value));
    session.events.on("step", (step) => {
      if (step === "reach" && !session.seen) {
        this.#forget();
      }
    });
  }

  /** The language changed. */
  update(): void {
    this.#search.update();
  }

  #learn(name: string, value: string): void {
    if (name === "color-scheme") {
      show(this.#schemes, true);
      for (const choice of this.#schemes.querySelectorAll("input")) {
        choice.checked = choice.value === (DEFAULTS.includes(value) ? "default" : value);
      }
    } else if (name === "font-size") {
      this.#points = Number.parseInt(value, 10) || 0;
      this.#fontValue.textContent = String(this.#points);
      show(this.#fontSize, this.#points > 0);
    } else if (name === "fanlight-command") {
      this.#offer(value.split(" "));
    } else {
      return;
    }
    show(this.#section, true);
  }

  /** Show what the terminal can be asked for. */
  #offer(words: string[]): void {
    this.#search.offer(words.includes("search"));
    const shown = ACTIONS.filter((action) =>
      show(element(`terminal-${action}`, "button"), words.includes(action)),
    );
    show(element("terminal-actions", "div"), shown.length > 0);
    this.#textView.offer(show(element("terminal-text", "label"), words.includes("text")));
  }

  #resize(change: number): void {
    this.#points = Math.min(MAX_POINTS, Math.max(MIN_POINTS, this.#points + change));
    this.#fontValue.textContent = String(this.#points);
    this.#session.sendArgument("font-size", String(this.#points));
  }

  #forget(): void {
    for (const part of [this.#section, this.#schemes, this.#fontSize]) {
      show(part, false);
    }
    this.#offer([]);
  }
}

function schemeChoice({ value, name, foreground, background }: (typeof SCHEMES)[number]): HTMLElement {
  const sample = make("span", { class: "fl-sample", "aria-hidden": "true" }, "$_");
  sample.style.color = foreground;
  sample.style.backgroundColor = background;
  const text = make("span", { "data-t": name }, t(name));
  return make(
    "label",
    { class: "choice" },
    make("input", { type: "radio", name: "color-scheme", value }),
    sample,
    text,
  );
}
