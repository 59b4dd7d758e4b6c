/** The menu's display: fit or zoom, the instance's size, full screen. */
import type { Picture } from "../display/picture.ts";
import { stepZoom } from "../display/scaling.ts";
import { element, make, show } from "../dom.ts";
import type { Session } from "../session.ts";
import { type Key, language, t } from "../strings.ts";
import { isTile } from "../tile.ts";

/** Keys that go to the instance in full screen, where the browser knows Keyboard Lock. */
interface KeyboardLock {
  lock(): Promise<void>;
  unlock(): void;
}

/** JPEG levels of VNC by name; none follows what moves. */
const QUALITIES: readonly { level: string; name: Key }[] = [
  { level: "", name: "display.qualityAutomatic" },
  { level: "9", name: "display.qualitySharp" },
  { level: "5", name: "display.qualityBalanced" },
  { level: "1", name: "display.qualitySaving" },
];

export class DisplayPanel {
  readonly #picture: Picture;
  readonly #fit = element("auto-fit", "input");
  readonly #state = element("zoom-state", "output");
  readonly #quality = element("quality-level", "select");

  constructor(picture: Picture, session: Session) {
    this.#picture = picture;
    this.#offerQualities(session);
    picture.events.on("change", () => this.#showZoom());
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

  /** The language changed. */
  update(): void {
    this.#nameQualities();
    this.#showZoom();
  }

  #showZoom(): void {
    this.#fit.checked = this.#picture.zoom === "fit";
    this.#state.textContent = new Intl.NumberFormat(language(), { style: "percent" }).format(
      this.#picture.factor,
    );
  }

  /** The instance says what can be chosen, by saying what is. */
  #offerQualities(session: Session): void {
    this.#quality.append(...QUALITIES.map(({ level }) => make("option", { value: level })));
    this.#nameQualities();
    this.#quality.addEventListener("change", () =>
      session.sendArgument("quality-level", this.#quality.value),
    );
    session.events.on("argument", ({ name, value }) => {
      if (name === "quality-level") {
        this.#quality.value = value;
        show(element("quality-field", "label"), true);
      }
    });
    session.events.on("step", (step) => {
      if (step === "reach" && !session.seen) {
        show(element("quality-field", "label"), false);
      }
    });
  }

  #nameQualities(): void {
    QUALITIES.forEach(({ name }, index) => {
      (this.#quality.options[index] as HTMLOptionElement).textContent = t(name);
    });
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
