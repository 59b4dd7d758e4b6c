/** The drawer: opened and closed by chord, handle, swipe and Escape; the session goes on beside it. */
import { element } from "../dom.ts";
import { Emitter } from "../emitter.ts";

/** Pixels from the edge where a swipe may begin, and how far it has to go. */
const [EDGE_PX, SWIPE_PX] = [24, 48];

export interface MenuEvents {
  /** The drawer opened or closed. */
  open: boolean;
}

export class Menu {
  readonly events = new Emitter<MenuEvents>();
  readonly #dialog = element("guac-menu", "dialog");
  readonly #handle = element("menu-handle", "button");
  /** What was told last. */
  #known = false;

  constructor() {
    this.#handle.addEventListener("click", () => this.open());
    element("menu-close", "button").addEventListener("click", () => this.close());
    this.#dialog.addEventListener("close", () => this.#told(this.#dialog.open));
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog && this.#isOutside(event)) {
        this.close();
      }
    });
    this.#watchSwipes();
  }

  get isOpen(): boolean {
    return this.#dialog.open;
  }

  open(): void {
    if (!this.#dialog.open) {
      this.#dialog.showModal();
      this.#told(true);
      // The summary of the open section: what was used last is where people start again.
      this.#dialog.querySelector<HTMLElement>("details[open] > summary, summary")?.focus();
    }
  }

  close(): void {
    this.#dialog.close();
    // The dialog's own event comes a little later: a key that is quicker is the instance's already.
    this.#told(false);
  }

  toggle(): void {
    if (this.isOpen) {
      this.close();
    } else {
      this.open();
    }
  }

  #told(open: boolean): void {
    if (open === this.#known) {
      return;
    }
    this.#known = open;
    this.#dialog.classList.toggle("open", open);
    this.#handle.setAttribute("aria-expanded", String(open));
    this.events.emit("open", open);
  }

  #isOutside(event: MouseEvent): boolean {
    const box = this.#dialog.getBoundingClientRect();
    return event.clientX < box.left || event.clientX > box.right;
  }

  /** A finger from the edge pulls the drawer in; one that moves towards the edge pushes it out. */
  #watchSwipes(): void {
    let from: { x: number; y: number } | null = null;
    document.addEventListener(
      "touchstart",
      ({ touches }) => {
        const touch = touches.length === 1 ? touches[0] : undefined;
        const near = touch !== undefined && (this.isOpen || touch.clientX > innerWidth - EDGE_PX);
        from = near ? { x: touch.clientX, y: touch.clientY } : null;
      },
      { passive: true, capture: true },
    );
    document.addEventListener(
      "touchmove",
      ({ touches }) => {
        const touch = touches[0];
        if (from === null || touch === undefined) {
          return;
        }
        const inwards = from.x - touch.clientX;
        if (Math.abs(inwards) > SWIPE_PX && Math.abs(inwards) > 2 * Math.abs(from.y - touch.clientY)) {
          from = null;
          if (inwards > 0 !== this.isOpen) {
            this.toggle();
          }
        }
      },
      { passive: true, capture: true },
    );
  }
}
