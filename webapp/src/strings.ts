/** Catalogues: one flat JSON file a language in `locales/`; English is complete and always at hand. */
import english from "./locales/en.json";

/** The name of a text. */
export type Key = keyof typeof english;
type Catalogue = Partial<Record<Key, string>>;

const LOADERS = import.meta.glob<Catalogue>(["./locales/*.json", "!./locales/en.json"], { import: "default" });
const ATTRIBUTES = { t: "", tLabel: "aria-label", tTitle: "title", tPlaceholder: "placeholder" } as const;

let catalogue: Catalogue = english;
let current = "en";

/** Languages there is a catalogue for, English first. */
export const languages: readonly string[] = ["en", ...Object.keys(LOADERS).map(languageOf).sort()];

/** The language in use, as in the `lang` attribute. */
export function language(): string {
  return current;
}

/** The best language on offer for a wish list of language tags; English where none fits. */
export function bestLanguage(wanted: readonly string[]): string {
  const primary = wanted.map((tag) => tag.toLowerCase().split(/[-_]/)[0] ?? "");
  return primary.find((tag) => languages.includes(tag)) ?? "en";
}

/** Use another language from now on; a catalogue that does not load leaves English. */
export async function useLanguage(tag: string): Promise<void> {
  const load = LOADERS[`./locales/${tag}.json`];
  catalogue = load ? await load().catch(() => english) : english;
  current = catalogue === english ? "en" : tag;
  document.documentElement.lang = current;
}

/** A text in the current language, with `{name}` replaced by values. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = catalogue[key] ?? english[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Fill in the texts of elements that name theirs: `data-t`, `data-t-label`, `data-t-title`, `data-t-placeholder`. */
export function translate(root: ParentNode): void {
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const selector = `[data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of root.querySelectorAll<HTMLElement>(selector)) {
      const text = t(element.dataset[name] as Key);
      if (attribute === "") {
        element.textContent = text;
      } else {
        element.setAttribute(attribute, text);
      }
    }
  }
}

function languageOf(path: string): string {
  return path.replace(/^.*\/|\.json$/g, "");
}
