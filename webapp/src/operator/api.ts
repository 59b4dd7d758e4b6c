/** The operator's interface, `api/operator/…`: what the page reads and does. Times are milliseconds since 1970. */

/** A daemon that sessions run on. */
export interface Daemon {
  address: string;
  reachable: boolean;
  sessions: number;
  /** Sessions that may run; null where the daemon does not say. */
  room: number | null;
  /** It takes no new ones. */
  draining: boolean;
  /** Sessions of each worker process, -1 for one that is down; empty where the daemon does not say. */
  workers: number[];
}

export interface Status {
  versions: Record<string, string>;
  sessions: number;
  people: number;
  refusedInTheLastHour: number;
  proxyd: Daemon[];
  store: boolean;
  draining: boolean;
  keys: number;
  problems: string[];
}

/** A session that runs, or ran. */
export interface Row {
  identifier: string;
  user: string;
  source: string;
  connection: string;
  name: string;
  protocol: string;
  target: string;
  address: string;
  proxyd: string;
  reference: string;
  start: number;
  end: number | null;
  /** Since when nobody looks; null while somebody does. */
  away: number | null;
}

export interface Refusal {
  when: number;
  address: string;
  reason: string;
  detail: string;
  key_id: string;
  user: string;
  target: string;
}

export interface Ban {
  subject: string;
  reason: string;
  failures: number;
  until: number;
}

/** A connector of a private network. */
export interface PrivateConnector {
  machine: string;
  host: string;
  address: string;
  endpoint: string;
  connected: boolean;
  standby: boolean;
  since: number;
  generation: number;
  round_trip: number | null;
  sessions: number;
  version: string;
  /** Seconds that its clock is ahead of ours. */
  clock_offset: number;
  update: string;
  error: string;
}

export interface Network {
  name: string;
  state: "pending" | "connected" | "degraded" | "disconnected";
  endpoints: string[];
  /** How an update of its connectors stands, in a sentence. */
  update: string;
  /** The version that failed at a connector and is held back from all. */
  held: string;
  keys: { generation: number; fingerprint: string; until: number | null; good: boolean }[];
  connectors: PrivateConnector[];
}

/** A target tried from one connector. */
export interface Trial {
  host: string;
  error: string;
  stages: { stage: string; passed: boolean; detail: string; milliseconds: number }[];
}

/** An outbound firewall rule. */
export interface Rule {
  host: string;
  port: number;
  purpose: string;
  nftables: string[];
}

/** An instance of the gate, as the table shows it. Its words are its own; the broker made lines of them. */
export interface InstanceRow {
  id: string;
  name: string;
  owner: string;
  addresses: string[];
  network: string;
  reported: number | null;
  from: string;
  readiness: string;
  agent: string;
  error: string;
  /** Keys that it showed and that are not pinned. */
  others: number;
  /** One of them contradicts a pinned key. */
  blocked: boolean;
}

export interface Instances {
  total: number;
  found: number;
  rows: InstanceRow[];
}

export interface HostKey {
  algorithm: string;
  fingerprint: string;
  source: string;
  since: number;
}

export interface HostKeys {
  pins: HostKey[];
  mismatches: { shown: HostKey; expected: string; address: string }[];
  blocked: boolean;
}

/** Everything about one instance. */
export interface Instance {
  id: string;
  name: string;
  key_id: string;
  owner: string;
  users: string[];
  addresses: string[];
  network: string;
  sources: string[];
  ports: Record<string, [number, number]>;
  service: string;
  role: string;
  router: string;
  tokens: { created: number; until: number | null; legacy: boolean; good: boolean }[];
  report: Pick<InstanceRow, "reported" | "from" | "readiness" | "agent" | "error">;
  host_keys: HostKeys;
  attributes: Record<string, string>;
}

/** The broker refused; `status` is HTTP's, 0 where it does not answer. */
export class OperatorError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export class OperatorApi {
  readonly #token: string;

  constructor(token: string) {
    this.#token = token;
  }

  status(): Promise<Status> {
    return this.#get("status");
  }

  running(): Promise<Row[]> {
    return this.#get("running");
  }

  history(): Promise<Row[]> {
    return this.#get("history");
  }

  refusals(): Promise<Refusal[]> {
    return this.#get("refusals");
  }

  bans(): Promise<Ban[]> {
    return this.#get("bans");
  }

  networks(): Promise<Network[]> {
    return this.#get("networks");
  }

  firewall(network: string): Promise<Rule[]> {
    return this.#get(`networks/${network}/firewall`);
  }

  async tryTarget(network: string, target: string): Promise<Trial[]> {
    return (await (await this.#send("POST", `networks/${network}/test`, { target })).json()) as Trial[];
  }

  /** Make a key, which no other answer has; without endpoints they stay as they are. A `first` key ends no other. */
  async newKey(
    network: string,
    endpoints: string[],
    overlap: number,
    first = false,
  ): Promise<{ generation: number; text: string }> {
    const path = `networks/${encodeURIComponent(network)}/keys`;
    const answer = await this.#send("POST", path, { endpoints, overlap, first });
    return (await answer.json()) as { generation: number; text: string };
  }

  /** Let connectors try an update again that failed at one of them. */
  async retryUpdate(network: string): Promise<void> {
    await this.#send("DELETE", `networks/${network}/held`);
  }

  async revokeKeys(network: string): Promise<void> {
    await this.#send("DELETE", `networks/${network}/keys`);
  }

  instances(contains: string): Promise<Instances> {
    return this.#get(`instances?${new URLSearchParams({ contains })}`);
  }

  instance(identifier: string): Promise<Instance> {
    return this.#get(`instances/${identifier}`);
  }

  /** Decide about host keys that an instance showed: no others are touched. */
  async decide(identifier: string, decision: "accept" | "dismiss", fingerprints: string[]): Promise<void> {
    await this.#send("POST", `instances/${identifier}/host-keys`, { [decision]: fingerprints });
  }

  async revokeTokens(identifier: string): Promise<void> {
    await this.#send("DELETE", `instances/${identifier}/tokens`);
  }

  async removeInstance(identifier: string): Promise<void> {
    await this.#send("DELETE", `instances/${identifier}`);
  }

  async say(identifier: string, text: string): Promise<void> {
    await this.#send("POST", `running/${encodeURIComponent(identifier)}/message`, { text });
  }

  async end(identifier: string, reason: string): Promise<void> {
    await this.#send("DELETE", `running/${encodeURIComponent(identifier)}`, { reason });
  }

  async lift(subject: string): Promise<void> {
    await this.#send("DELETE", `bans/${encodeURIComponent(subject)}`);
  }

  async #get<Answer>(path: string): Promise<Answer> {
    return (await (await this.#send("GET", path)).json()) as Answer;
  }

  async #send(method: string, path: string, body?: unknown): Promise<Response> {
    const init: RequestInit = { method, headers: { "Guacamole-Token": this.#token }, cache: "no-store" };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    const answer = await fetch(`api/operator/${path}`, init).catch(() => {
      throw new OperatorError(0, "The broker does not answer.");
    });
    if (!answer.ok) {
      const said = (await answer.json().catch(() => null)) as { message?: string } | null;
      throw new OperatorError(answer.status, said?.message ?? `The broker answered ${answer.status}.`);
    }
    return answer;
  }
}
