/** The menu's gateways: which login the session passes, for how long, and its end. Absent where there is none. */
import { element, make, show } from "../dom.ts";
import { type GatewayLogin, leaveGateway, listGateways } from "../gateways.ts";
import type { Session } from "../session.ts";
import { language, t } from "../strings.ts";
import { tame } from "../text.ts";

const MAX_NAME = 60;
const [MS, MINUTE_S] = [1000, 60];

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
    const time = spent((Date.now() - login.since.getTime()) / MS);
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

/** "1 h 12 min", in the person's language; what is less than a minute is none. */
function spent(seconds: number): string {
  const minutes = Math.max(0, Math.floor(seconds / MINUTE_S));
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  const say = (amount: number, unit: "hour" | "minute") =>
    new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "short" }).format(amount);
  return hours > 0 ? `${say(hours, "hour")} ${say(rest, "minute")}` : say(rest, "minute");
}
