import { describe, expect, test } from "vitest";
import { isLasting, noticeText, timeSpan } from "../../webapp/src/screens/notice_text.ts";

describe("notices", () => {
  test.each([
    ["resumed", 0, "Your session is where you left it"],
    ["resumed", 59, "Your session is where you left it"],
    ["resumed", 60, "Resumed. You were away for 1 minute"],
    ["resumed", 12 * 60 + 40, "Resumed. You were away for 12 minutes"],
    ["resumed", 3 * 3600, "Resumed. You were away for 3 hours"],
    ["ended-away", 0, "Your earlier session ended while you were away. This is a new one."],
    ["restarting", 30, "This machine is being restarted. Your session ends in 30 seconds: save your work"],
  ])("%s after %i s", (word, seconds, text) => {
    expect(noticeText({ word, seconds })).toBe(text);
  });

  test("what asks for something to be done stays for a while", () => {
    expect(isLasting({ word: "restarting", seconds: 600 })).toBe(true);
    expect(isLasting({ word: "resumed", seconds: 0 })).toBe(false);
  });

  test("says nothing where it does not know the word", () => {
    expect(noticeText({ word: "constructor", seconds: 0 })).toBeNull();
    expect(noticeText({ word: "from-the-future", seconds: 0 })).toBeNull();
  });

  test("never speaks of a negative time", () => {
    expect(timeSpan(0)).toBe("0 seconds");
  });
});
