/** The connecting screen: which step is under way, for how long, and what helps when it takes long. */

import type { ConnectionInfo } from "../api.ts";
import { element, show } from "../dom.ts";
import type { Session, Step } from "../session.ts";
import { type Key, t } from "../strings.ts";
import { tame } from "../text.ts";

const STEPS: readonly Step[] = ["sign-in", "reach", "open"];
const TICK_MS = 250;
/** Seconds after which a step's duration, what usually takes long, and what can be done are told. */
const [SHOW_SECONDS, EXPLAIN_AFTER, ADVISE_AFTER] = [2, 3, 10];
const HINTS: Record<Step, readonly [explain: Key, advise: Key]> = {
  "sign-in": ["connecting.signIn.slow", "connecting.signIn.long"],
  reach: ["connecting.reach.slow", "connecting.reach.long"],
  open: ["connecting.open.slow", "connecting.open.long"],
};
const OPENING: Record<string, Key> = { ssh: "connecting.openShell", vnc: "connecting.openDesktop" };
/** Portals that do not name connections number them. */
const UNNAMED = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export class Connecting {
  readonly #card = element("connecting", "section");
  readonly #title = element("connecting-title", "h2");
  readonly #opening = element("connecting-open", "span");
  readonly #hint = element("connecting-hint", "p");
  readonly #session: Session;
  #step: Step = "sign-in";
  #since = 0;
  #ticking = 0;

  constructor(session: Session) {
    this.#session = session;
    session.events.on("step", (step) => this.#enter(step));
    session.events.on("info", () => this.#name());
    session.events.on("state", () => this.update());
    element("connecting-cancel", "button").addEventListener("click", () => session.cancel());
  }

  /** Show the card while nothing else can be seen. */
  update(): void {
    const shown = this.#session.state === "connecting" && !this.#session.seen;
    show(this.#card, shown);
    window.clearInterval(this.#ticking);
    if (shown) {
      this.#name();
      this.#draw();
      this.#ticking = window.setInterval(() => this.#draw(), TICK_MS);
    }
  }

  #enter(step: Step): void {
    this.#step = step;
    this.#since = performance.now();
    this.update();
  }

  #name(): void {
    const { info } = this.#session;
    this.#title.textContent = tame(connectionName(info), 80) || t("connecting.title");
    this.#opening.textContent = t(OPENING[info?.protocol ?? ""] ?? "connecting.open");
  }

  #draw(): void {
    const current = STEPS.indexOf(this.#step);
    const seconds = Math.floor((performance.now() - this.#since) / 1000);
    for (const row of this.#card.querySelectorAll<HTMLElement>("[data-step]")) {
      const index = STEPS.indexOf(row.dataset.step as Step);
      row.dataset.progress = index < current ? "done" : index === current ? "current" : "pending";
      row.toggleAttribute("aria-current", index === current);
      const elapsed = row.querySelector(".fl-elapsed");
      if (elapsed !== null) {
        elapsed.textContent = index === current && seconds >= SHOW_SECONDS ? t("seconds", { seconds }) : "";
      }
    }
    this.#advise(seconds);
  }

  #advise(seconds: number): void {
    const [explain, advise] = HINTS[this.#step];
    const text = seconds >= ADVISE_AFTER ? t(advise) : seconds >= EXPLAIN_AFTER ? t(explain) : "";
    // Said once by screen readers: written only when it changes.
    if (this.#hint.textContent !== text) {
      this.#hint.textContent = text;
    }
  }
}

/** What a connection is called; empty where it only has a number. */
export function connectionName(info: ConnectionInfo | null): string {
  return info === null || UNNAMED.test(info.name) ? "" : info.name;
}
