/** The home page of a token that opens several connections. */
import type { ConnectionInfo, InstanceState } from "../api.ts";
import { element, make, show, takeFocus } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Recent } from "../recent.ts";
import { encodeTarget } from "../route.ts";
import { type Key, language, t } from "../strings.ts";
import { tame } from "../text.ts";

const PROTOCOLS: Record<string, Key> = { ssh: "home.shell", vnc: "home.desktop" };
const STATES: Record<InstanceState["state"], Key> = {
  starting: "home.starting",
  "starting-desktop": "home.startingDesktop",
  "not-ready": "home.notReady",
  ready: "home.ready",
  blocked: "home.blocked",
};

export class Home {
  readonly #list = element("connections", "ul");
  readonly #empty = element("home-empty", "p");
  readonly #title = element("section-header-all-connections", "h1");
  readonly #states = new Map<string, HTMLElement>();
  #drawn: Parameters<Home["draw"]> | null = null;

  /** Show what can be opened, what was used last first. */
  draw(connections: readonly ConnectionInfo[], recents: ReadonlyMap<string, Recent>): void {
    const recent = ({ target }: ConnectionInfo) => recents.get(encodeTarget(target));
    const sorted = connections.toSorted((a, b) => (recent(b)?.seen ?? 0) - (recent(a)?.seen ?? 0));
    this.#drawn = [connections, recents];
    this.#states.clear();
    this.#list.replaceChildren(
      ...sorted.map((connection) => {
        const state = make("span", { class: "fl-state", "aria-live": "polite" });
        this.#states.set(encodeTarget(connection.target), state);
        return card(connection, state, recent(connection));
      }),
    );
    this.tell(connections);
    show(this.#empty, connections.length === 0);
  }

  /** Write it in the language in use. */
  update(): void {
    if (this.#drawn !== null) {
      this.draw(...this.#drawn);
    }
  }

  /** Say how far instances are, and leave the rest as it is. */
  tell(connections: readonly ConnectionInfo[]): void {
    if (this.#drawn !== null) {
      this.#drawn[0] = connections;
    }
    for (const { target, instance } of connections) {
      const state = this.#states.get(encodeTarget(target));
      if (state !== undefined) {
        show(state, instance !== null);
        state.dataset.state = instance?.state ?? "";
        state.textContent = instance === null ? "" : t(STATES[instance.state]);
      }
    }
  }

  focus(): void {
    takeFocus(this.#title);
  }
}

function card(
  { target, name, protocol, active }: ConnectionInfo,
  state: HTMLElement,
  recent?: Recent,
): HTMLLIElement {
  const kind = PROTOCOLS[protocol];
  const facts = [
    kind === undefined ? protocol : t(kind),
    active > 0 ? t("home.active", { active }) : "",
    recent === undefined ? "" : lastUsed(recent.seen),
  ];
  const link = make(
    "a",
    { class: "home-connection", href: `#/client/${encodeTarget(target)}.` },
    preview(recent),
    make(
      "span",
      { class: `icon type ${protocol.replace(/\W/g, "")}` },
      icon(protocol === "ssh" ? "terminal" : "monitor"),
    ),
    make("bdi", { class: "name" }, tame(name, 120)),
    make(
      "span",
      { class: "activeUserCount" },
      state,
      tame(facts.filter((fact) => fact !== "").join(" · "), 80),
    ),
  );
  return make("li", {}, link);
}

/** The last picture, which its card's name describes. */
function preview(recent: Recent | undefined): HTMLElement {
  const picture = recent?.picture ?? "";
  return make(
    "span",
    { class: "thumbnail" },
    ...(picture === "" ? [] : [make("img", { src: picture, alt: "" })]),
  );
}

function lastUsed(seen: number): string {
  const minutes = Math.round((Date.now() - seen) / 60_000);
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto", style: "short" });
  if (minutes < 1) {
    return format.format(0, "second");
  }
  if (minutes < 60) {
    return format.format(-minutes, "minute");
  }
  return minutes < 1440
    ? format.format(-Math.round(minutes / 60), "hour")
    : format.format(-Math.round(minutes / 1440), "day");
}
