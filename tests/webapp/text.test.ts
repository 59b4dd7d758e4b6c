import { describe, expect, test } from "vitest";
import { formatBytes, tame } from "../../webapp/src/text.ts";

describe("tame", () => {
  test.each([
    ["control characters", "a\u0000b\nc\td", "a b c d"],
    ["direction overrides", "inv\u202eoice\u2066.exe\u200f", "invoice.exe"],
    ["blanks around", "  x  ", "x"],
    ["line separators", "a\u2028b", "a b"],
  ])("takes away %s", (_, text, expected) => {
    expect(tame(text)).toBe(expected);
  });

  test("bounds by characters, not units", () => {
    expect(tame("😀".repeat(10_000), 10)).toBe(`${"😀".repeat(9)}…`);
    expect(tame("short", 10)).toBe("short");
  });
});

test("formatBytes", () => {
  expect([0, 999, 120_345, 5_200_000, 7.25e12].map((bytes) => formatBytes(bytes, "en"))).toEqual([
    "0 byte",
    "999 byte",
    "120 kB",
    "5.2 MB",
    "7.3 TB",
  ]);
  expect(formatBytes(5_200_000, "de")).toBe("5,2 MB");
});
