// @vitest-environment jsdom
import { expect, test } from "vitest";
import { newLines } from "../../webapp/src/screens/text_view.ts";

test.each([
  ["the first screen is all news", "", "one\n\ntwo", ["one", "two"]],
  ["what is there already is no news", "one\ntwo", "one\ntwo", []],
  ["a line is typed", "one\n$", "one\n$ ls", ["$ ls"]],
  ["lines are added", "one\n$ ls", "one\n$ ls\na\nb", ["a", "b"]],
  ["a screen scrolls", "one\ntwo\nthree", "two\nthree\nfour", ["four"]],
  ["a screen scrolls far", "one\ntwo\nthree", "three\nfour\nfive", ["four", "five"]],
  ["one line changes in the middle", "a\nb\nc", "a\nB\nc", ["B"]],
  ["another screen", "a\nb\nc", "x\ny", ["x", "y"]],
  ["equal lines do not hide news", "y\ny\ny", "y\ny\ny\ndone", ["done"]],
  ["blank lines are no news", "a", "a\n\n \n", []],
])("%s", (_name, before, after, expected) => {
  expect(newLines(before, after)).toEqual(expected);
});

test("nobody listens to a flood", () => {
  const lines = Array.from({ length: 200 }, (_, number) => `line ${number}`);
  expect(newLines("", lines.join("\n"))).toEqual(lines.slice(-24));
});
