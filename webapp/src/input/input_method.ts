/** How text is typed: on a keyboard, on the device's touch keyboard with a bar of keys above it, or on a drawn one. */
import type { Picture } from "../display/picture.ts";
import { element, show } from "../dom.ts";
import type { Session } from "../session.ts";
import { KeyBar } from "./key_bar.ts";
import type { Keyboard } from "./keyboard.ts";
import { OnScreenKeyboard } from "./on_screen_keyboard.ts";
import type { Pointer } from "./pointer.ts";

/** Names of methods, as Guacamole's menu has them. */
export const METHODS = ["none", "text", "osk"] as const;
export type Method = (typeof METHODS)[number];

/** Whether a finger is the main way to point here. */
export function isTouchDevice(): boolean {
  return window.matchMedia("(pointer: coarse)").matches;
}

export class InputMethod {
  /** Chosen, by whichever way. */
  onchange: () => void = () => undefined;
  readonly onScreen: OnScreenKeyboard;

  readonly #bar: KeyBar;
  readonly #button = element("keyboard-button", "button");
  readonly #keyboard: Keyboard;
  readonly #picture: Picture;
  readonly #session: Session;
  #method: Method = "none";

  constructor(keyboard: Keyboard, picture: Picture, pointer: Pointer, session: Session) {
    this.#keyboard = keyboard;
    this.#picture = picture;
    this.#session = session;
    const hide = () => {
      this.method = "none";
    };
    this.#bar = new KeyBar(keyboard, hide);
    this.onScreen = new OnScreenKeyboard(keyboard, hide);
    // A press must not take the focus from the field: the touch keyboard would not come.
    this.#button.addEventListener("pointerdown", (event) => event.preventDefault());
    this.#button.addEventListener("click", () => {
      this.method = "text";
    });
    keyboard.onlatch = (held) => {
      this.#bar.mark(held);
      this.onScreen.mark(held);
    };
    window.visualViewport?.addEventListener("resize", () => this.#fit());
    picture.events.on("change", () => {
      if (picture.covered) {
        picture.reveal(pointer.place);
      }
    });
    this.#offer();
  }

  get method(): Method {
    return this.#method;
  }

  set method(method: Method) {
    this.#method = method;
    show(this.#bar.element, method === "text");
    show(this.onScreen.element, method === "osk");
    this.#keyboard.touchKeyboard = method === "text";
    this.#offer();
    this.#fit();
    this.onchange();
  }

  /** A button to the touch keyboard, where there is no other keyboard. */
  #offer(): void {
    show(this.#button, isTouchDevice() && this.#method === "none");
  }

  /** End the page above the touch keyboard. A shell takes the smaller size; a desktop keeps its own. */
  #fit(): void {
    const { visualViewport: viewport } = window;
    const covered = viewport !== null && viewport.height < document.documentElement.clientHeight - 1;
    document.documentElement.style.setProperty(
      "--fl-visible-height",
      this.#method === "text" && covered ? `${viewport.height}px` : "100dvh",
    );
    this.#picture.covered = this.#method !== "none" && this.#session.info?.protocol !== "ssh";
    this.#picture.update();
  }
}
