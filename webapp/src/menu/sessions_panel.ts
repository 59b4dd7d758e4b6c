/** The menu's sessions, where a token opens several: to the next, side by side, and to all of them. */
import { element, show } from "../dom.ts";
import { isTile, tellHolder } from "../tile.ts";

export class SessionsPanel {
  /** @param leave called when a choice was made, so that the menu closes. */
  constructor(leave: () => void) {
    show(element("sessions-section", "details"), isTile);
    for (const kind of ["next", "arrange", "type-all", "home"] as const) {
      element(`sessions-${kind}`, "button").addEventListener("click", () => {
        leave();
        tellHolder({ kind });
      });
    }
  }
}
