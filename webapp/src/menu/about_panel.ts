/** The menu's last section: appearance and language. */
import { APPEARANCES, type Appearance, appearance, chooseAppearance } from "../appearance.ts";
import { element, make } from "../dom.ts";
import { remember } from "../preferences.ts";
import { type Key, language, languages, t } from "../strings.ts";

export const LANGUAGE_PREFERENCE = "language";

export class AboutPanel {
  readonly #appearance = element("appearance", "select");
  readonly #language = element("language", "select");

  /** @param speak use another language for everything on the page. */
  constructor(speak: (language: string) => void) {
    this.#appearance.addEventListener("change", () => chooseAppearance(this.#appearance.value as Appearance));
    this.#language.addEventListener("change", () => {
      remember(LANGUAGE_PREFERENCE, this.#language.value);
      speak(this.#language.value);
    });
    this.update();
    this.#offerLanguages();
  }

  /** Write the choices in the language in use. */
  update(): void {
    this.#appearance.replaceChildren(
      ...APPEARANCES.map((name) => make("option", { value: name }, t(`appearance.${name}` as Key))),
    );
    this.#appearance.value = appearance();
    this.#language.value = language();
  }

  async #offerLanguages(): Promise<void> {
    const options = Object.entries(await languages()).map(([tag, name]) =>
      make("option", { value: tag, lang: tag.replace("_", "-") }, name),
    );
    this.#language.replaceChildren(...options);
    this.#language.value = language();
  }
}
