/** Several sessions in one window: as tabs, or side by side. Keys go to the one that has the focus; all of them run. */
import { element, make, show } from "../dom.ts";
import { recall, remember } from "../preferences.ts";
import { t } from "../strings.ts";
import { tame } from "../text.ts";
import { isWord, TILE_NAME, type TileWord } from "../tile.ts";
import { TypeAll } from "./type_all.ts";

/** Each is a whole page with a picture. */
const MAX_TILES = 8;
const ARRANGEMENT = "side-by-side";

interface Tile {
  /** The target as addresses have it. */
  readonly encoded: string;
  readonly tab: HTMLButtonElement;
  readonly frame: HTMLIFrameElement;
  readonly cell: HTMLElement;
  live: boolean;
  typable: boolean;
}

export class Workspace {
  /** A tile asks for what only the page can do. */
  onask: (what: "log-out" | "home") => void = () => undefined;

  readonly #root = element("workspace", "main");
  readonly #tabs = element("tabs", "div");
  readonly #grid = element("tiles", "div");
  readonly #arrange = element("tabs-arrange", "button");
  #tiles: Tile[] = [];
  #current: Tile | null = null;
  readonly #typeAll = new TypeAll(
    () => this.#tiles,
    () => this.#sideBySide,
  );

  constructor() {
    window.addEventListener("message", (event) => this.#hear(event));
    this.#tabs.addEventListener("keydown", (event) => this.#walk(event));
    this.#arrange.addEventListener("click", () => this.#arrangeTiles(!this.#sideBySide));
    element("tabs-close", "button").addEventListener("click", () => this.#close());
    element("tabs-home", "button").addEventListener("click", () => this.onask("home"));
    this.#arrangeTiles(recall(ARRANGEMENT) === "1");
  }

  /** Open targets that are not open, and turn to the last of them. */
  open(targets: readonly string[]): void {
    for (const encoded of targets) {
      const tile = this.#tiles.find((known) => known.encoded === encoded) ?? this.#add(encoded);
      if (tile !== null) {
        this.#turnTo(tile);
      }
    }
    this.shown = true;
    this.#current?.frame.focus();
    this.#note();
  }

  /** Leave every session. */
  clear(): void {
    for (const tile of this.#tiles) {
      tile.cell.remove();
      tile.tab.remove();
    }
    this.#tiles = [];
    this.#current = null;
    this.#typeAll.stop();
    this.shown = false;
  }

  /** Whether it is what the person sees; the sessions go on either way. */
  set shown(shown: boolean) {
    if (!shown) {
      this.#typeAll.stop();
    }
    show(this.#root, this.#tiles.length > 0);
    this.#root.inert = !shown;
    this.#root.classList.toggle("fl-away", !shown);
  }

  get #sideBySide(): boolean {
    return this.#root.classList.contains("fl-side-by-side");
  }

  #add(encoded: string): Tile | null {
    if (this.#tiles.length >= MAX_TILES) {
      return null;
    }
    const id = `tile-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    // A page may hold itself only under another address.
    const src = new URL(`?tile#/client/${encoded}`, document.baseURI).href;
    const title = t("menu.title");
    const frame = make("iframe", {
      name: TILE_NAME,
      src,
      title,
      allow: "fullscreen; clipboard-read; clipboard-write",
    });
    const cell = make("div", { class: "client-tile", role: "tabpanel", id, "aria-label": title }, frame);
    const tab = make("button", { type: "button", role: "tab", class: "fl-tab", "aria-controls": id }, title);
    const tile: Tile = { encoded, tab, frame, cell, live: false, typable: false };
    tab.addEventListener("click", () => {
      this.#turnTo(tile);
      frame.focus();
    });
    frame.addEventListener("load", () => {
      frame.contentWindow?.addEventListener("focus", () => this.#turnTo(tile));
      if (tile === this.#current && !this.#root.inert) {
        frame.focus();
      }
    });
    this.#typeAll.stop();
    this.#tiles.push(tile);
    this.#tabs.append(tab);
    this.#grid.append(cell);
    return tile;
  }

  #turnTo(tile: Tile): void {
    this.#current = tile;
    for (const other of this.#tiles) {
      const current = other === tile;
      other.tab.setAttribute("aria-selected", String(current));
      other.tab.tabIndex = current ? 0 : -1;
      other.cell.classList.toggle("focused", current);
      other.cell.inert = !current && !this.#sideBySide;
    }
  }

  #arrangeTiles(sideBySide: boolean): void {
    this.#typeAll.stop();
    this.#root.classList.toggle("fl-side-by-side", sideBySide);
    this.#arrange.setAttribute("aria-pressed", String(sideBySide));
    remember(ARRANGEMENT, sideBySide ? "1" : "0");
    if (this.#current !== null) {
      this.#turnTo(this.#current);
    }
    this.#typeAll.update();
  }

  #close(): void {
    const tile = this.#current;
    if (
      tile === null ||
      (tile.live && !window.confirm(t("tabs.closeAsk", { name: tile.tab.textContent ?? "" })))
    ) {
      return;
    }
    const at = this.#tiles.indexOf(tile);
    this.#tiles.splice(at, 1);
    tile.cell.remove();
    tile.tab.remove();
    this.#typeAll.stop();
    const next = this.#tiles[Math.min(at, this.#tiles.length - 1)];
    if (next === undefined) {
      this.#current = null;
      this.onask("home");
    } else {
      this.#turnTo(next);
      next.tab.focus();
      this.#note();
    }
  }

  /** The address names what is open: a reload opens it again. */
  #note(): void {
    history.replaceState(null, "", `#/client/${this.#tiles.map(({ encoded }) => encoded).join(".")}`);
  }

  #next(step: number): Tile | undefined {
    const at = this.#current === null ? 0 : this.#tiles.indexOf(this.#current);
    return this.#tiles.at((at + step) % this.#tiles.length);
  }

  #walk(event: KeyboardEvent): void {
    const found: Record<string, Tile | undefined> = {
      ArrowRight: this.#next(1),
      ArrowLeft: this.#next(-1),
      Home: this.#tiles[0],
      End: this.#tiles.at(-1),
    };
    const tile = found[event.key];
    if (tile !== undefined) {
      event.preventDefault();
      this.#turnTo(tile);
      tile.tab.focus();
    } else if (event.key === "Delete") {
      this.#close();
    }
  }

  #hear({ origin, source, data }: MessageEvent): void {
    const tile = this.#tiles.find(({ frame }) => frame.contentWindow === source);
    if (origin !== location.origin || tile === undefined || !isWord<TileWord>(data)) {
      return;
    }
    switch (data.kind) {
      case "title":
        this.#entitle(tile, tame(data.title, 60) || t("menu.title"));
        break;
      case "live":
        tile.live = data.live;
        tile.tab.classList.toggle("fl-live", data.live);
        break;
      case "next":
        this.#turnTo(this.#next(1) ?? tile);
        this.#current?.frame.focus();
        break;
      case "typable":
        tile.typable = data.typable;
        this.#typeAll.update();
        break;
      case "typed":
        this.#typeAll.typed(tile, data.typed);
        break;
      case "type-all":
        this.#typeAll.toggle();
        break;
      case "arrange":
        this.#arrangeTiles(!this.#sideBySide);
        break;
      case "log-out":
      case "home":
        this.onask(data.kind);
        break;
    }
  }

  #entitle(tile: Tile, title: string): void {
    tile.tab.textContent = title;
    tile.frame.title = title;
    tile.cell.setAttribute("aria-label", title);
  }
}
