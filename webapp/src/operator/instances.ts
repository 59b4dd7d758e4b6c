/** Instances of the gate: whether they are ready, what they say, their host keys, and what an operator decides. */
import { element, make, show } from "../dom.ts";
import type { Instance, InstanceRow, Instances as Listed, OperatorApi } from "./api.ts";
import { button, facts, fill } from "./tables.ts";
import { duration, moment } from "./words.ts";

/** How long a pause in typing is before what was typed is looked for. */
const TYPED_MS = 300;

export class Instances {
  readonly #api: OperatorApi;
  readonly #dialog = element("instance", "dialog");
  readonly #answer = element("instance-answer", "p");
  readonly #filter = element("instances-filter", "input");
  readonly #failed: (error: unknown) => void;
  #shown: Instance | null = null;
  #typed = 0;

  /** @param failed told of what the broker refused. */
  constructor(api: OperatorApi, failed: (error: unknown) => void) {
    this.#api = api;
    this.#failed = failed;
    this.#filter.addEventListener("input", () => {
      window.clearTimeout(this.#typed);
      this.#typed = window.setTimeout(() => this.refresh(), TYPED_MS);
    });
    this.#onSubmit("instance-keep", async ({ id, host_keys }) => {
      const seen = host_keys.mismatches.map((row) => row.shown.fingerprint);
      await this.#api.decide(id, "dismiss", seen);
      return "The old key stays. Sessions are opened again, to that key alone.";
    });
    this.#onSubmit("instance-revoke", async ({ id }) => {
      await this.#api.revokeTokens(id);
      return "Revoked: it is not heard any more.";
    });
    this.#onSubmit("instance-remove", async ({ id, name }) => {
      if (!window.confirm(`Forget instance ${id} ${name}, its tokens, its report and its host keys?`)) {
        return "";
      }
      await this.#api.removeInstance(id);
      this.#dialog.close();
      return "";
    });
  }

  async refresh(): Promise<void> {
    const typed = this.#filter.value;
    try {
      const listed = await this.#api.instances(typed);
      if (typed === this.#filter.value) {
        this.#draw(listed);
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #draw({ total, found, rows }: Listed): void {
    const now = Date.now();
    fill(
      "instances",
      rows.map((row) => [
        row.id,
        [
          `${row.id} ${row.name}`,
          state(row),
          row.owner || "–",
          row.addresses.join(", ") + (row.network ? ` in ${row.network}` : ""),
          row.reported === null ? "" : `${duration(now - row.reported)} ago, from ${row.from}`,
          make(
            "span",
            { class: "fl-words", ...(row.error ? { "data-bad": "" } : {}) },
            row.error || row.agent,
          ),
          button("Details", `${row.id} ${row.name}`, () => this.#open(row.id)),
        ],
      ]),
    );
    element("instances-empty", "p").textContent =
      total === 0 ? "The gate knows no instance." : "Nothing matches the filter.";
    const more = element("instances-more", "p");
    more.textContent = `${rows.length} of ${found} are shown. Filter to find the others.`;
    show(more, found > rows.length);
  }

  async #open(id: string): Promise<void> {
    this.#say("");
    try {
      this.#describe(await this.#api.instance(id));
      this.#dialog.showModal();
    } catch (error) {
      this.#failed(error);
    }
  }

  #describe(instance: Instance): void {
    this.#shown = instance;
    const now = Date.now();
    element("instance-title", "h2").textContent = `${instance.id} ${instance.name}`;
    facts("instance-facts", described(instance, now));
    element("instance-pins", "ul").replaceChildren(
      ...instance.host_keys.pins.map((pin) =>
        make(
          "li",
          {},
          make("code", {}, `${pin.algorithm} ${pin.fingerprint}`),
          ` ${pin.source === "gate" ? "reported at the gate" : "accepted by an operator"}, ${moment(pin.since, now)}`,
        ),
      ),
    );
    const words = Object.entries(instance.attributes);
    facts("instance-words", words.length > 0 ? words : [["–", "It has said nothing yet."]]);
    this.#alarm(instance, now);
  }

  /** What it showed beside the pinned keys, each with both fingerprints and a way to accept it. */
  #alarm({ host_keys: keys }: Instance, now: number): void {
    show(element("instance-alarm", "section"), keys.mismatches.length > 0);
    element("instance-alarm-title", "h3").textContent = keys.blocked
      ? "Its host key changed: nobody is connected to it"
      : "It showed another host key";
    element("instance-others", "ul").replaceChildren(
      ...keys.mismatches.map(({ shown, expected, address }) => {
        const fingerprint = shown.fingerprint;
        return make(
          "li",
          {},
          make(
            "p",
            {},
            `${shown.algorithm}, ${moment(shown.since, now)}${address ? `, from ${address}` : ""}`,
          ),
          make(
            "dl",
            { class: "facts" },
            make("dt", {}, "Pinned"),
            make("dd", {}, make("code", {}, expected || "none of this type")),
            make("dt", {}, "Shown"),
            make("dd", { "data-bad": "" }, make("code", {}, fingerprint)),
          ),
          button("Accept new key", fingerprint, () =>
            this.#act(async ({ id }) => {
              await this.#api.decide(id, "accept", [fingerprint]);
              return "Accepted: it is pinned now.";
            }),
          ),
        );
      }),
    );
  }

  #onSubmit(id: string, act: (instance: Instance) => Promise<string>): void {
    element(id, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#act(act);
    });
  }

  async #act(act: (instance: Instance) => Promise<string>): Promise<void> {
    const instance = this.#shown;
    if (instance === null) {
      return;
    }
    try {
      const said = await act(instance);
      if (this.#dialog.open) {
        this.#describe(await this.#api.instance(instance.id));
      }
      this.#say(said);
    } catch (error) {
      this.#say((error as Error).message);
    }
    await this.refresh();
  }

  #say(text: string): void {
    this.#answer.textContent = text;
    show(this.#answer, text !== "");
  }
}

