/**
 * Texts by name. English is part of the bundle and complete; other catalogues come from the broker, which may have
 * merged those of extensions into them.
 */
import english from "../translations/en.json";
import { tame } from "./text.ts";

/** The name of a text. */
export type Key = keyof typeof english;
type Catalogue = Partial<Record<Key, string>>;

const FALLBACK = "en";
const TAG = /^[a-z]{2,8}(_[a-z0-9]{1,8})?$/i;
/** Where an element names its texts, and which attribute each goes to; the first is the content itself. */
const PLACES = [
  ["t", ""],
  ["tLabel", "aria-label"],
  ["tTitle", "title"],
] as const;

let catalogue: Catalogue = english;
let current = FALLBACK;

/** The language in use, as in the `lang` attribute. */
export function language(): string {
  return current;
}

/** Languages on offer: name by tag. */
export async function languages(): Promise<Record<string, string>> {
  const offered = await fetchJson("api/languages");
  const entries = Object.entries(offered ?? {}).filter(([tag]) => TAG.test(tag));
  const names = entries.map(([tag, name]) => [tag, tame(String(name), 40)] as const);
  return { [FALLBACK]: english.NAME, ...Object.fromEntries(names) };
}

/** Use another language from now on; one whose catalogue cannot be had leaves English. */
export async function useLanguage(tag: string): Promise<void> {
  const found = TAG.test(tag) ? await fetchJson(`translations/${tag}.json`) : null;
  catalogue = found ?? english;
  current = found === null ? FALLBACK : tag.replace("_", "-");
  document.documentElement.lang = current;
}

/** A text in the current language, with `{name}` replaced by values. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = catalogue[key];
  return (typeof text === "string" ? text : english[key]).replace(
    /\{(\w+)\}/g,
    (whole: string, name: string) => String(values[name] ?? whole),
  );
}

/** Fill in the texts of elements that name theirs: `data-t`, `data-t-label`, `data-t-title`. */
export function translate(root: ParentNode, values: Record<string, string>): void {
  for (const [place, attribute] of PLACES) {
    const selector = `[data-${place.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of root.querySelectorAll<HTMLElement>(selector)) {
      const key = element.dataset[place] as Key;
      if (typeof (catalogue[key] ?? english[key]) !== "string") {
        continue; // a theme names a text that no catalogue has: what the element says stays
      }
      const text = t(key, values);
      if (attribute === "") {
        element.textContent = text;
      } else {
        element.setAttribute(attribute, text);
      }
    }
  }
}

async function fetchJson(path: string): Promise<Record<string, string> | null> {
  try {
    const response = await fetch(path);
    const body: unknown = response.ok ? await response.json() : null;
    return typeof body === "object" ? (body as Record<string, string> | null) : null;
  } catch {
    return null;
  }
}
