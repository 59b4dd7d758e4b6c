/** The instance's picture in the page: its element, its scale, its pointer, and the size asked of the instance. */
import type Guacamole from "guacamole-common-js";
import { Emitter } from "../emitter.ts";
import type { Session, Viewport } from "../session.ts";
import { boundZoom, type Size, scaleFor, wantedSize, type Zoom } from "./scaling.ts";

const RESIZE_PAUSE_MS = 150;
const CSS_DPI = 96;
/** The class of a frame that is smaller than its picture. */
const SCROLLS = "fl-scrolls";

/** A place in the picture, in its own pixels. */
export interface Place {
  x: number;
  y: number;
}

export interface PictureEvents {
  /** Scale, zoom or size changed. */
  change: undefined;
}

/** Shows the picture of a session inside `frame`, which scrolls where the picture is larger. */
export class Picture {
  readonly events = new Emitter<PictureEvents>();
  readonly frame: HTMLElement;
  /** CSS pixels for one pixel of the picture. */
  scale = 1;
  zoom: Zoom = "fit";
  /** Whether the instance is asked to take the size of the window. */
  follow = true;
  /** Whether the window only shrank because a touch keyboard covers a part of it. */
  covered = false;

  readonly #holder: HTMLElement;
  readonly #session: Session;
  #pinched = false;
  #display: Guacamole.Display | null = null;
  #asked: Size = { width: 0, height: 0 };
  #pause = 0;

