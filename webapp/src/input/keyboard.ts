/**
 * The keyboard belongs to the instance while the person works in it: every key but our chord goes there. Keys come
 * through an unseen text field, so that input methods and touch keyboards can compose.
 */
import Guacamole from "guacamole-common-js";
import type { Session } from "../session.ts";
import { t } from "../strings.ts";
import { Chord } from "./chord.ts";
import { isModifier, KEYSYM, keysymOf } from "./keysyms.ts";

const LETTER_V = [keysymOf("v"), keysymOf("V")];
const CONTROL = [0xffe3, 0xffe4];
const META = [0xffe7, 0xffe8, 0xffeb, 0xffec];

/** Editing that touch keyboards report in place of keys. */
const EDITS: Record<string, number> = {
  deleteContentBackward: KEYSYM.BackSpace,
  deleteContentForward: KEYSYM.Delete,
  insertLineBreak: KEYSYM.Return,
  insertParagraph: KEYSYM.Return,
};

export class Keyboard {
  /** The chord was pressed. */
  onchord: () => void = () => undefined;
  /** Ctrl+V or its like: the clipboard goes first, then `proceed` sends the key and what was typed since. */
  onpaste: (proceed: () => void) => void = (proceed) => proceed();
  /** Modifiers held by the key bar changed. */
  onlatch: (keysyms: ReadonlySet<number>) => void = () => undefined;

  readonly #session: Session;
  readonly #sink = new Guacamole.InputSink();
  readonly #keyboard: Guacamole.Keyboard;
  readonly #chord = new Chord();
  readonly #latched = new Set<number>();
  readonly #field: HTMLTextAreaElement;
  #captured = false;
  /** Keys that wait for the clipboard; null when none has to. */
  #waiting: [keysym: number, pressed: 0 | 1][] | null = null;

  constructor(body: HTMLElement, session: Session) {
    this.#session = session;
    this.#field = this.#sink.getElement() as HTMLTextAreaElement;
    this.#prepareField();
    body.append(this.#field);
    // Before the library's: it does not see the key that completes the chord.
    this.#watchChord();
    this.#watchFocus();
    this.#keyboard = new Guacamole.Keyboard(document);
    this.#keyboard.listenTo(this.#field);
    // The library would split characters beyond the basic plane.
    this.#keyboard.type = (text: string) => this.type(text);
    session.events.on("state", () => {
      if (!session.live) {
        this.reset();
      }
    });
  }

  /** Send keys to the instance from now on, until the focus goes elsewhere. */
  capture(): void {
    this.#captured = true;
    this.#keyboard.onkeydown = (keysym) => this.#press(keysym);
    this.#keyboard.onkeyup = (keysym) => this.#lift(keysym);
    if (document.activeElement !== this.#field) {
      this.#field.focus({ preventScroll: true });
    }
  }

  /** Leave keys to the page. */
  release(): void {
    if (this.#captured) {
      this.reset();
      this.#captured = false;
      this.#keyboard.onkeydown = null;
      this.#keyboard.onkeyup = null;
    }
  }

  /** Whether keys go to the instance. */
  get captured(): boolean {
    return this.#captured;
  }

  /** Let the touch keyboard appear, or not: a tap on the picture must not open it by itself. */
  set touchKeyboard(shown: boolean) {
    this.#field.inputMode = shown ? "text" : "none";
    if (this.#captured) {
      // Browsers look at the input mode when the field gets the focus.
      this.#field.blur();
      this.#field.focus({ preventScroll: true });
    }
  }

  /** Type text as if on a keyboard that has every character. */
  type(text: string): void {
    for (const character of text) {
      this.stroke([keysymOf(character)]);
    }
  }

  /** Press keys in order and release them in reverse, together with modifiers held by the key bar. */
  stroke(keysyms: readonly number[]): void {
    for (const keysym of keysyms) {
      this.#send(keysym, 1);
    }
    for (const keysym of [...keysyms].reverse()) {
      this.#send(keysym, 0);
    }
    this.#unlatch();
  }

  /** Hold a modifier for the next key, or let it go. */
  latch(keysym: number): void {
    const held = this.#latched.delete(keysym);
    if (!held) {
      this.#latched.add(keysym);
    }
    this.#send(keysym, held ? 0 : 1);
    this.onlatch(this.#latched);
  }

  /** Let all keys go. */
  reset(): void {
    this.#keyboard.reset();
    this.#unlatch();
  }

  #press(keysym: number): boolean {
    if (LETTER_V.includes(keysym) && this.#holds([...CONTROL, ...META])) {
      this.#waiting ??= [];
      this.#send(keysym, 1);
      this.onpaste(() => this.#proceed());
      // The browser pastes only if it may act on the key; what it pastes goes to the instance.
      return true;
    }
    this.#send(keysym, 1);
    return false;
  }

  #lift(keysym: number): void {
    this.#send(keysym, 0);
    if (!isModifier(keysym)) {
      this.#unlatch();
    }
  }

  #send(keysym: number, pressed: 0 | 1): void {
    if (this.#waiting === null) {
      this.#session.send("key", keysym, pressed);
    } else {
      this.#waiting.push([keysym, pressed]);
    }
  }

  #proceed(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const [keysym, pressed] of waiting) {
      this.#send(keysym, pressed);
    }
  }

  #holds(keysyms: readonly number[]): boolean {
    return keysyms.some((keysym) => this.#keyboard.pressed[keysym] || this.#latched.has(keysym));
  }

  #unlatch(): void {
    for (const keysym of this.#latched) {
      this.#send(keysym, 0);
    }
    if (this.#latched.size > 0) {
      this.#latched.clear();
      this.onlatch(this.#latched);
    }
  }

  #prepareField(): void {
    const field = this.#field;
    field.className = "fl-sink";
    field.dataset.tLabel = "keyboard.sink";
    field.setAttribute("aria-label", t("keyboard.sink"));
    for (const name of ["autocapitalize", "autocomplete", "autocorrect"]) {
      field.setAttribute(name, "off");
    }
    field.spellcheck = false;
    field.inputMode = "none";
    field.addEventListener("beforeinput", (event) => {
      const keysym = EDITS[event.inputType];
      if (this.#captured && keysym !== undefined) {
        event.preventDefault();
        this.stroke([keysym]);
      }
    });
  }

  /** Keys go where the focus is: to the instance while the field has it, to the page otherwise. */
  #watchFocus(): void {
    document.addEventListener("focusin", (event) => {
      if (event.target !== this.#field) {
        this.release();
      } else if (!this.#captured) {
        this.capture();
      }
    });
  }

  #watchChord(): void {
    document.addEventListener(
      "keydown",
      (event) => {
        if (this.#chord.press(event.code)) {
          event.preventDefault();
          event.stopImmediatePropagation();
          this.#chord.forget();
          this.onchord();
        }
      },
      true,
    );
    document.addEventListener("keyup", (event) => this.#chord.release(event.code), true);
    window.addEventListener("blur", () => {
      this.#chord.forget();
      this.reset();
    });
  }
}
