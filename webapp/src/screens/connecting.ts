/** The connecting screen: which step is under way, for how long, and what helps when it takes long. */

import type { ConnectionInfo, InstanceState } from "../api.ts";
import { element, show } from "../dom.ts";
import type { Session, Step } from "../session.ts";
import { type Key, language, t } from "../strings.ts";
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
/** Where an instance that starts is told, and how. */
const STARTING: Partial<Record<InstanceState["state"], readonly [step: Step, text: Key]>> = {
  starting: ["reach", "connecting.starting"],
  "starting-desktop": ["open", "connecting.startingDesktop"],
};
/** Seconds after which a start takes longer than starts take. */
const LONG_START = 300;
const [MINUTE, IN_MINUTES] = [60, 120];
const ROUNDED_MS = 2000;
const OPENING: Record<string, Key> = { ssh: "connecting.openShell", vnc: "connecting.openDesktop" };
/** Portals that do not name connections number them. */
const UNNAMED = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

export class Connecting {
  readonly #card = element("connecting", "section");
  readonly #title = element("connecting-title", "h2");
  readonly #reaching = element("connecting-reach", "span");
  readonly #opening = element("connecting-open", "span");
  readonly #words = element("connecting-words", "p");
  readonly #hint = element("connecting-hint", "p");
  readonly #session: Session;
  #step: Step = "sign-in";
  #since = 0;
  #ticking = 0;

  constructor(session: Session) {
    this.#session = session;
    session.events.on("step", (step) => this.#enter(step));
    session.events.on("starting", (instance) => this.#wait(instance));
    session.events.on("info", () => this.#name());
    session.events.on("state", () => this.update());
    element("connecting-cancel", "button").addEventListener("click", () => session.cancel());
  }

  /** Show the card while nothing else can be seen. */
  update(): void {
    const { state, seen, starting } = this.#session;
    const shown = state === "connecting" && (!seen || starting !== null);
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

  /** An instance that starts is told in the place of the step that waits for it, since when it does. */
  #wait(instance: InstanceState | null): void {
    const step = instance === null ? undefined : STARTING[instance.state]?.[0];
    if (instance !== null && step !== undefined) {
      const since = performance.now() - instance.seconds * 1000;
      // The broker rounds: what is shown must not go back and forth between two looks.
      if (this.#step !== step || Math.abs(this.#since - since) > ROUNDED_MS) {
        this.#since = since;
      }
      this.#step = step;
    }
    this.update();
  }

  #name(): void {
    const { info, starting } = this.#session;
    const [step, text] = (starting !== null && STARTING[starting.state]) || [];
    const opening = OPENING[info?.protocol ?? ""] ?? "connecting.open";
    this.#title.textContent = tame(connectionName(info), 80) || t("connecting.title");
    this.#reaching.textContent = t(step === "reach" && text !== undefined ? text : "connecting.reach");
    this.#opening.textContent = t(step === "open" && text !== undefined ? text : opening);
    const words = starting?.words ?? "";
    show(this.#words, words !== "");
    this.#words.textContent = t("connecting.words", { words: tame(words, 200) });
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
        elapsed.textContent = index === current && seconds >= SHOW_SECONDS ? this.#elapsed(seconds) : "";
      }
    }
    this.#advise(seconds);
  }

  #elapsed(seconds: number): string {
    const time =
      seconds < IN_MINUTES
        ? t("seconds", { seconds })
        : new Intl.NumberFormat(language(), { style: "unit", unit: "minute", unitDisplay: "short" }).format(
            Math.floor(seconds / MINUTE),
          );
    return this.#session.starting === null ? time : t("connecting.since", { time });
  }

  #advise(seconds: number): void {
    const [explain, advise] = HINTS[this.#step];
    const own = seconds >= ADVISE_AFTER ? t(advise) : seconds >= EXPLAIN_AFTER ? t(explain) : "";
    const starting = t(seconds >= LONG_START ? "connecting.starting.long" : "connecting.starting.text");
    const text = this.#session.starting === null ? own : starting;
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
