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
  /** The person chose this in the tile's menu. */
  | { kind: "log-out" | "home" | "next" | "arrange" };

/** Whether this page is a tile. */
export const isTile = window.name === TILE_NAME && window.parent !== window;

/** Tell the page that holds this one; nobody hears it who is not of our origin. */
export function tellHolder(word: TileWord): void {
  if (isTile) {
    window.parent.postMessage(word, location.origin);
  }
}

/** Links in a tile lead the whole window away, not the tile. */
export function leadOutOfTiles(root: ParentNode): void {
  if (isTile) {
    for (const link of root.querySelectorAll<HTMLAnchorElement>("a:not([target])")) {
      link.target = "_top";
    }
  }
}
