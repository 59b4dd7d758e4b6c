// @vitest-environment jsdom
import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Key, t, translate, useLanguage } from "../../webapp/src/strings.ts";

const read = (path: string) => readFileSync(path, "utf8");
const catalogue = (name: string): Record<string, string> => JSON.parse(read(`translations/${name}`));

const english = catalogue("en.json");
const names = readdirSync("translations");
const templates = readdirSync("templates").map((name) => read(`templates/${name}`));
const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => read(`src/${name}`))
  .join("\n");

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe.each(names)("%s", (name) => {
  const texts = catalogue(name);

  test("has every text, and no other", () => {
    expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
  });

  test("leaves the same places for values", () => {
    for (const [key, text] of Object.entries(texts)) {
      expect([key, placeholders(text)]).toEqual([key, placeholders(english[key] ?? "")]);
    }
  });

  test("has no empty text", () => {
    expect(Object.entries(texts).filter(([, text]) => text.trim() === "")).toEqual([]);
  });
});

describe("templates", () => {
  const page = document.createElement("div");
  page.innerHTML = templates.join("").replace(/\{#.*?#\}|\{%.*?%\}/gs, "");

  test.each([
    ["data-t", (element: Element) => element.textContent],
    ["data-t-title", (element: Element) => element.getAttribute("title")],
    // The script gives names that are only spoken, where a template gives none.
    ["data-t-label", (element: Element) => element.getAttribute("aria-label") ?? "by script"],
  ])("say in English what %s names", (attribute, shown) => {
    const elements = [...page.querySelectorAll(`[${attribute}]`)];
    expect(elements.length).toBeGreaterThan(0);
    for (const element of elements) {
      const key = element.getAttribute(attribute) ?? "";
      const text = shown(element)?.replace(/\{\{.*?\}\}/g, "{portal}");
      expect([key, text]).toEqual([key, text === "by script" ? text : english[key]]);
    }
  });

  test("hold no script and no style", () => {
    for (const template of templates) {
      expect(template).not.toMatch(/<style|\son\w+=|\sstyle=/);
      expect(template.match(/<script/g)?.length ?? 0).toBeLessThanOrEqual(2);
    }
  });
});

test("every text is used", () => {
  const used = sources + templates.join("");
  const unused = Object.keys(english).filter(
    (key) => !used.includes(`"${key}"`) && !key.startsWith("appearance.") && key !== "NAME",
  );
  expect(unused).toEqual([]);
});

describe("useLanguage", () => {
  beforeEach(() => {
    vi.stubGlobal("fetch", async (path: string) => {
      const name = path.replace("translations/", "");
      return names.includes(name) ? Response.json(catalogue(name)) : new Response("", { status: 404 });
    });
    return () => vi.unstubAllGlobals();
  });

  test("changes texts, elements and the page's language", async () => {
    document.body.innerHTML =
      '<p data-t="cancel"></p><b data-t-label="hide"></b><i data-t="signIn.portalNamed"></i>';
    await useLanguage("de");
    translate(document, { portal: "Atmosphere" });
    expect(document.documentElement.lang).toBe("de");
    expect(document.querySelector("p")?.textContent).toBe("Abbrechen");
    expect(document.querySelector("b")?.getAttribute("aria-label")).toBe("Ausblenden");
    expect(document.querySelector("i")?.textContent).toBe("Zu Atmosphere");
  });

  test("an element that names a text which no catalogue has keeps its own", async () => {
    document.body.innerHTML = '<p data-t="theme.hello">Hello</p><p data-t="cancel"></p>';
    await useLanguage("en");
    translate(document, {});
    expect(document.body.textContent).toBe("HelloCancel");
  });

  test.each(["xx", "../../secret", ""])("%j is English", async (tag) => {
    await useLanguage(tag);
    expect(t("cancel")).toBe("Cancel");
    expect(document.documentElement.lang).toBe("en");
  });

  test("texts that a catalogue lacks are English", async () => {
    vi.stubGlobal("fetch", async () => Response.json({ cancel: "Annuleren", hide: 3 }));
    await useLanguage("nl");
    expect([t("cancel"), t("hide"), t("logOut")]).toEqual(["Annuleren", "Hide", "Log out"]);
  });

  test("values are text, and missing ones stay visible", async () => {
    await useLanguage("en");
    expect(t("failure.countdown", { seconds: 3 })).toBe("Trying again in 3 s");
    expect(t("failure.countdown" as Key)).toBe("Trying again in {seconds} s");
  });
});
