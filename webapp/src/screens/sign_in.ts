/** The page for those without a session: sessions are opened in the portal. Says kindly what is wrong with a link. */
import { element, show, takeFocus } from "../dom.ts";
import type { Failure } from "../failure.ts";
import { t } from "../strings.ts";
import { sentence } from "./failure_card.ts";

/** Why somebody is here. */
export type Reason = { failure: Failure } | { loggedOut: true } | null;

export class SignIn {
  readonly #title = element("sign-in-title", "h1");
  readonly #error = element("sign-in-error", "p");
  readonly #notice = element("sign-in-notice", "p");
  readonly #text = element("sign-in-text", "p");
  readonly #screen = element("sign-in", "main");
  #reason: Reason = null;

  /** Say why, and what to do. */
  explain(reason: Reason): void {
    this.#reason = reason;
    this.update();
    takeFocus(this.#title);
  }

  /** Say it in the language in use. */
  update(): void {
    const reason = this.#reason;
    const failure = reason !== null && "failure" in reason ? reason.failure : null;
    const loggedOut = reason !== null && "loggedOut" in reason;
    this.#screen.classList.toggle("error", failure !== null);
    this.#title.textContent = t(failure?.title ?? (loggedOut ? "signIn.loggedOut" : "signIn.title"));
    this.#text.textContent = t(failure !== null || loggedOut ? "signIn.again" : "signIn.text");
    const cause = failure === null ? "" : sentence(failure);
    show(this.#error, failure !== null);
    this.#error.textContent = cause;
    // A theme with a dialog of its own does not hide why somebody is here.
    show(this.#notice, reason !== null && !this.#title.isConnected);
    this.#notice.textContent = `${this.#title.textContent}. ${cause}`;
  }
}
