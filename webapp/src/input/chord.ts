/** The one chord that is ours: Ctrl+Alt+Shift, pressed by themselves. */

const PARTS = ["Control", "Alt", "Shift"];

/** Tells when exactly the three keys are down. Physical keys count: with Shift, some layouts call Alt "Meta". */
export class Chord {
  readonly #down = new Set<string>();

  /** A key went down, by `KeyboardEvent.code`; true when it completes the chord. */
  press(code: string): boolean {
    if (this.#down.has(code)) {
      return false;
    }
    this.#down.add(code);
    const parts = [...this.#down].map((key) => key.replace(/(Left|Right)$/, ""));
    return parts.length === PARTS.length && PARTS.every((part) => parts.includes(part));
  }

  /** A key went up. */
  release(code: string): void {
    this.#down.delete(code);
  }

  /** Keys may have gone up unseen: the window lost the focus. */
  forget(): void {
    this.#down.clear();
  }
}
