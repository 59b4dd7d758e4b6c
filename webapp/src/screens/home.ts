/** The home page of a token that opens several connections. */
import type { ConnectionInfo } from "../api.ts";
import { element, make, show, takeFocus } from "../dom.ts";
import { icon } from "../icons.ts";
import { encodeTarget } from "../route.ts";
import { type Key, t } from "../strings.ts";
import { tame } from "../text.ts";

const PROTOCOLS: Record<string, Key> = { ssh: "home.shell", vnc: "home.desktop" };

export class Home {
  readonly #list = element("connections", "ul");
  readonly #empty = element("home-empty", "p");
  readonly #title = element("section-header-all-connections", "h1");

  /** Show what can be opened. */
  draw(connections: readonly ConnectionInfo[]): void {
    this.#list.replaceChildren(...connections.map((connection) => card(connection)));
    show(this.#empty, connections.length === 0);
  }

  focus(): void {
    takeFocus(this.#title);
  }
}

function card({ target, name, protocol, active }: ConnectionInfo): HTMLLIElement {
  const kind = PROTOCOLS[protocol];
  const facts = [kind === undefined ? protocol : t(kind), active > 0 ? t("home.active", { active }) : ""];
  const link = make(
    "a",
    { class: "home-connection", href: `#/client/${encodeTarget(target)}.` },
    make(
      "span",
      { class: `icon type ${protocol.replace(/\W/g, "")}` },
      icon(protocol === "ssh" ? "terminal" : "monitor"),
    ),
    make("bdi", { class: "name" }, tame(name, 120)),
    make("span", { class: "activeUserCount" }, tame(facts.filter((fact) => fact !== "").join(" · "), 80)),
  );
  return make("li", {}, link);
}
