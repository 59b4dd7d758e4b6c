import { beforeEach, describe, expect, test } from "vitest";
import { type Action, Gestures } from "../../webapp/src/input/gestures.ts";

const MOVE = (x: number, y: number): Action => ({ kind: "move", x, y });
const BUTTON = (button: "left" | "right", pressed: boolean): Action => ({ kind: "button", button, pressed });
const CLICK = (button: "left" | "right") => [BUTTON(button, true), BUTTON(button, false)];

let gestures: Gestures;

beforeEach(() => {
  gestures = new Gestures();
});

describe("one finger is the pointer", () => {
  test("a tap clicks where it was", () => {
    expect(gestures.down(1, 10, 20, 0)).toEqual([]);
    expect(gestures.up(1, 100)).toEqual([MOVE(10, 20), ...CLICK("left")]);
  });

  test("a trembling tap clicks where it began", () => {
    gestures.down(1, 10, 20, 0);
    expect(gestures.move(1, 16, 26)).toEqual([]);
    expect(gestures.up(1, 100)).toEqual([MOVE(10, 20), ...CLICK("left")]);
  });

  test("a finger that rests is the right button, once", () => {
    gestures.down(1, 10, 20, 0);
    expect(gestures.deadline).toBe(500);
    expect(gestures.tick(499)).toEqual([]);
    expect(gestures.tick(500)).toEqual([MOVE(10, 20), ...CLICK("right")]);
    expect(gestures.deadline).toBeNull();
    expect(gestures.move(1, 90, 90)).toEqual([]);
    expect(gestures.up(1, 900)).toEqual([]);
  });

  test("a drag begins where the finger touched", () => {
    gestures.down(1, 10, 20, 0);
    expect(gestures.move(1, 40, 20)).toEqual([MOVE(10, 20), BUTTON("left", true), MOVE(40, 20)]);
    expect(gestures.deadline).toBeNull();
    expect(gestures.move(1, 50, 20)).toEqual([MOVE(50, 20)]);
    expect(gestures.up(1, 900)).toEqual([BUTTON("left", false)]);
  });

  test("a second finger ends a drag", () => {
    gestures.down(1, 10, 20, 0);
    gestures.move(1, 40, 20);
    expect(gestures.down(2, 80, 20, 300)).toEqual([BUTTON("left", false)]);
  });

  test("what the system takes away lets the button go", () => {
    gestures.down(1, 10, 20, 0);
    gestures.move(1, 40, 20);
    expect(gestures.cancel()).toEqual([BUTTON("left", false)]);
    expect(gestures.down(1, 0, 0, 1000)).toEqual([]);
    expect(gestures.up(1, 1010)).toEqual([MOVE(0, 0), ...CLICK("left")]);
  });
});

describe("two fingers", () => {
  beforeEach(() => {
    gestures.down(1, 100, 100, 0);
    gestures.down(2, 200, 100, 20);
  });

  test("a tap of two is the right button", () => {
    expect(gestures.up(1, 120)).toEqual([MOVE(150, 100), ...CLICK("right")]);
    expect(gestures.up(2, 130)).toEqual([]);
  });

  test("moving together they scroll", () => {
    gestures.move(1, 100, 120);
    gestures.move(2, 200, 120);
    expect(gestures.move(1, 100, 140)).toEqual([{ kind: "scroll", dx: 0, dy: 10, x: 150, y: 130 }]);
    expect(gestures.move(2, 200, 140)).toEqual([{ kind: "scroll", dx: 0, dy: 10, x: 150, y: 140 }]);
  });

  test("moving apart they zoom, and scroll no more", () => {
    gestures.move(1, 70, 100);
    const [action] = gestures.move(2, 265, 100);
    expect(action).toEqual({ kind: "zoom", factor: 195 / 130, x: 167.5, y: 100 });
    const later = [...gestures.move(1, 70, 300), ...gestures.move(2, 265, 300)];
    expect(later.map(({ kind }) => kind)).toEqual(["zoom", "zoom"]);
  });

  test("the finger that stays does nothing", () => {
    gestures.up(1, 900);
    expect(gestures.move(2, 500, 500)).toEqual([]);
    expect(gestures.up(2, 950)).toEqual([]);
  });

  test("a third finger ends it all", () => {
    gestures.down(3, 150, 200, 40);
    expect(gestures.move(1, 300, 300)).toEqual([]);
    expect(gestures.up(3, 60)).toEqual([]);
  });
});

describe("as a touchpad", () => {
  beforeEach(() => {
    gestures.mode = "relative";
  });

  test("a finger moves the pointer, faster when it is fast", () => {
    gestures.down(1, 0, 0, 0);
    const [slow] = gestures.move(1, 11, 0);
    const [fast] = gestures.move(1, 111, 0);
    expect(slow).toMatchObject({ kind: "nudge", dy: 0 });
    const ratio = (action: Action | undefined, moved: number) =>
      action?.kind === "nudge" ? action.dx / moved : 0;
    expect(ratio(slow, 11)).toBeGreaterThan(1);
    expect(ratio(fast, 100)).toBeGreaterThan(ratio(slow, 11));
  });

  test("a tap clicks where the pointer is", () => {
    gestures.down(1, 5, 5, 0);
    expect(gestures.up(1, 50)).toEqual(CLICK("left"));
  });

  test("a tap, then a finger that stays, drags", () => {
    gestures.down(1, 5, 5, 0);
    gestures.up(1, 50);
    expect(gestures.down(1, 5, 5, 200)).toEqual([BUTTON("left", true)]);
    expect(gestures.move(1, 9, 5)).toMatchObject([{ kind: "nudge" }]);
    expect(gestures.up(1, 900)).toEqual([BUTTON("left", false)]);
  });
});
