/** Starts the operator's page: signs in with the cookie of the link, then shows what goes on every few seconds. */
import "./styles/operator.css";
import { ApiError, signIn, signOut } from "./api.ts";
import { followAppearance } from "./appearance.ts";
import { element } from "./dom.ts";
import {
  type Ban,
  type Daemon,
  OperatorApi,
  OperatorError,
  type Refusal,
  type Row,
  type Status,
} from "./operator/api.ts";
import { Drawer } from "./operator/drawer.ts";
import { Instances } from "./operator/instances.ts";
import { Networks } from "./operator/networks.ts";
import { button, facts, fill } from "./operator/tables.ts";
import { duration, line, matches, moment, sessionsOverTheDay } from "./operator/words.ts";

const EVERY_MS = 5000;
/** The day changes slowly: it is read once a minute. */
const ROUNDS_OF_A_DAY = 12;
/** There may be thousands of instances, and they report every few minutes. */
const ROUNDS_OF_INSTANCES = 6;
const SIGNED_OUT = "You are signed out. Open a new link to this page.";

class OperatorPage {
  readonly #api: OperatorApi;
  readonly #drawer: Drawer;
  readonly #networks: Networks;
  readonly #instances: Instances;
  readonly #filter = element("filter", "input");
  #running: Row[] = [];
  #rounds = 0;

  constructor(api: OperatorApi) {
    this.#api = api;
    this.#drawer = new Drawer(api, () => this.#refresh());
    this.#networks = new Networks(api, () => this.#refresh());
    this.#instances = new Instances(api, complain);
    this.#filter.addEventListener("input", () => this.#drawRunning());
  }

  async follow(): Promise<void> {
    for (;;) {
      if (document.visibilityState === "visible") {
        await this.#refresh();
      }
      await new Promise((resolve) => window.setTimeout(resolve, EVERY_MS));
    }
  }

  async #refresh(): Promise<void> {
    try {
      const [status, running, refusals, bans, networks] = await Promise.all([
        this.#api.status(),
        this.#api.running(),
        this.#api.refusals(),
        this.#api.bans(),
        this.#api.networks(),
      ]);
      this.#running = running;
      this.#drawNumbers(status);
      this.#drawRunning();
      this.#drawRefusals(refusals);
      this.#drawBans(bans);
      this.#networks.draw(networks);
      this.#drawHealth(status);
      if (this.#rounds % ROUNDS_OF_A_DAY === 0) {
        this.#drawDay(await this.#api.history());
      }
      if (this.#rounds % ROUNDS_OF_INSTANCES === 0) {
        await this.#instances.refresh();
      }
      this.#rounds += 1;
      say(`As of ${new Date().toLocaleTimeString()}`);
    } catch (error) {
      complain(error);
    }
  }

  #drawNumbers(status: Status): void {
    const healthy = status.proxyd.filter((daemon) => daemon.reachable).length;
    number("sessions", String(status.sessions));
    number("people", String(status.people));
    number("refused", String(status.refusedInTheLastHour));
    number("proxyd", `${healthy} of ${status.proxyd.length}`, healthy < status.proxyd.length);
  }

  #drawDay(history: Row[]): void {
    const running = new Set(this.#running.map((row) => row.identifier));
    const counts = sessionsOverTheDay(history, running, Date.now());
    document.querySelector("#day polyline")?.setAttribute("points", line(counts));
    const caption = `Sessions over the last 24 hours, ${Math.max(...counts)} at most`;
    element("day-caption", "figcaption").textContent = caption;
  }

  #drawRunning(): void {
    const now = Date.now();
    const shown = this.#running.filter((row) => matches(row, this.#filter.value));
    fill(
      "running",
      shown.map((row) => [
        row.identifier,
        [
          row.user || "–",
          `${row.name} (${row.protocol})`,
          row.target,
          row.address,
          `${moment(row.start, now)}, ${duration(now - row.start)}${away(row, now)}`,
          row.reference,
          button("Details", `${row.user} ${row.reference}`, () => this.#drawer.open(row)),
        ],
      ]),
    );
    element("running-empty", "p").textContent =
      this.#running.length === 0 ? "Nobody is connected." : "Nothing matches the filter.";
  }

  #drawRefusals(refusals: Refusal[]): void {
    const now = Date.now();
    fill(
      "refusals",
      refusals.map((row) => [
        String(row.when),
        [moment(row.when, now), row.reason, row.detail, row.user, row.target, row.key_id, row.address],
      ]),
    );
  }

  #drawBans(bans: Ban[]): void {
    const now = Date.now();
    fill(
      "bans",
      bans.map((ban) => [
        ban.subject,
        [
          ban.subject,
          ban.reason,
          String(ban.failures),
          `${moment(ban.until, now)}, ${duration(ban.until - now)}`,
          button("Let in again", ban.subject, () => this.#lift(ban)),
        ],
      ]),
    );
  }

  #drawHealth(status: Status): void {
    facts("health", [
      ...status.proxyd.map((daemon): [string, string, boolean] => [
        `proxyd at ${daemon.address}`,
        described(daemon),
        !daemon.reachable || daemon.draining || daemon.workers.includes(-1),
      ]),
      ["Store", status.store ? "answers" : "does not answer", !status.store],
      ["New sessions", status.draining ? "none: this broker is stopping" : "are opened", status.draining],
      ["Keys on the ring", String(status.keys), status.keys === 0],
      ...Object.entries(status.versions),
      ...status.problems.map((problem): [string, string, boolean] => ["Extension", problem, true]),
    ]);
  }

  async #lift(ban: Ban): Promise<void> {
    await this.#api.lift(ban.subject).catch(complain);
    await this.#refresh();
  }
}

function described({ reachable, sessions, room, draining, workers }: Daemon): string {
  if (!reachable) {
    return "does not answer";
  }
  const share = workers.map((count) => (count < 0 ? "down" : String(count))).join(", ");
  const running =
    (room === null ? `sessions: ${sessions}` : `sessions: ${sessions} of ${room}`) +
    (share ? `; by worker: ${share}` : "");
  return draining ? `is stopping; ${running}` : `answers; ${running}`;
}

function away(row: Row, now: number): string {
  return row.away === null ? "" : `; away for ${duration(now - row.away)}`;
}

function number(id: string, text: string, bad = false): void {
  const shown = element(id, "dd");
  shown.textContent = text;
  shown.toggleAttribute("data-bad", bad);
}

function say(text: string, bad = false): void {
  const state = element("state", "p");
  state.textContent = text;
  state.toggleAttribute("data-bad", bad);
}

function complain(error: unknown): void {
  if (!(error instanceof OperatorError)) {
    throw error;
  }
  say(error.status === 403 ? SIGNED_OUT : error.message, true);
}

async function start(): Promise<void> {
  followAppearance();
  try {
    const { token } = await signIn(new URLSearchParams({ session: "cookie" }));
    element("log-out", "button").addEventListener("click", async () => {
      await signOut(token);
      location.replace("./");
    });
    await new OperatorPage(new OperatorApi(token)).follow();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    say(SIGNED_OUT, true);
  }
}

start();
