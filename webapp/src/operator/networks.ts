/** Private networks: how their connectors are, their keys, what a firewall has to let out, and a try of a target. */
import { element, make, show } from "../dom.ts";
import type { Network, OperatorApi, PrivateConnector, Trial } from "./api.ts";
import { button, facts, fill } from "./tables.ts";
import { duration, moment } from "./words.ts";

const HOUR_S = 3600;
/** Seconds that a connector's clock may be off before it gets no updates any more. */
const MAX_SKEW_S = 120;
/** Columns that only a connector fills. */
const EMPTY = Array<string>(7).fill("");

export class Networks {
  readonly #api: OperatorApi;
  readonly #dialog = element("network", "dialog");
  readonly #answer = element("network-answer", "pre");
  readonly #retry = element("network-retry", "form");
  readonly #changed: () => void;
  #network: Network | null = null;

  /** @param changed called when a key was made or revoked. */
  constructor(api: OperatorApi, changed: () => void) {
    this.#api = api;
    this.#changed = changed;
    this.#onSubmit("network-test", async (network, form) => {
      const trials = await this.#api.tryTarget(network.name, String(form.get("target") ?? ""));
      return trials.map(told).join("\n") || "No connector is connected.";
    });
    this.#onSubmit("network-key", async (network, form) => {
      const overlap = Number(form.get("overlap") ?? 0) * HOUR_S;
      const made = await this.#api.newKey(network.name, [], overlap);
      this.#changed();
      return `Key ${made.generation}. Copy it now, it is not shown again.\n\n${made.text}`;
    });
    this.#onSubmit("network-revoke", async (network) => {
      await this.#api.revokeKeys(network.name);
      this.#changed();
      return "Revoked: connectors are cut off.";
    });
    this.#onSubmit("network-retry", async (network) => {
      await this.#api.retryUpdate(network.name);
      this.#changed();
      show(this.#retry, false);
      return "Connectors may try it again, each in its window.";
    });
    const begin = element("network-new", "form");
    begin.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin(new FormData(begin));
    });
  }

  draw(networks: Network[]): void {
    const now = Date.now();
    fill(
      "networks",
      networks.flatMap((network) =>
        (network.connectors.length > 0 ? network.connectors : [null]).map(
          (connector): [string, (Node | string)[]] => [
            `${network.name} ${connector?.machine ?? ""}`,
            [
              network.name,
              ...(connector === null ? [network.state, ...EMPTY] : cells(connector, network.held, now)),
              button("Manage", network.name, () => this.#open(network)),
            ],
          ],
        ),
      ),
    );
  }

  async #open(network: Network): Promise<void> {
    this.#network = network;
    this.#say("");
    const now = Date.now();
    element("network-title", "h2").textContent = `${network.name}: ${network.state}`;
    facts("network-facts", [
      ["Connectors dial", network.endpoints.join(", ")],
      ...(network.update === "" ? [] : [["Update", network.update] as [string, string]]),
      ...network.keys
        .filter((key) => key.good)
        .map((key): [string, string] => [
          `Key ${key.generation}`,
          key.fingerprint + (key.until === null ? "" : `, for another ${duration(key.until - now)}`),
        ]),
    ]);
    show(this.#retry, network.held !== "");
    this.#dialog.showModal();
    const rules = await this.#api.firewall(network.name).catch(() => []);
    const written = rules.map((rule) =>
      [`out  tcp  ${rule.host}:${rule.port}  ${rule.purpose}`, ...rule.nftables].join("\n     "),
    );
    element("network-firewall", "pre").textContent = [...written, "in   nothing"].join("\n");
  }

  async #begin(form: FormData): Promise<void> {
    const [name, endpoint] = [String(form.get("name") ?? ""), String(form.get("endpoint") ?? "")];
    const said = element("network-said", "pre");
    try {
      const made = await this.#api.newKey(name, [endpoint], 0, true);
      said.textContent = `Key ${made.generation} of ${name}. Copy it now, it is not shown again.\n\n${made.text}`;
      this.#changed();
    } catch (error) {
      said.textContent = (error as Error).message;
    }
    show(said, true);
  }

  #onSubmit(id: string, act: (network: Network, form: FormData) => Promise<string>): void {
    const form = element(id, "form");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.#network !== null) {
        this.#say("…");
        this.#say(await act(this.#network, new FormData(form)).catch((error: Error) => error.message));
      }
    });
  }

  #say(text: string): void {
    this.#answer.textContent = text;
    show(this.#answer, text !== "");
  }
}

function cells(connector: PrivateConnector, held: string, now: number): (Node | string)[] {
  const state = connector.connected ? "connected" : "gone";
  return [
    make(
      "span",
      connector.connected ? {} : { "data-bad": "" },
      connector.standby ? `${state}, standby` : state,
    ),
    `${connector.host} (${connector.address}, ${connector.endpoint})`,
    `${moment(connector.since, now)}, ${duration(now - connector.since)}`,
    connector.connected && connector.round_trip !== null ? `${connector.round_trip} ms` : "",
    String(connector.sessions),
    [connector.version, connector.update, held && `${held} is held back`]
      .filter((part) => part !== "")
      .join("; "),
    String(connector.generation),
    connector.connected && Math.abs(connector.clock_offset) > MAX_SKEW_S
      ? `its clock is ${Math.round(connector.clock_offset)} s off: no updates`
      : connector.error,
  ];
}

function told(trial: Trial): string {
  const lines = trial.stages.map(
    (stage) => `  ${stage.passed ? "✓" : "✕"} ${stage.stage}: ${stage.detail} (${stage.milliseconds} ms)`,
  );
  return [trial.error ? `${trial.host}: ${trial.error}` : trial.host, ...lines].join("\n");
}
