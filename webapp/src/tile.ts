/**
 * A session that is one of several in a window is a page of its own, in a frame of the page that holds them: nothing
 * is shared but the origin, so keys, menu and failures of one never reach another.
 */

/** How the page that holds tiles names their windows. */
export const TILE_NAME = "fanlight-tile";

/** What a tile tells the page that holds it. */
export type TileWord =
  | { kind: "title"; title: string }
  | { kind: "live"; live: boolean }
  /** Whether it is a terminal that may be typed into. */
  | { kind: "typable"; typable: boolean }
  /** What the person typed, where that goes to the others, too. */
  | { kind: "typed"; typed: Typed }
  /** The person chose this in the tile's menu. */
  | { kind: "log-out" | "home" | "next" | "arrange" | "type-all" };

/** A key that went down (1) or up (0), or text that was pasted. */
export type Typed = { keysym: number; pressed: 0 | 1 } | { clipboard: string };

/** What the page that holds tiles tells one. */
export type HolderWord =
  /** What is typed here goes to others, or not any more. */
  | { kind: "type-all"; on: boolean }
  /** It was typed into another tile. */
  | { kind: "typed"; typed: Typed };

/** Whether this page is a tile. */
export const isTile = window.name === TILE_NAME && window.parent !== window;

/** Tell the page that holds this one; nobody hears it who is not of our origin. */
export function tellHolder(word: TileWord): void {
  if (isTile) {
    window.parent.postMessage(word, location.origin);
  }
}

/** Hear the page that holds this one, and nobody else. */
export function hearHolder(hear: (word: HolderWord) => void): void {
  if (isTile) {
    window.addEventListener("message", ({ origin, source, data }) => {
      if (origin === location.origin && source === window.parent && isWord<HolderWord>(data)) {
        hear(data);
      }
    });
  }
}

/** Whether a message is one of ours: what else is in the browser may send messages, too. */
export function isWord<Word extends { kind: string }>(data: unknown): data is Word {
  return typeof data === "object" && data !== null && "kind" in data;
}

/** Links in a tile lead the whole window away, not the tile. */
export function leadOutOfTiles(root: ParentNode): void {
  if (isTile) {
    for (const link of root.querySelectorAll<HTMLAnchorElement>("a:not([target])")) {
      link.target = "_top";
    }
  }
}
