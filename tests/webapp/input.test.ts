import { describe, expect, test } from "vitest";
import { Chord } from "../../webapp/src/input/chord.ts";
import { isModifier, keysymOf } from "../../webapp/src/input/keysyms.ts";
import { Wheel } from "../../webapp/src/input/wheel.ts";

describe("Chord", () => {
  const press = (...codes: string[]) => {
    const chord = new Chord();
    return codes.map((code) => chord.press(code));
  };

  test.each([
    [["ControlLeft", "AltLeft", "ShiftLeft"]],
    [["ShiftRight", "ControlLeft", "AltRight"]],
    [["ControlLeft", "ControlLeft", "AltLeft", "ShiftLeft"]],
  ])("%j completes it with the last key", (codes) => {
    expect(press(...codes)).toEqual([...codes.slice(1).map(() => false), true]);
  });

  test.each([
    [["ControlLeft", "AltLeft"]],
    [["ControlLeft", "KeyT", "AltLeft", "ShiftLeft"]],
    [["ControlLeft", "ControlRight", "ShiftLeft"]],
    [["ControlLeft", "AltLeft", "AltRight", "ShiftLeft"]],
  ])("%j does not", (codes) => {
    expect(press(...codes)).not.toContain(true);
  });

  test("keys that went up do not count", () => {
    const chord = new Chord();
    chord.press("ControlLeft");
    chord.release("ControlLeft");
    chord.press("AltLeft");
    expect(chord.press("ShiftLeft")).toBe(false);
    chord.forget();
    expect(["ControlLeft", "AltLeft", "ShiftLeft"].map((code) => chord.press(code))).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe("keysyms", () => {
  test.each([
    ["a", 0x61],
    ["ß", 0xdf],
    ["€", 0x010020ac],
    ["😀", 0x0101f600],
    ["\n", 0xff0a],
    ["\x7f", 0xff7f],
  ])("of %j", (character, keysym) => {
    expect(keysymOf(character)).toBe(keysym);
  });

  test("modifiers are known", () => {
    expect([0xffe1, 0xffe4, 0xfe03, 0x61].map(isModifier)).toEqual([true, true, true, false]);
  });
});

describe("Wheel", () => {
  test.each([
    ["a notch in pixels", [[0, 120, 0]], [1]],
    ["a notch of another browser", [[0, 100, 0]], [1]],
    ["a notch in lines", [[0, 3, 1]], [1]],
    ["one line", [[0, 1, 1]], [1]],
    ["a page", [[0, 1, 2]], [4]],
    ["upwards", [[0, -240, 0]], [-2]],
    [
      "a touchpad's small steps add up",
      [
        [0, 15, 0],
        [0, 15, 0],
        [0, 15, 0],
      ],
      [0, 0, 1],
    ],
    [
      "and keep their remainder",
      [
        [0, 30, 0],
        [0, 30, 0],
        [0, 30, 0],
      ],
      [0, 1, 1],
    ],
    ["a flood is bounded", [[0, 100_000, 0]], [8]],
    ["nothing", [[0, 0, 0]], [0]],
  ] as [string, [number, number, number][], number[]][])("%s", (_, turns, expected) => {
    const wheel = new Wheel();
    expect(turns.map((turn) => wheel.turn(...turn).down)).toEqual(expected);
  });

  test("sideways has its own count", () => {
    const wheel = new Wheel();
    expect(wheel.turn(-120, 0, 0)).toEqual({ down: 0, right: -1 });
  });
});
