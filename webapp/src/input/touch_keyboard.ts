/** The touch keyboard and the bar of keys above it: keys that phones do not have. */
import type { Picture } from "../display/picture.ts";
import { element, make, show } from "../dom.ts";
import type { Session } from "../session.ts";
import { type Key, t } from "../strings.ts";
import type { Keyboard } from "./keyboard.ts";
import { isModifier, KEYSYM, keysymOf } from "./keysyms.ts";
import type { Pointer } from "./pointer.ts";

/** The bar, in order: what it says, what it sends, and its name where the label is only a sign. */
const BAR: readonly { label: string; keysym: number; name?: Key }[] = [
  { label: "Esc", keysym: KEYSYM.Escape },
  { label: "Tab", keysym: KEYSYM.Tab },
  { label: "Ctrl", keysym: KEYSYM.Control },
  { label: "Alt", keysym: KEYSYM.Alt },
  { label: "←", keysym: KEYSYM.Left, name: "key.left" },
  { label: "↓", keysym: KEYSYM.Down, name: "key.down" },
  { label: "↑", keysym: KEYSYM.Up, name: "key.up" },
  { label: "→", keysym: KEYSYM.Right, name: "key.right" },
  { label: "|", keysym: keysymOf("|") },
  { label: "/", keysym: keysymOf("/") },
  { label: "-", keysym: keysymOf("-") },
  { label: "~", keysym: keysymOf("~") },
  { label: "Home", keysym: KEYSYM.Home },
  { label: "End", keysym: KEYSYM.End },
  { label: "PgUp", keysym: KEYSYM.PageUp },
  { label: "PgDn", keysym: KEYSYM.PageDown },
];

/** Whether a finger is the main way to point here. */
export function isTouchDevice(): boolean {
  return window.matchMedia("(pointer: coarse)").matches;
}

export class TouchKeyboard {
  /** Shown or hidden, by whichever way. */
  onchange: () => void = () => undefined;

  readonly #bar = element("key-bar", "div");
  readonly #button = element("keyboard-button", "button");
  readonly #keyboard: Keyboard;
  readonly #picture: Picture;
  readonly #session: Session;

  constructor(keyboard: Keyboard, picture: Picture, pointer: Pointer, session: Session) {
    this.#keyboard = keyboard;
    this.#picture = picture;
    this.#session = session;
    this.#bar.replaceChildren(...BAR.map((key) => this.#key(key)));
    // A press must not take the focus from the field: the touch keyboard would go away.
    for (const target of [this.#bar, this.#button]) {
      target.addEventListener("pointerdown", (event) => event.preventDefault());
    }
    this.#button.addEventListener("click", () => {
      this.shown = !this.shown;
    });
    keyboard.onlatch = (held) => this.#mark(held);
    window.visualViewport?.addEventListener("resize", () => this.#fit());
    picture.events.on("change", () => {
      if (picture.covered) {
        picture.reveal(pointer.place);
      }
    });
    this.update();
  }

  get shown(): boolean {
    return !this.#bar.hidden;
  }

  set shown(shown: boolean) {
    show(this.#bar, shown);
    this.#button.setAttribute("aria-pressed", String(shown));
    this.#keyboard.touchKeyboard = shown;
    this.#fit();
    this.onchange();
  }

  /** Offer the button where there is no other way to the keyboard. */
  update(): void {
    show(this.#button, isTouchDevice());
  }

  #key({ label, keysym, name }: (typeof BAR)[number]): HTMLButtonElement {
    const key = make("button", { type: "button", class: "button" }, label);
    key.dataset.keysym = String(keysym);
    if (name !== undefined) {
      key.dataset.tLabel = name;
      key.setAttribute("aria-label", t(name));
    }
    if (isModifier(keysym)) {
      key.setAttribute("aria-pressed", "false");
    }
    key.addEventListener("click", () =>
      isModifier(keysym) ? this.#keyboard.latch(keysym) : this.#keyboard.stroke([keysym]),
    );
    return key;
  }

  #mark(held: ReadonlySet<number>): void {
    for (const key of this.#bar.querySelectorAll<HTMLElement>("[aria-pressed]")) {
      key.setAttribute("aria-pressed", String(held.has(Number(key.dataset.keysym))));
    }
  }

  /** End the page above the touch keyboard. A shell takes the smaller size; a desktop keeps its own. */
  #fit(): void {
    const { visualViewport: viewport } = window;
    const covered = viewport !== null && viewport.height < document.documentElement.clientHeight - 1;
    document.documentElement.style.setProperty(
      "--fl-visible-height",
      this.shown && covered ? `${viewport.height}px` : "100dvh",
    );
    this.#picture.covered = this.shown && this.#session.info?.protocol !== "ssh";
    this.#picture.update();
  }
}
