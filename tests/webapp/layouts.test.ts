import { describe, expect, test } from "vitest";
import { LAYOUTS, layoutFor } from "../../webapp/src/input/layouts.ts";

const PRINTABLE = Array.from({ length: 0x7f - 0x21 }, (_, offset) => String.fromCharCode(0x21 + offset));

describe.each(Object.entries(LAYOUTS))("%s", (_, { rows }) => {
  const keys = rows.flatMap((row) => row.split(" ").map((key) => [...key]));

  test("has four rows of keys with one to three characters", () => {
    expect(rows).toHaveLength(4);
    expect(keys.filter((key) => key.length < 1 || key.length > 3)).toEqual([]);
  });

  test("types everything that shells need", () => {
    const typed = new Set(keys.flat());
    expect(PRINTABLE.filter((character) => !typed.has(character))).toEqual([]);
  });

  test("has no plain character twice", () => {
    const plain = keys.map(([character]) => character);
    expect(new Set(plain).size).toBe(plain.length);
  });
});

test("people get the layout of their language", () => {
  expect(["de", "fr", "en", "nl"].map(layoutFor)).toEqual([
    "de-de-qwertz",
    "fr-fr-azerty",
    "en-us-qwerty",
    "en-us-qwerty",
  ]);
});
