/** The menu's gateways: which login the session passes, for how long, and its end. Absent where there is none. */
import { element, make, show } from "../dom.ts";
import { type GatewayLogin, leaveGateway, listGateways } from "../gateways.ts";
import { timeSpan } from "../screens/notice_text.ts";
import type { Session } from "../session.ts";
import { t } from "../strings.ts";
import { tame } from "../text.ts";

const MAX_NAME = 60;

export class GatewayList {
  readonly #list = element("gateways", "ul");
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Ask the broker anew. */
  async update(): Promise<void> {
    const { grant } = this.#session;
    const logins = grant === null ? [] : await listGateways(grant);
    this.#list.replaceChildren(...logins.map((login) => this.#row(login)));
    show(this.#list, logins.length > 0);
  }

  #row(login: GatewayLogin): HTMLLIElement {
    const name = tame(login.gateway, MAX_NAME);
    const key = login.sessions === 1 ? "gateway.one" : "gateway.many";
    const time = timeSpan((Date.now() - login.since.getTime()) / 1000);
    const text = make("span", {}, t(key, { name, amount: login.sessions, time }));
    const leave = make("button", { type: "button", class: "button" }, t("gateway.leave"));
    leave.setAttribute("aria-label", t("gateway.leaveNamed", { name }));
    leave.addEventListener("click", () => this.#leave(login));
    return make("li", {}, text, leave);
  }

  async #leave(login: GatewayLogin): Promise<void> {
    if (this.#session.grant !== null) {
      await leaveGateway(this.#session.grant, login.id).catch(() => undefined);
      await this.update();
    }
  }
}
