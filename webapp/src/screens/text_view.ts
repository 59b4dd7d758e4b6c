/**
 * What is on the screen as text, beside the picture: to be read line by line, and what is new is announced. The terminal
 * sends it only while it is wanted.
 */
import { element, make, show } from "../dom.ts";
import { recall, remember } from "../preferences.ts";
import type { Session } from "../session.ts";

const ANSWER = "fanlight-text";
const WANTED = "text-view";
/** Lines that are announced at once; more of them nobody can listen to. */
const MAX_NEWS = 24;
/** Lines that stay in the log. */
const KEPT = 100;

export class TextView {
  readonly #session: Session;
  readonly #view = element("text-view", "section");
  readonly #text = element("screen-text", "textarea");
  readonly #news = element("screen-news", "div");
  readonly #wanted = element("text-wanted", "input");
  #offered = false;
  #told = false;

  constructor(session: Session) {
    this.#session = session;
    this.#wanted.checked = recall(WANTED) === "1";
    this.#wanted.addEventListener("change", () => {
      remember(WANTED, this.#wanted.checked ? "1" : "0");
      this.#apply();
    });
    session.events.on("told", ({ name, text }) => {
      if (name === ANSWER && this.#wanted.checked) {
        this.#take(text);
      }
    });
    session.events.on("connected", () => this.#apply());
  }

  /** Whether the terminal can tell. */
  offer(offered: boolean): void {
    this.#offered = offered;
    this.#apply();
  }

  #apply(): void {
    const shown = show(this.#view, this.#offered && this.#wanted.checked);
    if (shown || this.#told) {
      this.#session.ask(shown ? "text on" : "text off");
    }
    this.#told = shown;
    this.#text.value = "";
    this.#news.replaceChildren();
  }

  #take(text: string): void {
    const before = this.#text.value;
    const { selectionStart, selectionEnd, scrollTop } = this.#text;
    this.#text.value = text;
    if (document.activeElement === this.#text) {
      this.#text.setSelectionRange(selectionStart, selectionEnd);
      this.#text.scrollTop = scrollTop;
    } else {
      this.#text.scrollTop = this.#text.scrollHeight;
    }
    this.#news.append(...newLines(before, text).map((line) => make("p", {}, line)));
    for (const old of [...this.#news.children].slice(0, -KEPT)) {
      old.remove();
    }
  }
}

/** The lines of a screen that were not there before: what scrolled is recognised, blank lines are no news. */
export function newLines(before: string, after: string): string[] {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const scrolled = before === "" ? old.length : shift(old, now);
  return now.filter((line, row) => line.trim() !== "" && line !== old[row + scrolled]).slice(-MAX_NEWS);
}

/** By how many lines the screen scrolled: the least after which most of what is left stands where it stood. */
function shift(old: string[], now: string[]): number {
  let [best, most] = [0, -1];
  for (let lines = 0; lines < old.length; lines += 1) {
    const same = now.filter((line, row) => line.trim() !== "" && line === old[row + lines]).length;
    if (same > most) {
      [best, most] = [lines, same];
    }
  }
  return best;
}
