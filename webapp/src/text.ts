/** Text from elsewhere (titles, file names, errors): shown as text, of bounded length, in the order it reads. */

const CONTROLS = /[\p{Cc}\u2028\u2029]+/gu;
const DIRECTION_MARKS = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;

/** Text of one line: no control characters, no direction overrides, at most `limit` characters. */
export function tame(text: string, limit = 200): string {
  const line = text
    .slice(0, limit * 4)
    .replace(CONTROLS, " ")
    .replace(DIRECTION_MARKS, "")
    .trim();
  const characters = [...line];
  return characters.length > limit ? `${characters.slice(0, limit - 1).join("")}…` : line;
}

/** A number of bytes as people read it, in the page's language. */
export function formatBytes(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[power] as string,
    unitDisplay: "short",
    maximumFractionDigits: power > 1 ? 1 : 0,
  }).format(bytes / 1000 ** power);
}
