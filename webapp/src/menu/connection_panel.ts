/** The menu's connection: how good the network is, in real numbers. */

import type { Picture } from "../display/picture.ts";
import { element, make } from "../dom.ts";
import type { Session } from "../session.ts";
import { type Key, language, t } from "../strings.ts";
import { formatBytes } from "../text.ts";
import type { Traffic } from "../tunnel.ts";
import { GatewayList } from "./gateway_list.ts";

const PERIOD_MS = 1000;
/** Milliseconds up to which a round trip is good, or fair. */
const [GOOD_MS, FAIR_MS] = [100, 250];

type Quality = "good" | "fair" | "slow" | "unknown";
const QUALITY_NAMES: Record<Quality, Key> = {
  good: "quality.good",
  fair: "quality.fair",
  slow: "quality.slow",
  unknown: "quality.unknown",
};

/** How a round trip feels. */
export function qualityOf(latencyMs: number | null): Quality {
  if (latencyMs === null) {
    return "unknown";
  }
  return latencyMs <= GOOD_MS ? "good" : latencyMs <= FAIR_MS ? "fair" : "slow";
}

export class ConnectionPanel {
  readonly #session: Session;
  readonly #picture: Picture;
  readonly #facts = element("connection-facts", "dl");
  readonly #quality = element("quality", "p");
  readonly #gateways: GatewayList;
  #frames = 0;
  #received = 0;
  #timer = 0;

  constructor(session: Session, picture: Picture) {
    this.#session = session;
    this.#picture = picture;
    this.#gateways = new GatewayList(session);
    session.events.on("frame", () => {
      this.#frames += 1;
    });
  }

  /** Measure while the menu is open. */
  measure(on: boolean): void {
    window.clearInterval(this.#timer);
    if (on) {
      this.#gateways.update();
      this.#frames = 0;
      this.#received = this.#session.connection?.traffic?.received ?? 0;
      this.#draw();
      this.#timer = window.setInterval(() => this.#draw(), PERIOD_MS);
    }
  }

  #draw(): void {
    const { connection } = this.#session;
    const { width, height } = this.#picture.size;
    const facts: [Key, string][] = [
      ...this.#measured(connection?.traffic ?? null),
      ["connection.frames", t("connection.perSecond", { amount: this.#frames })],
      ["connection.size", `${width} × ${height}`],
      ["connection.transport", connection?.transport === "http" ? "HTTP" : "WebSocket"],
      ["connection.id", connection?.uuid.slice(0, 8) ?? ""],
    ];
    this.#facts.replaceChildren(
      ...facts.map(([name, value]) => make("div", {}, make("dt", {}, t(name)), make("dd", {}, value))),
    );
    this.#frames = 0;
  }

  /** What a transport that measures has measured since the last look. */
  #measured(traffic: Traffic | null): [Key, string][] {
    const latency = traffic?.latencyMs ?? null;
    this.#drawQuality(latency);
    if (traffic === null || latency === null) {
      return [];
    }
    const bytes = Math.max(0, traffic.received - this.#received);
    this.#received = traffic.received;
    return [
      ["connection.latency", `${Math.round(latency)} ms`],
      ["connection.received", t("connection.perSecond", { amount: formatBytes(bytes, language()) })],
    ];
  }

  #drawQuality(latency: number | null): void {
    const quality = this.#session.live ? qualityOf(latency) : "unknown";
    this.#quality.dataset.quality = quality;
    const figure = quality === "unknown" ? "" : ` · ${Math.round(latency ?? 0)} ms`;
    this.#quality.textContent = t(QUALITY_NAMES[quality]) + figure;
  }
}
