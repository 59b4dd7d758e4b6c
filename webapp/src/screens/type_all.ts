/** What is typed into one terminal goes to every terminal that is shown. Off until wanted, and never unseen. */
import { element, make, show } from "../dom.ts";
import { t } from "../strings.ts";
import type { HolderWord, Typed } from "../tile.ts";

/** A terminal of the window, as far as it matters here. */
export interface Typable {
  readonly frame: HTMLIFrameElement;
  readonly cell: HTMLElement;
  /** A terminal that is connected and may be typed into. */
  typable: boolean;
}

export class TypeAll {
  readonly #button = element("tabs-type-all", "button");
  readonly #warning = element("type-all-warning", "div");
  readonly #words = element("type-all-words", "p");
  readonly #tiles: () => readonly Typable[];
  readonly #sideBySide: () => boolean;
  /** Keys that are down in the others. */
  readonly #held = new Set<number>();
  #on = false;

  /**
   * @param tiles all of the window's.
   * @param sideBySide whether more than one may be seen.
   */
  constructor(tiles: () => readonly Typable[], sideBySide: () => boolean) {
    this.#tiles = tiles;
    this.#sideBySide = sideBySide;
    this.#button.addEventListener("click", () => this.toggle());
    element("type-all-off", "button").addEventListener("click", () => this.stop());
  }

  toggle(): void {
    if (this.#on) {
      this.stop();
    } else if (this.#targets.length > 1) {
      this.#on = true;
      this.#show();
    }
  }

  /** Type to one only; keys that are down in the others come up. */
  stop(): void {
    if (this.#on) {
      for (const keysym of this.#held) {
        this.#send(this.#targets, { kind: "typed", typed: { keysym, pressed: 0 } });
      }
      this.#held.clear();
      this.#on = false;
    }
    this.#show();
  }

  /** The person typed into a tile. */
  typed(from: Typable, typed: Typed): void {
    const targets = this.#targets;
    if (!this.#on || !targets.includes(from)) {
      return;
    }
    if ("keysym" in typed) {
      if (typed.pressed === 1) {
        this.#held.add(typed.keysym);
      } else {
        this.#held.delete(typed.keysym);
      }
    }
    this.#send(
      targets.filter((tile) => tile !== from),
      { kind: "typed", typed },
    );
  }

  /** Tiles changed, or one of them did. */
  update(): void {
    if (this.#on && this.#targets.length < 2) {
      this.stop();
    } else {
      this.#show();
    }
  }

  /** Terminals that are on the screen: what cannot be seen is never typed into. */
  get #targets(): Typable[] {
    if (!this.#sideBySide()) {
      return [];
    }
    return this.#tiles().filter(
      ({ typable, cell }) => typable && getComputedStyle(cell).visibility === "visible",
    );
  }

  #show(): void {
    const targets = this.#targets;
    show(this.#button, this.#on || targets.length > 1);
    this.#button.setAttribute("aria-pressed", String(this.#on));
    this.#words.textContent = this.#on ? `⚠ ${t("tabs.typeAllOn", { count: targets.length })}` : "";
    show(this.#warning, this.#on);
    for (const tile of this.#tiles()) {
      const typed = this.#on && targets.includes(tile);
      tile.cell.classList.toggle("fl-typed-to", typed);
      tile.cell.querySelector(".fl-typed-label")?.remove();
      if (typed) {
        tile.cell.append(make("span", { class: "fl-typed-label" }, `⚠ ${t("tabs.typeAllHere")}`));
      }
      this.#send([tile], { kind: "type-all", on: typed });
    }
  }

  #send(tiles: readonly Typable[], word: HolderWord): void {
    for (const { frame } of tiles) {
      frame.contentWindow?.postMessage(word, location.origin);
    }
  }
}
