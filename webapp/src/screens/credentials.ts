/** The form that opens when the instance asks for parameters: a password, a user name, a one-time code. */
import { element, make, show, takeFocus } from "../dom.ts";
import type { Session } from "../session.ts";
import { type Key, t } from "../strings.ts";
import { tame } from "../text.ts";

const LABELS: Record<string, Key> = {
  username: "credentials.username",
  password: "credentials.password",
  passphrase: "credentials.passphrase",
};
const READABLE = new Set(["username", "domain"]);

export class Credentials {
  readonly #form = element("credentials", "form");
  readonly #fields = element("credentials-fields", "div");
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    session.events.on("required", (names) => this.#ask(names));
    session.events.on("state", () => this.#close());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    element("credentials-cancel", "button").addEventListener("click", () => session.cancel());
  }

  #ask(names: string[]): void {
    this.#fields.replaceChildren(...names.map((name) => field(name)));
    show(this.#form, true);
    const [first] = this.#fields.getElementsByTagName("input");
    if (first !== undefined) {
      takeFocus(first);
    }
  }

  #send(): void {
    for (const input of this.#fields.querySelectorAll("input")) {
      this.#session.sendArgument(input.name, input.value);
    }
    this.#close();
  }

  #close(): void {
    this.#fields.replaceChildren();
    show(this.#form, false);
  }
}

function field(name: string): HTMLElement {
  const known = LABELS[name];
  const input = make("input", {
    name,
    type: READABLE.has(name) ? "text" : "password",
    autocomplete: "off",
    spellcheck: "false",
    required: "",
  });
  const label = make("span", { class: "field-header" }, known ? t(known) : tame(name, 40));
  return make("label", { class: "labeled-field" }, label, input);
}
