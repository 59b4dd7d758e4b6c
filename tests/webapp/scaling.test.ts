import { describe, expect, test } from "vitest";
import { boundZoom, scaleFor, stepZoom, wantedSize } from "../../webapp/src/display/scaling.ts";

const size = (width: number, height: number) => ({ width, height });

describe("scaleFor", () => {
  test.each([
    ["a picture of the window's size is shown pixel for pixel", size(800, 600), size(800, 600), 1, 1],
    ["also where a pixel was rounded away", size(800.4, 600.6), size(800, 600), 1, 1],
    ["also on a dense screen", size(800, 600), size(1600, 1200), 2, 0.5],
    ["a larger picture is fitted", size(800, 600), size(1600, 1000), 1, 0.5],
    ["a smaller one fills the window", size(800, 600), size(400, 400), 1, 1.5],
    ["no picture yet", size(800, 600), size(0, 0), 2, 0.5],
    ["no window", size(0, 0), size(800, 600), 1, 1],
  ])("%s", (_, window, picture, density, expected) => {
    expect(scaleFor("fit", window, picture, density)).toBe(expected);
  });

  test("a factor counts device pixels", () => {
    expect(scaleFor(1, size(100, 100), size(999, 999), 2)).toBe(0.5);
  });
});

describe("wantedSize", () => {
  test("is whole device pixels within what daemons take", () => {
    expect(wantedSize(size(800.7, 600.2), 1.5)).toEqual(size(1201, 900));
    expect(wantedSize(size(50_000, 0), 1)).toEqual(size(8192, 1));
  });
});

describe("zooming", () => {
  test("goes by usual steps", () => {
    expect([1, 1.05, 0.99, 4].map((zoom) => stepZoom(zoom, 1))).toEqual([1.1, 1.1, 1.1, 4]);
    expect([1, 1.05, 0.25].map((zoom) => stepZoom(zoom, -1))).toEqual([0.9, 1, 0.25]);
  });

  test("stays within bounds", () => {
    expect([0.01, 1, 99].map(boundZoom)).toEqual([0.25, 1, 4]);
  });
});
