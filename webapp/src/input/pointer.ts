/** Mouse, pen and fingers on the picture, as the instance's pointer. */
import type { Picture, Place } from "../display/picture.ts";
import type { Session } from "../session.ts";
import { type Action, Gestures, type TouchMode } from "./gestures.ts";
import { Wheel } from "./wheel.ts";

/** Bits of the protocol's button mask. */
const MASK = { left: 1, middle: 2, right: 4, up: 8, down: 16, scrollLeft: 32, scrollRight: 64 } as const;
/** `PointerEvent.buttons` bits, and what they are in the protocol. */
const BUTTONS: readonly (readonly [number, number])[] = [
  [1, MASK.left],
  [2, MASK.right],
  [4, MASK.middle],
];
const FINGER_SCROLL_PX = 40;

export class Pointer {
  /** Called whenever the person turned to the picture. */
  onuse: () => void = () => undefined;

  readonly #picture: Picture;
  readonly #session: Session;
  readonly #gestures = new Gestures();
  readonly #wheel = new Wheel();
  #place: Place = { x: 0, y: 0 };
  #held = 0;
  #longPress = 0;
  #scrolled = 0;

  constructor(picture: Picture, session: Session) {
    this.#picture = picture;
    this.#session = session;
    const frame = picture.frame;
    frame.addEventListener("pointerdown", (event) => this.#down(event));
    frame.addEventListener("pointermove", (event) => this.#move(event));
    frame.addEventListener("pointerup", (event) => this.#up(event));
    frame.addEventListener("pointercancel", (event) => this.#cancel(event));
    frame.addEventListener("wheel", (event) => this.#roll(event), { passive: false });
    frame.addEventListener("contextmenu", (event) => event.preventDefault());
    frame.addEventListener("dragstart", (event) => event.preventDefault());
  }

  set mode(mode: TouchMode) {
    this.#gestures.mode = mode;
    this.#picture.showPointer(mode === "relative" ? this.#place : null);
  }

  /** Where the pointer is. */
  get place(): Place {
    return this.#place;
  }

  #down(event: PointerEvent): void {
    if (this.#picture.isScrollbar(event.clientX, event.clientY)) {
      return;
    }
    event.preventDefault();
    this.#picture.frame.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.#act(this.#gestures.down(event.pointerId, event.clientX, event.clientY, event.timeStamp));
    } else {
      this.#mouse(event);
    }
    this.onuse();
  }

  #move(event: PointerEvent): void {
    if (event.pointerType === "touch") {
      this.#act(this.#gestures.move(event.pointerId, event.clientX, event.clientY));
    } else {
      this.#mouse(event);
    }
  }

  #up(event: PointerEvent): void {
    if (event.pointerType === "touch") {
      this.#act(this.#gestures.up(event.pointerId, event.timeStamp));
      this.onuse();
    } else {
      this.#mouse(event);
    }
  }

  #cancel(event: PointerEvent): void {
    if (event.pointerType === "touch") {
      this.#act(this.#gestures.cancel());
    } else {
      this.#held = 0;
      this.#send();
    }
  }

  #mouse(event: PointerEvent): void {
    this.#place = this.#picture.placeAt(event.clientX, event.clientY);
    this.#held = BUTTONS.reduce((mask, [bit, ours]) => (event.buttons & bit ? mask | ours : mask), 0);
    this.#picture.showPointer(null);
    this.#send();
  }

  #roll(event: WheelEvent): void {
    event.preventDefault();
    const { down, right } = this.#wheel.turn(event.deltaX, event.deltaY, event.deltaMode);
    this.#place = this.#picture.placeAt(event.clientX, event.clientY);
    this.#click(down > 0 ? MASK.down : MASK.up, Math.abs(down));
    this.#click(right > 0 ? MASK.scrollRight : MASK.scrollLeft, Math.abs(right));
  }

  #act(actions: Action[]): void {
    for (const action of actions) {
      this.#perform(action);
    }
    window.clearTimeout(this.#longPress);
    const deadline = this.#gestures.deadline;
    if (deadline !== null) {
      this.#longPress = window.setTimeout(() => this.#rest(), deadline - performance.now());
    }
  }

  #rest(): void {
    const actions = this.#gestures.tick(performance.now());
    if (actions.length > 0) {
      navigator.vibrate?.(10);
    }
    this.#act(actions);
  }

  #perform(action: Action): void {
    const picture = this.#picture;
    switch (action.kind) {
      case "move":
        this.#place = picture.placeAt(action.x, action.y);
        this.#send();
        break;
      case "nudge":
        this.#nudge(action.dx, action.dy);
        break;
      case "button":
        this.#held = action.pressed ? this.#held | MASK[action.button] : this.#held & ~MASK[action.button];
        this.#send();
        break;
      case "zoom":
        picture.pinch(action.factor, action.x, action.y);
        break;
      case "scroll":
        this.#scroll(action);
        break;
    }
  }

  #nudge(dx: number, dy: number): void {
    const { width, height } = this.#picture.size;
    const { scale } = this.#picture;
    const within = (value: number, limit: number) => Math.max(0, Math.min(limit - 1, Math.round(value)));
    this.#place = {
      x: within(this.#place.x + dx / scale, width),
      y: within(this.#place.y + dy / scale, height),
    };
    this.#picture.showPointer(this.#place);
    this.#picture.reveal(this.#place);
    this.#send();
  }

  /** Two fingers move the view as far as it goes; what is left turns the wheel. */
  #scroll({ dx, dy, x, y }: { dx: number; dy: number; x: number; y: number }): void {
    const frame = this.#picture.frame;
    const before = frame.scrollTop;
    frame.scrollBy(-dx, -dy);
    this.#scrolled += dy - (before - frame.scrollTop);
    const clicks = Math.trunc(this.#scrolled / FINGER_SCROLL_PX);
    if (clicks !== 0) {
      this.#scrolled -= clicks * FINGER_SCROLL_PX;
      if (this.#gestures.mode === "absolute") {
        this.#place = this.#picture.placeAt(x, y);
      }
      this.#click(clicks > 0 ? MASK.up : MASK.down, Math.abs(clicks));
    }
  }

  #click(button: number, times: number): void {
    for (let click = 0; click < times; click++) {
      this.#send(this.#held | button);
      this.#send();
    }
  }

  #send(mask = this.#held): void {
    this.#session.send("mouse", this.#place.x, this.#place.y, mask);
  }
}
