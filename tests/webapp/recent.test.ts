// @vitest-environment jsdom
import { beforeEach, expect, test } from "vitest";
import { forgetRecents, noteRecent, recents } from "../../webapp/src/recent.ts";

const PICTURE = "data:image/webp;base64,AAAA";

beforeEach(() => localStorage.clear());

test("what was opened is there for its person alone, and gone when forgotten", () => {
  noteRecent("hmac/alice", "one", PICTURE, 5);
  expect([...recents("hmac/alice")]).toEqual([["one", { seen: 5, picture: PICTURE }]]);
  expect(recents("hmac/bob").size).toBe(0);
  forgetRecents();
  expect(recents("hmac/alice").size).toBe(0);
});

test("another person's first session ends the memory of the one before", () => {
  noteRecent("hmac/alice", "one", PICTURE, 5);
  noteRecent("hmac/bob", "two", PICTURE, 6);
  expect(recents("hmac/alice").size).toBe(0);
  expect(localStorage.length).toBe(1);
});

test("nothing is kept of guests", () => {
  noteRecent("", "one", PICTURE, 5);
  expect(localStorage.length).toBe(0);
});

test("only the newest are kept, and no large picture", () => {
  for (let number = 0; number < 40; number++) {
    noteRecent("hmac/alice", `id ${number}`, PICTURE + "A".repeat(number * 2000), number);
  }
  const kept = recents("hmac/alice");
  expect([...kept.keys()]).toEqual(Array.from({ length: 12 }, (_, index) => `id ${39 - index}`));
  expect(kept.get("id 39")?.picture).toBe("");
  expect(kept.get("id 28")?.picture).toHaveLength(PICTURE.length + 56_000);
});

test.each([
  "nonsense",
  "[]",
  '{"owner":"hmac/alice"}',
  '{"owner":"hmac/alice","entries":{"a":3,"b":{"seen":"x"}}}',
])("%s is nothing", (kept) => {
  localStorage.setItem("fanlight.recent", kept);
  expect(recents("hmac/alice").size).toBe(0);
});

test("what is no picture is not shown", () => {
  const entries = { a: { seen: 1, picture: "https://example.org/x.png" } };
  localStorage.setItem("fanlight.recent", JSON.stringify({ owner: "hmac/alice", entries }));
  expect(recents("hmac/alice").get("a")).toEqual({ seen: 1, picture: "" });
});
