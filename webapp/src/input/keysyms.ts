/** X11 keysyms by name: the keys that people send by a click, and the chords that browsers keep for themselves. */

export const KEYSYM = {
  BackSpace: 0xff08,
  Tab: 0xff09,
  Return: 0xff0d,
  Escape: 0xff1b,
  Delete: 0xffff,
  Home: 0xff50,
  Left: 0xff51,
  Up: 0xff52,
  Right: 0xff53,
  Down: 0xff54,
  PageUp: 0xff55,
  PageDown: 0xff56,
  End: 0xff57,
  Print: 0xff61,
  F1: 0xffbe,
  F2: 0xffbf,
  F4: 0xffc1,
  F11: 0xffc8,
  Shift: 0xffe1,
  Control: 0xffe3,
  Alt: 0xffe9,
  Super: 0xffeb,
} as const;

const MODIFIERS: readonly number[] = [
  0xfe03, // AltGr
  0xffe1,
  0xffe2, // Shift
  0xffe3,
  0xffe4, // Control
  0xffe7,
  0xffe8, // Meta
  0xffe9,
  0xffea, // Alt
  0xffeb,
  0xffec, // Super
];

/** Whether a keysym is a modifier. */
export function isModifier(keysym: number): boolean {
  return MODIFIERS.includes(keysym);
}

/** The keysym of a character. */
export function keysymOf(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint <= 0x1f || (codePoint >= 0x7f && codePoint <= 0x9f)) {
    return 0xff00 | codePoint;
  }
  return codePoint <= 0xff ? codePoint : 0x01000000 | codePoint;
}

/** Chords that a browser or the system keeps: pressed in order, released in reverse. */
export const KEPT_CHORDS: readonly { label: string; keys: readonly number[] }[] = [
  { label: "Ctrl+Alt+Del", keys: [KEYSYM.Control, KEYSYM.Alt, KEYSYM.Delete] },
  { label: "Alt+Tab", keys: [KEYSYM.Alt, KEYSYM.Tab] },
  { label: "Alt+F4", keys: [KEYSYM.Alt, KEYSYM.F4] },
  { label: "Ctrl+W", keys: [KEYSYM.Control, keysymOf("w")] },
  { label: "Ctrl+T", keys: [KEYSYM.Control, keysymOf("t")] },
  { label: "Ctrl+N", keys: [KEYSYM.Control, keysymOf("n")] },
  { label: "Ctrl+Tab", keys: [KEYSYM.Control, KEYSYM.Tab] },
  { label: "Esc", keys: [KEYSYM.Escape] },
  { label: "F1", keys: [KEYSYM.F1] },
  { label: "F11", keys: [KEYSYM.F11] },
  { label: "Super", keys: [KEYSYM.Super] },
  { label: "PrtSc", keys: [KEYSYM.Print] },
];
