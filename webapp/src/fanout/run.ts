/** One command on several connections: what became of each, out of what the broker tells. No DOM here. */
import type { ConnectionInfo } from "../api.ts";
import { isRecord } from "../json.ts";

export type State =
  | "queued"
  | "starting"
  | "running"
  | "succeeded"
  | "failed"
  | "timed-out"
  | "needs-input"
  | "refused"
  | "cancelled";

/** One connection's part. */
export interface Job {
  readonly id: string;
  readonly name: string;
  state: State;
  stdout: string;
  stderr: string;
  exit: number | null;
  /** Without SIG; empty where none ended it. */
  signal: string;
  seconds: number | null;
  /** It wrote more than was kept. */
  cut: boolean;
  /** Why it did not run to its end; a sentence. */
  error: string;
}

/** What is left of a whole error text for people who see the connection's name beside it. */
const DECORATION = /^[a-z-]+: (.+?)(?: \(ref [0-9A-Za-z-]{1,16}\))?$/s;
const MAX_SENTENCE = 400;
const UNSETTLED: ReadonlySet<State> = new Set(["queued", "starting", "running"]);

export class Run {
  readonly command: string;
  readonly started = new Date();
  readonly jobs: readonly Job[];
  ended: Date | null = null;
  readonly #byId: ReadonlyMap<string, Job>;

  constructor(command: string, connections: readonly ConnectionInfo[]) {
    this.command = command;
    this.jobs = connections.map(({ target, name }) => ({
      id: target.identifier,
      name,
      state: "queued",
      stdout: "",
      stderr: "",
      exit: null,
      signal: "",
      seconds: null,
      cut: false,
      error: "",
    }));
    this.#byId = new Map(this.jobs.map((job) => [job.id, job]));
  }

  /** Take a line of the broker's; returns the job that changed. */
  take(event: unknown): Job | null {
    const job = isRecord(event) ? this.#byId.get(String(event.connection)) : undefined;
    if (job === undefined || !isRecord(event)) {
      return null;
    }
    job.stdout += text(event.stdout);
    job.stderr += text(event.stderr);
    switch (event.state) {
      case "starting":
      case "running":
        job.state = event.state;
        break;
      case "timed-out":
      case "needs-input":
        this.#settle(job, event.state, event);
        break;
      case "exited":
        this.#settle(job, event.exit === 0 ? "succeeded" : "failed", event);
        break;
      case "signalled":
        this.#settle(job, "failed", event);
        break;
      case "refused":
        this.#settle(job, "refused", event);
        job.error = plainly(text(event.error));
        break;
    }
    return job;
  }

  /** It is over: whatever has not ended was stopped, or lost for this reason. */
  end(reason: string): void {
    this.ended = new Date();
    for (const job of this.jobs.filter(({ state }) => UNSETTLED.has(state))) {
      job.state = reason === "" ? "cancelled" : "refused";
      job.error = reason;
    }
  }

  #settle(job: Job, state: State, event: Record<string, unknown>): void {
    job.state = state;
    job.exit = typeof event.exit === "number" ? event.exit : null;
    job.signal = text(event.signal);
    job.seconds = typeof event.seconds === "number" ? event.seconds : null;
    job.cut = event.cut === true;
  }
}

/** Whether a command writes a file as somebody else than it seems to. */
export function redirectsSudo(command: string): boolean {
  return /\bsudo\b[^|;&'"]*>/.test(command);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function plainly(error: string): string {
  return (DECORATION.exec(error)?.[1] ?? error).slice(0, MAX_SENTENCE);
}
