/** The menu's display: fit or zoom, the instance's size, full screen. */
import type { Picture } from "../display/picture.ts";
import { stepZoom } from "../display/scaling.ts";
import { element, show } from "../dom.ts";
import { language } from "../strings.ts";
import { isTile } from "../tile.ts";

/** Keys that go to the instance in full screen, where the browser knows Keyboard Lock. */
interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

export class DisplayPanel {
  readonly #picture: Picture;
  readonly #fit = element("auto-fit", "input");
  readonly #state = element("zoom-state", "output");

  constructor(picture: Picture) {
    this.#picture = picture;
    picture.events.on("change", () => this.update());
    this.#fit.addEventListener("change", () => picture.setZoom(this.#fit.checked ? "fit" : picture.factor));
    element("zoom-in", "button").addEventListener("click", () =>
      picture.setZoom(stepZoom(picture.factor, 1)),
    );
    element("zoom-out", "button").addEventListener("click", () =>
      picture.setZoom(stepZoom(picture.factor, -1)),
    );
    element("zoom-actual", "button").addEventListener("click", () => picture.setZoom(1));
    const follow = element("follow-window", "input");
    follow.addEventListener("change", () => {
      picture.follow = follow.checked;
      picture.update();
    });
    this.#offerFullScreen();
  }

  update(): void {
    this.#fit.checked = this.#picture.zoom === "fit";
    this.#state.textContent = new Intl.NumberFormat(language(), { style: "percent" }).format(
      this.#picture.factor,
    );
  }

  #offerFullScreen(): void {
    const button = element("full-screen", "button");
    show(button, document.fullscreenEnabled);
    button.addEventListener("click", async () => {
      // In a tile it is the whole window's.
      const { keyboard } = (isTile ? window.parent : window).navigator as Navigator & {
        keyboard?: KeyboardLock;
      };
      if (document.fullscreenElement !== null) {
        keyboard?.unlock();
        await document.exitFullscreen();
      } else {
        await document.documentElement.requestFullscreen();
        await keyboard?.lock().catch(() => undefined);
      }
    });
  }
}
