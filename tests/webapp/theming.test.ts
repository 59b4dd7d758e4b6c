// @vitest-environment jsdom
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(path, "utf8");
const reference = read("../docs/reference/theming.md");
const variables = read("src/styles/variables.css");
const styles = readdirSync("src/styles").map((name) => [name, read(`src/styles/${name}`)] as const);
const page = read("templates/page.html")
  .replace(/\{%-? include "(.*?)" %\}/g, (_, name) => read(`templates/${name}`))
  .replace(/\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}/gs, "");

/** What the page's script makes; everything else that the reference names is in the templates. */
const MADE_BY_SCRIPT = [".tiled-client-grid .client-tile"];

const matches = (text: string, pattern: RegExp) => [...new Set(text.match(pattern) ?? [])].sort();

test("every variable is documented, and no other", () => {
  const defined = matches(variables, /--fl-[a-z-]+(?=:)/g);
  const documented = matches(reference, /^\| `(--fl-[a-z-]+)`/gm)
    .map((row) => row.slice(3, -1))
    .sort();
  expect(documented).toEqual(defined);
});

test("styles take their colours from variables", () => {
  const colours = /#[0-9a-f]{3,8}\b/gi;
  for (const [name, text] of styles.filter(([name]) => name !== "variables.css")) {
    // White on the dark curtain of a drop is the one exception.
    expect([name, matches(text, colours)]).toEqual([name, name === "session.css" ? ["#ffffff"] : []]);
  }
});

test("every element that the reference names is there", () => {
  document.body.innerHTML = page;
  const rows = matches(reference.split("## Elements")[1] ?? "", /^\| `[^|]+\|/gm);
  const selectors = rows.flatMap((row) => matches(row, /`[^`]+`/g)).map((quoted) => quoted.slice(1, -1));
  expect(selectors.length).toBeGreaterThan(15);
  const sent = selectors.filter((text) => !text.startsWith("body.") && !MADE_BY_SCRIPT.includes(text));
  for (const selector of sent) {
    expect([selector, document.querySelector(selector) !== null]).toEqual([selector, true]);
  }
});

test("what Guacamole themes hook onto lies where they expect it", () => {
  document.body.innerHTML = page;
  const selectors = [
    ".login-ui .login-dialog",
    ".login-ui .login-error",
    ".login-dialog .login-form .logo",
    ".login-dialog .version .app-name",
    ".home-view.view > .connection-list-ui > .header",
    ".connection-list-ui > .all-connections",
    ".viewport .client-view > .client-view-content",
    "#guac-menu.menu .menu-content .menu-body > #clipboard-settings.menu-section .content",
    "#clipboard-settings .clipboard-editor textarea.clipboard",
    "#keyboard-settings #ime-none[name=input-method]",
    "#mouse-settings #absolute[name=mouse-mode]",
    "#display-settings #zoom-settings .client-zoom #auto-fit",
    ".client-main.main .displayOuter > .displayMiddle > .display",
    ".client-status-modal > .notification .title",
  ];
  for (const selector of selectors) {
    expect([selector, document.querySelector(selector) !== null]).toEqual([selector, true]);
  }
});