  constructor(frame: HTMLElement, holder: HTMLElement, session: Session) {
    this.frame = frame;
    this.#holder = holder;
    this.#session = session;
    session.events.on("connected", () => this.#adopt());
    session.events.on("step", (step) => {
      if (step === "reach" && !session.seen) {
        this.clear();
      }
    });
    new ResizeObserver(() => this.update()).observe(frame);
    window.addEventListener("resize", () => this.update());
  }

  /** The window as the instance should see it. */
  viewport(): Viewport {
    this.#asked = this.#wanted();
    return { ...this.#asked, dpi: Math.round(CSS_DPI * density()) };
  }

  /** Size of the picture in its own pixels. */
  get size(): Size {
    return { width: this.#display?.getWidth() ?? 0, height: this.#display?.getHeight() ?? 0 };
  }

  /** All layers as one picture; null where nothing is shown. */
  flattened(): HTMLCanvasElement | null {
    const { width, height } = this.size;
    return width > 0 && height > 0 ? (this.#display?.flatten() ?? null) : null;
  }

  /** The place under a point of the window; the nearest one where the point lies outside. */
  placeAt(clientX: number, clientY: number): Place {
    const box = this.#holder.getBoundingClientRect();
    const within = (offset: number, limit: number) =>
      Math.max(0, Math.min(limit - 1, Math.floor(offset / this.scale)));
    const { width, height } = this.size;
    return { x: within(clientX - box.left, width), y: within(clientY - box.top, height) };
  }

  /** Whether a point of the window lies on a scrollbar: it is not the instance's. */
  isScrollbar(clientX: number, clientY: number): boolean {
    const box = this.frame.getBoundingClientRect();
    if (!this.frame.classList.contains(SCROLLS)) {
      return false;
    }
    return clientX - box.left >= this.frame.clientWidth || clientY - box.top >= this.frame.clientHeight;
  }

  /** Choose a zoom. Where the instance follows the window, it is asked for the size that fills it at that zoom. */
  setZoom(zoom: Zoom): void {
    this.#pinched = false;
    this.zoom = zoom === "fit" ? zoom : boundZoom(zoom);
    this.update();
  }

  /** Zoom for a closer look around a point of the window; the instance keeps its size. */
  pinch(factor: number, clientX: number, clientY: number): void {
    const place = this.placeAt(clientX, clientY);
    const wanted = this.factor * factor;
    this.zoom = wanted <= this.fitFactor ? "fit" : boundZoom(wanted);
    this.#pinched = this.zoom !== "fit";
    this.update();
    const box = this.#holder.getBoundingClientRect();
    this.frame.scrollBy(box.left + place.x * this.scale - clientX, box.top + place.y * this.scale - clientY);
  }

  /** Factor of device pixels that the picture has now. */
  get factor(): number {
    return this.scale * density();
  }

  /** The smallest useful factor: the one that fits the window. */
  get fitFactor(): number {
    return scaleFor("fit", this.#window(), this.size, density()) * density();
  }

  /** Show the pointer that the picture carries: where no mouse shows one. */
  showPointer(place: Place | null): void {
    this.#display?.showCursor(place !== null);
    if (place !== null) {
      this.#display?.moveCursor(place.x, place.y);
    }
  }

  /** Bring a place into view. */
  reveal(place: Place): void {
    const box = this.frame.getBoundingClientRect();
    const holder = this.#holder.getBoundingClientRect();
    const y = holder.top + place.y * this.scale;
    const margin = Math.min(48, box.height / 4);
    if (y < box.top + margin || y > box.bottom - margin) {
      this.frame.scrollBy(0, y - (box.top + box.height / 2));
    }
  }

  /** Forget the picture: another session begins. */
  clear(): void {
    this.#display = null;
    this.#holder.replaceChildren();
    this.frame.style.cursor = "";
  }

  /** Fit anew, and ask the instance for the size of the window if that changed. */
  update(): void {
    if (this.#display !== null) {
      const window = this.#window();
      const picture = this.size;
      // Under a touch keyboard a desktop keeps its width and scrolls: half its size could not be read.
      const room = this.covered ? { width: window.width, height: Number.MAX_SAFE_INTEGER } : window;
      this.scale = scaleFor(this.zoom, room, picture, density());
      this.#display.scale(this.scale);
      this.frame.classList.toggle(SCROLLS, this.#overflows(window, picture));
    }
    this.events.emit("change", undefined);
    this.#ask();
  }

  #overflows(window: Size, picture: Size): boolean {
    const slack = Math.max(2, this.scale);
    return (
      picture.width * this.scale > window.width + slack || picture.height * this.scale > window.height + slack
    );
  }

  #window(): Size {
    const { width, height } = this.frame.getBoundingClientRect();
    return { width, height };
  }

  #wanted(): Size {
    return wantedSize(this.#window(), density() / (this.zoom === "fit" ? 1 : this.zoom));
  }

  #ask(): void {
    window.clearTimeout(this.#pause);
    const { width, height } = this.#window();
    if (!this.follow || this.covered || this.#pinched || width === 0 || height === 0) {
      return;
    }
    this.#pause = window.setTimeout(() => {
      const wanted = this.#wanted();
      if (
        this.#session.live &&
        (wanted.width !== this.#asked.width || wanted.height !== this.#asked.height)
      ) {
        this.#asked = wanted;
        this.#session.send("size", wanted.width, wanted.height);
      }
    }, RESIZE_PAUSE_MS);
  }

  /** Take over the picture of the session's new connection, once its first frame is drawn. */
  #adopt(): void {
    const client = this.#session.connection?.client;
    const display = client?.getDisplay();
    display?.flush(() => {
      if (client !== this.#session.connection?.client) {
        return;
      }
      this.#display = display;
      display.showCursor(false);
      display.onresize = () => this.update();
      display.oncursor = (canvas, x, y) => this.#showCursor(canvas, x, y);
      this.#holder.replaceChildren(display.getElement());
      const cursor = display.getCursorLayer();
      if (cursor.width > 0) {
        this.#showCursor(cursor.toCanvas(), display.cursorHotspotX, display.cursorHotspotY);
      }
      this.update();
    });
  }

  /** The instance's pointer as the browser's own, as large as the picture is shown. */
  #showCursor(canvas: HTMLCanvasElement, x: number, y: number): void {
    if (canvas.width === 0 || canvas.height === 0) {
      return;
    }
    const image = `url("${canvas.toDataURL("image/png")}")`;
    const hotspot = `${Math.round(x * this.scale)} ${Math.round(y * this.scale)}`;
    this.frame.style.cursor = `${image} ${x} ${y}, default`;
    if (this.scale !== 1) {
      this.frame.style.cursor = `image-set(${image} ${1 / this.scale}x) ${hotspot}, default`;
    }
  }
}

function density(): number {
  return window.devicePixelRatio || 1;
}
