/** Light, dark or high contrast: as the device has it, or as the person chose. Styles read the root's attributes. */
import { recall, remember } from "./preferences.ts";

const PREFERENCE = "appearance";

/** What can be chosen. */
export const APPEARANCES = ["auto", "light", "dark", "contrast"] as const;
export type Appearance = (typeof APPEARANCES)[number];

/** What was chosen. */
export function appearance(): Appearance {
  return APPEARANCES.find((name) => name === recall(PREFERENCE)) ?? "auto";
}

/** Choose, and remember it. */
export function chooseAppearance(chosen: Appearance): void {
  remember(PREFERENCE, chosen);
  apply();
}

/** Follow the choice and the device from now on. */
export function followAppearance(): void {
  window.matchMedia("(prefers-contrast: more)").addEventListener("change", apply);
  window.addEventListener("storage", apply);
  apply();
}

function apply(): void {
  const chosen = appearance();
  const { dataset } = document.documentElement;
  dataset.appearance = chosen;
  const contrast =
    chosen === "contrast" || (chosen === "auto" && window.matchMedia("(prefers-contrast: more)").matches);
  dataset.contrast = contrast ? "more" : "normal";
}
