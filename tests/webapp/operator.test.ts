/** Facts as an operator reads them. */
import { expect, test } from "vitest";
import type { Row } from "../../webapp/src/operator/api.ts";
import { duration, line, matches, moment, sessionsOverTheDay } from "../../webapp/src/operator/words.ts";

const HOUR = 3_600_000;
const NOW = new Date(2026, 0, 31, 12, 0).getTime();

function row(more: Partial<Row> = {}): Row {
  return {
    identifier: "t1",
    user: "alice",
    source: "hmac",
    connection: "abc",
    name: "web-1",
    protocol: "ssh",
    target: "10.1.2.3",
    address: "192.0.2.7",
    proxyd: "$7k2a",
    reference: "7K2A",
    start: NOW - HOUR,
    end: null,
    away: null,
    ...more,
  };
}

test.each([
  [0, "0 s"],
  [59_400, "59 s"],
  [60_000, "1 min"],
  [59 * 60_000, "59 min"],
  [HOUR + 5 * 60_000, "1 h 5 min"],
  [26 * HOUR, "1 d 2 h"],
  [-5, "0 s"],
])("%i ms lasts %s", (milliseconds, said) => {
  expect(duration(milliseconds)).toBe(said);
});

test("only another day is named", () => {
  expect(moment(NOW - HOUR, NOW)).toMatch(/^11:00|^11:00 AM/);
  expect(moment(NOW - 30 * HOUR, NOW).length).toBeGreaterThan(moment(NOW - HOUR, NOW).length);
});

test.each([
  ["", true],
  ["ALICE ssh", true],
  ["7k2a", true],
  ["alice vnc", false],
])("what was typed, %j, filters: %s", (typed, found) => {
  expect(matches(row(), typed)).toBe(found);
});

test("the day counts what was open, and who died without a word for a moment only", () => {
  const rows = [
    row({ identifier: "runs" }),
    row({ identifier: "over", start: NOW - 3 * HOUR, end: NOW - 2 * HOUR }),
    row({ identifier: "died", start: NOW - 12 * HOUR }),
    row({ identifier: "long ago", start: NOW - 90 * HOUR, end: NOW - 80 * HOUR }),
  ];
  const counts = sessionsOverTheDay(rows, new Set(["runs"]), NOW);
  expect(counts).toHaveLength(288);
  expect(counts.at(-1)).toBe(1);
  expect(counts[288 - 12 * 2.5]).toBe(1);
  expect(counts[288 - 12 * 1.5]).toBe(0);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(12 + 13 + 1);
  expect(counts[0]).toBe(0);
});

test("the line stays inside its picture", () => {
  const points = line([0, 1, 4]).split(" ");
  expect(points).toEqual(["0,39.0", "1,29.5", "2,1.0"]);
  expect(line([0, 0])).toBe("0,39.0 1,39.0");
});