function state(row: InstanceRow): Node | string {
  if (row.blocked) {
    return make("span", { "data-bad": "" }, "host key changed");
  }
  return row.others > 0 ? `${row.readiness}, showed another host key` : row.readiness;
}

function described(instance: Instance, now: number): [string, string, boolean?][] {
  const { report } = instance;
  const good = instance.tokens.filter((token) => token.good);
  const ports = Object.entries(instance.ports).map(
    ([protocol, [low, high]]) => `${protocol} ${low === high ? low : `${low} to ${high}`}`,
  );
  const rows: [string, string, boolean?][] = [
    ["State", report.readiness],
    [
      "Last report",
      report.reported === null
        ? ""
        : `${moment(report.reported, now)}, ${duration(now - report.reported)} ago, from ${report.from}`,
    ],
    ["Agent", report.agent],
    ["Error", report.error, true],
    ["Owner", instance.owner],
    ["Users", instance.users.join(", ")],
    ["Addresses", instance.addresses.join(", ")],
    ["Private network", instance.network],
    ["Token taken from", instance.sources.join(", ")],
    ["Ports", ports.join(", ")],
    ["Service", `${instance.service} ${instance.role}`.trim()],
    ["Router", instance.router],
    ["Described by", instance.key_id ? `key ${instance.key_id}` : "an operator"],
    [
      "Tokens in force",
      good.length === 0 ? "none" : good.map((token) => age(token, now)).join("; "),
      good.length === 0,
    ],
  ];
  return rows.filter(([, value]) => value !== "");
}

function age(token: Instance["tokens"][number], now: number): string {
  const older = token.legacy ? ", of an older gate" : "";
  const end = token.until === null ? "" : `, for another ${duration(token.until - now)}`;
  return `${duration(now - token.created)} old${older}${end}`;
}
