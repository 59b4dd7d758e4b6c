/** A quiet line over the picture while the network is slow or lost and the session reconnects. */
import { element, show } from "../dom.ts";
import type { Failure } from "../failure.ts";
import type { Session } from "../session.ts";
import { t } from "../strings.ts";

const MS = 1000;

export class NetworkWarning {
  readonly #line = element("connection-warning", "div");
  readonly #now = element("reconnect-now", "button");
  readonly #session: Session;
  #lost = false;
  #due: number | null = null;
  #ticking = 0;

  constructor(session: Session) {
    this.#session = session;
    session.events.on("failure", (failure) => this.#learn(failure));
    session.events.on("waiting", (milliseconds) => this.#wait(milliseconds));
    session.events.on("state", (state) => {
      this.#lost &&= state !== "connected";
      this.#draw();
    });
    this.#now.addEventListener("click", () => session.hurry());
  }

  #learn(failure: Failure | null): void {
    if (failure !== null) {
      this.#lost = failure.hop === "network" && this.#session.seen;
    }
    this.#draw();
  }

  #wait(milliseconds: number | null): void {
    window.clearInterval(this.#ticking);
    this.#due = milliseconds === null ? null : performance.now() + milliseconds;
    if (this.#due !== null) {
      this.#ticking = window.setInterval(() => this.#draw(), MS / 4);
    }
    this.#draw();
  }

  #draw(): void {
    const text = this.#text();
    if (show(this.#line, text !== "")) {
      const label = this.#line.querySelector("span");
      if (label !== null && label.textContent !== text) {
        label.textContent = text;
      }
    }
    show(this.#now, this.#lost && this.#due !== null);
  }

  #text(): string {
    const { state } = this.#session;
    if (state === "unstable") {
      return t("network.unstable");
    }
    if (!this.#lost) {
      return "";
    }
    if (state === "connecting") {
      return t("network.reconnecting");
    }
    const seconds = this.#due === null ? 0 : Math.max(1, Math.ceil((this.#due - performance.now()) / MS));
    return state === "disconnected" ? t("network.lost", { seconds }) : "";
  }
}
