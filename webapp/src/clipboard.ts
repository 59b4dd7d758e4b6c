/**
 * One clipboard out of two: this device's and the instance's. Where the browser lets a page read the clipboard it
 * happens by itself; everywhere else on Ctrl+V, whose paste event needs no permission; and the menu has a text box.
 */
import { Emitter } from "./emitter.ts";
import type { Session } from "./session.ts";

/**
 * `auto`: both ways by themselves. `keys`: Ctrl+V pastes, copies arrive by themselves. `manual`: Ctrl+V pastes, copies
 * have to be fetched from the box, because the page is not served securely.
 */
export type ClipboardMode = "auto" | "keys" | "manual";

export interface ClipboardEvents {
  /** The text on the instance's clipboard, as far as it is known. */
  text: string;
  mode: ClipboardMode;
}

export class Clipboard {
  readonly events = new Emitter<ClipboardEvents>();
  text = "";
  mode: ClipboardMode = "keys";
  /** Whether the browser would ask the person for permission if we tried. */
  askable = false;

  readonly #session: Session;
  readonly #captured: () => boolean;
  #awaiting: (() => void) | null = null;
  /** What the instance has on its clipboard for sure. */
  #shared: string | null = null;
  #unwritten: string | null = null;

  /** @param captured whether keys go to the instance now. */
  constructor(session: Session, captured: () => boolean) {
    this.#session = session;
    this.#captured = captured;
    session.events.on("clipboard", (text) => this.#receive(text));
    session.events.on("connected", () => {
      this.#shared = null;
      this.pull();
    });
    window.addEventListener("focus", () => this.pull());
    document.addEventListener("paste", (event) => this.#paste(event), true);
    for (const gesture of ["pointerup", "keyup"]) {
      document.addEventListener(gesture, () => this.#writeUnwritten(), true);
    }
    this.#learn();
  }

  /** Put text on the instance's clipboard. */
  send(text: string): void {
    if (text !== this.#shared) {
      this.#know(text);
      this.#session.sendClipboard(text);
    }
  }

  /** Ctrl+V was pressed: `proceed` after the browser pasted, or at once where it does not. */
  awaitPaste(proceed: () => void): void {
    this.#proceed();
    this.#awaiting = proceed;
    window.setTimeout(() => this.#proceed());
  }

  /** Take over what lies on this device's clipboard, where that needs no question. */
  async pull(): Promise<void> {
    if (this.mode === "auto" && this.#session.live) {
      const text = await navigator.clipboard.readText().catch(() => "");
      if (text !== "") {
        this.send(text);
      }
    }
  }

  /** Ask the browser for the permission to read. */
  async ask(): Promise<void> {
    await navigator.clipboard.readText().catch(() => "");
    await this.#learn();
    await this.pull();
  }

  /** Put text on this device's clipboard; false where the browser refuses. Called in a click. */
  async copy(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyBySelection(text);
    }
  }

  #receive(text: string): void {
    this.#know(text);
    this.#unwritten = text;
    this.#writeUnwritten();
  }

  /** Some browsers let a page write only in the wake of a gesture: what failed is tried again at the next one. */
  async #writeUnwritten(): Promise<void> {
    const text = this.#unwritten;
    if (text === null || this.mode === "manual") {
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
      if (this.#unwritten === text) {
        this.#unwritten = null;
      }
    } catch {
      // The next gesture tries again.
    }
  }

  #paste(event: ClipboardEvent): void {
    if (!this.#captured()) {
      return;
    }
    event.preventDefault();
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text !== "") {
      this.send(text);
    }
    this.#proceed();
  }

  #proceed(): void {
    const proceed = this.#awaiting;
    this.#awaiting = null;
    proceed?.();
  }

  #know(text: string): void {
    this.text = text;
    this.#shared = text;
    this.events.emit("text", text);
  }

  async #learn(): Promise<void> {
    if (navigator.clipboard === undefined) {
      this.#choose("manual");
      return;
    }
    try {
      const name = "clipboard-read" as PermissionName;
      const permission = await navigator.permissions.query({ name });
      const apply = () => {
        this.askable = permission.state === "prompt";
        this.#choose(permission.state === "granted" ? "auto" : "keys");
      };
      permission.onchange = apply;
      apply();
    } catch {
      this.#choose("keys");
    }
  }

  #choose(mode: ClipboardMode): void {
    this.mode = mode;
    this.events.emit("mode", mode);
  }
}

/** The old way to copy, which works on insecure pages too. */
function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "fl-unseen";
  const before = document.activeElement as HTMLElement | null;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  before?.focus();
  return copied;
}
