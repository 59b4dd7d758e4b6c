/** Wheel movement to clicks of the wheel: a notch is one click, a touchpad's small steps add up. */

/** What one notch amounts to in pixels, lines and pages (`deltaMode` 0, 1, 2). */
const NOTCH = [120, 3, 0.25] as const;
/** Pixels at least this part of a notch come from a wheel that clicks. */
const WHEEL_LIKE = 0.6;
const TOUCHPAD_STEP_PX = 40;
const MAX_CLICKS = 8;

/** Clicks to send; negative is up or left. */
export interface Clicks {
  down: number;
  right: number;
}

export class Wheel {
  #x = 0;
  #y = 0;

  /** A wheel event's `deltaX`, `deltaY` and `deltaMode`. */
  turn(deltaX: number, deltaY: number, mode: number): Clicks {
    const [down, y] = clicks(this.#y, deltaY, mode);
    const [right, x] = clicks(this.#x, deltaX, mode);
    this.#y = y;
    this.#x = x;
    return { down, right };
  }
}

/** Clicks out of a movement, and the pixels that remain for the next one. */
function clicks(carried: number, delta: number, mode: number): [clicks: number, rest: number] {
  const notches = Math.abs(delta) / (NOTCH[mode] ?? NOTCH[0]);
  if (delta !== 0 && (mode !== 0 || notches >= WHEEL_LIKE)) {
    return [Math.sign(delta) * bound(Math.max(1, Math.round(notches))), 0];
  }
  const total = carried + delta;
  const steps = Math.trunc(total / TOUCHPAD_STEP_PX);
  return [bound(steps), total - steps * TOUCHPAD_STEP_PX];
}

function bound(clicks: number): number {
  return Math.max(-MAX_CLICKS, Math.min(MAX_CLICKS, clicks));
}
