/** The error card over the dimmed last picture: what failed, where, and the one thing to do next. */
import type { Clipboard } from "../clipboard.ts";
import { element, make, show, takeFocus } from "../dom.ts";
import { code, type Failure, type Station, stations } from "../failure.ts";
import type { Session } from "../session.ts";
import { type Key, t } from "../strings.ts";
import { tame } from "../text.ts";
import type { Notices } from "./notices.ts";

const STATION_NAMES: Record<Station["name"], Key> = {
  you: "station.you",
  fanlight: "station.fanlight",
  gateway: "station.gateway",
  instance: "station.instance",
  service: "station.session",
};
const SERVICE_NAMES: Record<string, Key> = { ssh: "station.shell", vnc: "station.desktop" };
const STATE_NAMES: Record<Station["state"], Key> = {
  passed: "station.passed",
  failed: "station.failed",
  unknown: "station.unknown",
};
const MAX_SENTENCE = 400;
/** How a host key is told, by proxyd and by the broker: the one that was shown, then what was expected. */
const FINGERPRINT = /SHA256:[A-Za-z0-9+/]{43}/g;
const MS = 1000;

export class FailureCard {
  readonly #card = element("failure", "section");
  readonly #title = element("failure-title", "h2");
  readonly #text = element("failure-text", "p");
  readonly #facts = element("failure-facts", "dl");
  readonly #way = element("failure-way", "ol");
  readonly #countdown = element("failure-countdown", "p");
  readonly #retry = element("failure-retry", "button");
  readonly #copy = element("failure-copy", "button");
  readonly #session: Session;
  #failure: Failure | null = null;
  #ticking = 0;

  constructor(session: Session, clipboard: Clipboard, notices: Notices) {
    this.#session = session;
    session.events.on("failure", (failure) => this.#show(failure));
    session.events.on("info", () => this.update());
    session.events.on("waiting", (milliseconds) => this.#count(milliseconds));
    this.#retry.addEventListener("click", () => session.retry());
    this.#copy.addEventListener("click", async () => {
      const copied = await clipboard.copy(this.#details());
      notices.say(t(copied ? "failure.copied" : "failure.notCopied"));
    });
  }

  /** Whether this failure is told here; a lost network keeps the picture and is told beside it. */
  #concerns(failure: Failure | null): boolean {
    return failure !== null && !(failure.hop === "network" && this.#session.seen);
  }

  #show(failure: Failure | null): void {
    this.#failure = this.#concerns(failure) ? failure : null;
    show(this.#card, this.#failure !== null);
    this.update();
    if (this.#failure !== null) {
      takeFocus(this.#card);
    }
  }

  /** Write the card in the language in use. */
  update(): void {
    const failure = this.#failure;
    if (failure === null) {
      return;
    }
    this.#card.dataset.hop = failure.hop;
    this.#card.dataset.code = code(failure);
    this.#title.textContent = t(failure.title);
    this.#text.textContent = this.#drawKeys(failure) ? t("failure.hostKey.text") : sentence(failure);
    this.#drawWay(failure);
    show(this.#retry, failure.retry !== "never");
    this.#retry.textContent = t(failure.hop === "session" ? "failure.reopen" : "failure.retry");
    show(this.#copy, failure.status !== 0);
    const label = this.#copy.querySelector("span");
    if (label !== null) {
      label.textContent = t("failure.copy", { code: code(failure) });
    }
  }

  /** Which host key was shown and which was expected, each on a line of its own; false where they are not told. */
  #drawKeys(failure: Failure): boolean {
    const told =
      failure.hop === "host-key" ? [...sentence(failure).matchAll(FINGERPRINT)].map(([key]) => key) : [];
    const [shown, ...expected] = told;
    this.#facts.replaceChildren(
      ...[
        make("dt", {}, t("failure.hostKey.shown")),
        make("dd", {}, make("code", {}, shown ?? "")),
        make("dt", {}, t("failure.hostKey.expected")),
        ...expected.map((key) => make("dd", {}, make("code", {}, key))),
      ],
    );
    return show(this.#facts, expected.length > 0);
  }

  #drawWay(failure: Failure): void {
    const service = SERVICE_NAMES[this.#session.info?.protocol ?? ""] ?? STATION_NAMES.service;
    const way = stations(failure.hop);
    show(this.#way, way.length > 0);
    this.#way.replaceChildren(
      ...way.map(({ name, state }) =>
        make(
          "li",
          { "data-state": state },
          t(name === "service" ? service : STATION_NAMES[name]),
          make("span", { class: "fl-unseen" }, ` (${t(STATE_NAMES[state])})`),
        ),
      ),
    );
  }

  #count(milliseconds: number | null): void {
    window.clearInterval(this.#ticking);
    if (show(this.#countdown, milliseconds !== null) && milliseconds !== null) {
      const due = performance.now() + milliseconds;
      const draw = () => {
        const seconds = Math.max(1, Math.ceil((due - performance.now()) / MS));
        this.#countdown.textContent = t("failure.countdown", { seconds });
      };
      draw();
      this.#ticking = window.setInterval(draw, MS / 4);
    }
  }

  /** What support wants to know, in one line. */
  #details(): string {
    const failure = this.#failure;
    return failure === null
      ? ""
      : [code(failure), new Date().toISOString(), location.host, t(failure.title), sentence(failure)].join(
          " · ",
        );
  }
}

/** The sentence of cause. */
export function sentence(failure: Failure): string {
  return typeof failure.sentence === "string"
    ? tame(failure.sentence, MAX_SENTENCE)
    : t(failure.sentence.key);
}
