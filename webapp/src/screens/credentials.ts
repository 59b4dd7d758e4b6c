/** The form that opens when the instance asks for parameters: a password, a user name, a one-time code. */
import type { Prompt } from "../connection.ts";
import { element, make, show, takeFocus } from "../dom.ts";
import type { Session } from "../session.ts";
import { type Key, t } from "../strings.ts";
import { tame } from "../text.ts";

/** What is asked for in a gateway's words. */
const ANSWER = "gateway-answer";
const MAX_PROMPT = 2000;

const LABELS: Record<string, Key> = {
  username: "credentials.username",
  password: "credentials.password",
  passphrase: "credentials.passphrase",
};
const READABLE = new Set(["username", "domain"]);

export class Credentials {
  readonly #form = element("credentials", "form");
  readonly #title = element("credentials-title", "h2");
  readonly #fields = element("credentials-fields", "div");
  #prompt: Prompt | null = null;
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
    session.events.on("prompt", (prompt) => {
      this.#prompt = prompt;
    });
    session.events.on("required", (names) => this.#ask(names));
    session.events.on("state", () => this.#close());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    element("credentials-cancel", "button").addEventListener("click", () => session.cancel());
  }

  #ask(names: string[]): void {
    const prompt = names.includes(ANSWER) ? this.#prompt : null;
    this.#prompt = null;
    this.#title.textContent = t(prompt === null ? "credentials.title" : "credentials.gateway");
    this.#fields.replaceChildren(...(prompt === null ? names.map((name) => field(name)) : question(prompt)));
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

/** A gateway's own words: what comes before the last line stands above the field. */
function question({ text, secret }: Prompt): HTMLElement[] {
  const lines = text.slice(-MAX_PROMPT).trim().split("\n");
  const last = lines.pop() ?? "";
  const input = make("input", {
    name: ANSWER,
    type: secret ? "password" : "text",
    autocomplete: "one-time-code",
    spellcheck: "false",
  });
  const label = make("span", { class: "field-header" }, tame(last, MAX_PROMPT));
  const said = lines.map((line) => make("p", { class: "description" }, tame(line, MAX_PROMPT)));
  return [...said, make("label", { class: "labeled-field" }, label, input)];
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
