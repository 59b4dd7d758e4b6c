// @vitest-environment jsdom
import { describe, expect, test } from "vitest";
import { AsciicastReplay } from "../../webapp/src/player/asciicast.ts";
import { activityBars, nextActivity, ReplayError } from "../../webapp/src/player/replay.ts";
import { decode, encode, instructionPlaces, WireError } from "../../webapp/src/wire.ts";

describe("activity", () => {
  const happenings = [
    [0, 10],
    [1000, 5],
    [9000, 1000],
    [9100, 2000],
    [20_000, 1],
  ] as const;

  test("is drawn where it was, little beside much", () => {
    const bars = activityBars(happenings, 20_000, 4);
    expect(bars.map((bar) => bar > 0)).toEqual([true, true, false, true]);
    expect(Math.max(...bars)).toBe(1);
    expect(activityBars([], 0, 3)).toEqual([0, 0, 0]);
  });

  test.each([
    [0, 1, 9000],
    [8000, 1, 9000],
    [9000, 1, 20_000],
    [20_000, 1, null],
    [9050, -1, 0],
    [19_000, -1, 9000],
    [0, -1, null],
  ] as const)("from %i in direction %i is %j", (from, direction, moment) => {
    expect(nextActivity(happenings, from, direction)).toBe(moment);
  });
});

describe("asciicast", () => {
  const cast = (...events: unknown[]) =>
    [{ version: 2, width: 12, height: 3 }, ...events].map((line) => JSON.stringify(line)).join("\n");
  const rows = (replay: AsciicastReplay) =>
    (replay.element.textContent ?? "").split("\n").map((row) => row.trimEnd());

  test("shows every moment, forwards and backwards", async () => {
    const replay = new AsciicastReplay(
      cast([0.5, "o", "one\r\n"], [1.5, "o", "\u001b[31mtwo\u001b[0m"], [2, "i", "x"]),
    );
    expect(replay.duration).toBe(2000);
    await replay.seek(0);
    expect(rows(replay)).toEqual(["", "", "", ""]);
    await replay.seek(1600);
    expect(rows(replay)).toEqual(["one", "two", "", ""]);
    expect(replay.element.querySelectorAll("div")[1]?.querySelector("span")?.style.color).not.toBe("");
    await replay.seek(600);
    expect(rows(replay)).toEqual(["one", "", "", ""]);
  });

  test("follows the size", async () => {
    const replay = new AsciicastReplay(cast([0.1, "r", "5x1"], [0.2, "o", "abcdefg"]));
    await replay.seek(1000);
    expect(rows(replay)).toEqual(["fg", ""]);
  });

  test("what is written is text, never markup", async () => {
    const replay = new AsciicastReplay(cast([0, "o", "<b>x</b>"]));
    await replay.seek(10);
    expect(rows(replay)[0]).toBe("<b>x</b>");
    expect(replay.element.querySelector("b")).toBeNull();
  });

  test.each(["", "{}", '{"version": 3}', "nonsense", "[]"])("%j is none", (text) => {
    expect(() => new AsciicastReplay(text)).toThrow(ReplayError);
  });

  test("broken and absurd lines are passed over", async () => {
    const text = `${cast([0, "o", "a"])}\n{"x":\n[null,"o","b"]\n["1","o","c"]\n[1,"r","99999x99999"]\n[1,"o","d"]`;
    const replay = new AsciicastReplay(text);
    await replay.seek(5000);
    expect(rows(replay)[0]).toBe("ad");
  });
});

test("places of instructions agree with what decoding finds", () => {
  const text = encode("size", 0, 1, 2) + encode("name", "ż😀;,4.sync,") + encode("sync", 5, 1);
  const places = [...instructionPlaces(text)];
  expect(places.map(({ opcode }) => opcode)).toEqual(["size", "name", "sync"]);
  expect(places.flatMap(({ from, end }) => decode(text.slice(from, end)))).toEqual(decode(text));
  expect(() => [...instructionPlaces("4.sync,1.5")]).toThrow(WireError);
});
