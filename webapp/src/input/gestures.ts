/**
 * Fingers to pointer actions: a recognizer without DOM, timers or clock. Events go in with their time, actions come
 * out as values; `deadline` says when `tick` is due.
 */

/** What a gesture means. Places are window coordinates, distances are CSS pixels. */
export type Action =
  | { kind: "move"; x: number; y: number }
  | { kind: "nudge"; dx: number; dy: number }
  | { kind: "button"; button: "left" | "right"; pressed: boolean }
  | { kind: "scroll"; dx: number; dy: number; x: number; y: number }
  | { kind: "zoom"; factor: number; x: number; y: number };

/** `absolute`: the finger is the pointer. `relative`: it moves the pointer as on a touchpad. */
export type TouchMode = "absolute" | "relative";

const SLOP = 10;
const PINCH_SLOP = 24;
const LONG_PRESS_MS = 500;
const TAP_MS = 300;
const ACCELERATION = 0.35;

interface Finger {
  x: number;
  y: number;
}

/** `idle` no finger; `waiting` one finger, not moved yet; `spent` nothing more until all fingers are up. */
type Phase = "idle" | "waiting" | "moving" | "dragging" | "pair" | "scrolling" | "zooming" | "spent";

const NOTHING: Action[] = [];

export class Gestures {
  mode: TouchMode = "absolute";

  readonly #fingers = new Map<number, Finger>();
  #phase: Phase = "idle";
  #start: Finger = { x: 0, y: 0 };
  #startedAt = 0;
  #spread = 0;
  #tapAt = Number.NEGATIVE_INFINITY;

  /** When `tick` is to be called; null when never. */
  get deadline(): number | null {
    return this.#phase === "waiting" ? this.#startedAt + LONG_PRESS_MS : null;
  }

  down(id: number, x: number, y: number, now: number): Action[] {
    this.#fingers.set(id, { x, y });
    if (this.#fingers.size === 1) {
      this.#begin("waiting", now);
      // A finger that comes back right after a tap holds the button: drag on a touchpad.
      if (this.mode === "relative" && now - this.#tapAt < TAP_MS) {
        this.#phase = "dragging";
        return [button("left", true)];
      }
      return NOTHING;
    }
    if (this.#fingers.size === 2) {
      const ended = this.#phase === "dragging" ? [button("left", false)] : NOTHING;
      this.#begin("pair", now);
      this.#spread = this.#distance();
      return ended;
    }
    this.#phase = "spent";
    return NOTHING;
  }

  move(id: number, x: number, y: number): Action[] {
    const finger = this.#fingers.get(id);
    if (finger === undefined) {
      return NOTHING;
    }
    const before = { ...finger };
    const centre = this.#centre();
    finger.x = x;
    finger.y = y;
    return this.#fingers.size === 1 ? this.#moveOne(before, finger) : this.#moveTwo(centre);
  }

  up(id: number, now: number): Action[] {
    if (!this.#fingers.delete(id)) {
      return NOTHING;
    }
    const phase = this.#phase;
    this.#phase = this.#fingers.size === 0 ? "idle" : "spent";
    const quick = now - this.#startedAt < TAP_MS;
    if (phase === "dragging") {
      return [button("left", false)];
    }
    if (phase === "waiting") {
      this.#tapAt = now;
      return [...this.#place(), ...click("left")];
    }
    if (phase === "pair" && quick) {
      return [...this.#place(), ...click("right")];
    }
    return NOTHING;
  }

  /** The system took the fingers away. */
  cancel(): Action[] {
    const dragging = this.#phase === "dragging";
    this.#fingers.clear();
    this.#phase = "idle";
    return dragging ? [button("left", false)] : NOTHING;
  }

  /** Time has passed: a finger that rests is the right button. */
  tick(now: number): Action[] {
    if (this.deadline === null || now < this.deadline) {
      return NOTHING;
    }
    this.#phase = "spent";
    return [...this.#place(), ...click("right")];
  }

  #begin(phase: Phase, now: number): void {
    this.#phase = phase;
    this.#startedAt = now;
    this.#start = this.#centre();
  }

  #moveOne(before: Finger, finger: Finger): Action[] {
    if (this.#phase === "waiting" && distance(this.#start, finger) > SLOP) {
      if (this.mode === "relative") {
        this.#phase = "moving";
      } else {
        this.#phase = "dragging";
        return [...this.#place(), button("left", true), { kind: "move", ...finger }];
      }
    }
    if (this.#phase !== "dragging" && this.#phase !== "moving") {
      return NOTHING;
    }
    return this.mode === "absolute" ? [{ kind: "move", ...finger }] : [nudge(before, finger)];
  }

  #moveTwo(centreBefore: Finger): Action[] {
    const centre = this.#centre();
    const spread = this.#distance();
    if (this.#phase === "pair") {
      if (Math.abs(spread - this.#spread) > PINCH_SLOP) {
        this.#phase = "zooming";
        this.#spread = spread;
      } else if (distance(this.#start, centre) > SLOP) {
        this.#phase = "scrolling";
      }
      return NOTHING;
    }
    if (this.#phase === "scrolling") {
      return [{ kind: "scroll", dx: centre.x - centreBefore.x, dy: centre.y - centreBefore.y, ...centre }];
    }
    if (this.#phase === "zooming" && this.#spread > 0) {
      const factor = spread / this.#spread;
      this.#spread = spread;
      return [{ kind: "zoom", factor, ...centre }];
    }
    return NOTHING;
  }

  /** Where the gesture began; a touchpad leaves the pointer where it is. */
  #place(): Action[] {
    return this.mode === "absolute" ? [{ kind: "move", ...this.#start }] : NOTHING;
  }

  #centre(): Finger {
    const fingers = [...this.#fingers.values()];
    const mean = (side: keyof Finger) =>
      fingers.reduce((sum, finger) => sum + finger[side], 0) / Math.max(1, fingers.length);
    return { x: mean("x"), y: mean("y") };
  }

  #distance(): number {
    const [first, second] = [...this.#fingers.values()];
    return first && second ? distance(first, second) : 0;
  }
}

function distance(a: Finger, b: Finger): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function button(name: "left" | "right", pressed: boolean): Action {
  return { kind: "button", button: name, pressed };
}

function click(name: "left" | "right"): Action[] {
  return [button(name, true), button(name, false)];
}

/** A touchpad's movement: faster than the finger when the finger is fast. */
function nudge(before: Finger, after: Finger): Action {
  const dx = after.x - before.x;
  const dy = after.y - before.y;
  const gain = 1 + ACCELERATION * Math.log1p(Math.hypot(dx, dy));
  return { kind: "nudge", dx: dx * gain, dy: dy * gain };
}
