import { describe, expect, test } from "vitest";
import {
  decodeTarget,
  encodeTarget,
  parseRoute,
  severalTargets,
  withoutParameters,
} from "../../webapp/src/route.ts";

const SITE = "https://shell.example.org/guacamole/";
const ID = "5f2b6f5e-1111-4222-8333-944445555666";
const TARGET = { identifier: ID, type: "c", dataSource: "hmac" };
const STANDARD = btoa(`${ID}\0c\0hmac`);

describe("parseRoute", () => {
  test.each([
    ["what portals build: standard base64, padded", `#/client/${STANDARD}?token=AB`],
    ["what current clients build: URL-safe, unpadded", `#/client/${encodeTarget(TARGET)}?token=AB`],
    ["percent-encoded padding", `#/client/${encodeURIComponent(STANDARD)}?token=AB`],
    ["a slash before the parameters", `#/client/${STANDARD}/?token=AB`],
    ["parameters before the fragment", `?token=AB#/client/${STANDARD}`],
    ["several targets: the first", `#/client/${encodeTarget(TARGET)}.${encodeTarget(TARGET)}?token=AB`],
  ])("reads %s", (_, rest) => {
    const route = parseRoute(new URL(SITE + rest));
    expect(route.page).toBe("client");
    expect(route.page === "client" && route.target).toEqual(TARGET);
    expect(route.parameters.get("token")).toBe("AB");
  });

  test("takes everything behind the fragment's question mark, blanks and all", () => {
    const route = parseRoute(new URL(`${SITE}#/?timestamp=1&guac.password=&signature=a%2Bb/c%3D`));
    expect(route.page).toBe("home");
    expect([...route.parameters]).toEqual([
      ["timestamp", "1"],
      ["guac.password", ""],
      ["signature", "a+b/c="],
    ]);
  });

  test("the fragment wins over the query", () => {
    const route = parseRoute(new URL(`${SITE}?token=old&x=1#/?token=new`));
    expect(route.parameters.get("token")).toBe("new");
    expect(route.parameters.get("x")).toBe("1");
  });

  test.each(["", "#", "#/", "#/client", "#/client/", "#/settings/users", "#%"])("%s is home", (rest) => {
    expect(parseRoute(new URL(SITE + rest)).page).toBe("home");
  });
});

describe("decodeTarget", () => {
  test.each(["my connection", "äöü", "MTIz", "%%%", ""])("%s is an identifier by itself", (text) => {
    expect(decodeTarget(text)).toEqual({ identifier: text, type: "c", dataSource: "" });
  });

  test("identifiers are UTF-8, slashes in base64 included", () => {
    const target = { identifier: "büro?>~ÿ😀", type: "c", dataSource: "hmac" };
    const bytes = new TextEncoder().encode(`${target.identifier}\0c\0hmac`);
    const standard = btoa(String.fromCharCode(...bytes));
    expect(standard).toContain("/");
    const route = parseRoute(new URL(`${SITE}#/client/${standard}?token=x`));
    expect(route.page === "client" && route.target).toEqual(target);
    expect(decodeTarget(encodeTarget(target))).toEqual(target);
  });
});

test("withoutParameters leaves no secret in the address", () => {
  expect(withoutParameters(new URL(`${SITE}?token=1#/client/x?token=2`))).toBe("/guacamole/#/client/x");
  expect(withoutParameters(new URL(SITE))).toBe("/guacamole/");
});

test.each([
  ["abc", null],
  ["abc.", ["abc"]],
  ["abc.def", ["abc", "def"]],
  [".", []],
])("%j holds several: %j", (encoded, targets) => {
  expect(severalTargets(encoded)).toEqual(targets);
});
