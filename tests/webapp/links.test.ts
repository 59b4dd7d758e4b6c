// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { openLink } from "../../webapp/src/links.ts";

test.each([
  ["https://example.org/a?b#c", true],
  ["http://example.org", true],
  ["mailto:alice@example.org", true],
  ["javascript:alert(1)", false],
  ["data:text/html,x", false],
  ["file:///etc/passwd", false],
  ["blob:https://example.org/x", false],
  ["/relative", false],
  ["", false],
])("%s", (uri, opened) => {
  const open = vi.spyOn(window, "open").mockReturnValue(null);
  open.mockClear();
  openLink(uri);
  expect(open.mock.calls).toEqual(opened ? [[uri, "_blank", "noopener,noreferrer"]] : []);
});
