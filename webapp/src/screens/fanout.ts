/** One command on several shells at once: who it runs on, what becomes of it there, and a report to keep. */
import { ApiError, type ConnectionInfo, type Grant, listConnections, runCommand } from "../api.ts";
import { element, make, show, takeFocus } from "../dom.ts";
import { asCsv, asJson, asText, grouped } from "../fanout/report.ts";
import { type Job, Run, redirectsSudo, type State } from "../fanout/run.ts";
import { type Key, language, t } from "../strings.ts";
import { tame } from "../text.ts";

/** Characters of one output that are shown; downloads have all. */
const MAX_SHOWN = 65_536;
/** Milliseconds between two looks at what changed: output may come in thousands of pieces. */
const REDRAW_MS = 100;
const ESCAPES = /[^\P{Cc}\t\n\r]\[[0-?]*[ -/]*[@-~]/gu;
const CONTROLS = /[^\t\n\P{Cc}]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const DOWNLOADS = {
  txt: ["text/plain", asText],
  json: ["application/json", asJson],
  csv: ["text/csv", asCsv],
} as const;
const STATES: Record<State, [mark: string, words: Key]> = {
  queued: ["○", "fanout.state.queued"],
  starting: ["○", "fanout.state.starting"],
  running: ["●", "fanout.state.running"],
  succeeded: ["✓", "fanout.state.succeeded"],
  failed: ["✕", "fanout.state.failed"],
  "timed-out": ["✕", "fanout.state.timed-out"],
  "needs-input": ["?", "fanout.state.needs-input"],
  refused: ["✕", "fanout.state.refused"],
  cancelled: ["–", "fanout.state.cancelled"],
};

export class Fanout {
  readonly #title = element("fanout-title", "h1");
  readonly #form = element("fanout-form", "form");
  readonly #hosts = element("fanout-hosts", "div");
  readonly #all = element("fanout-all", "input");
  readonly #command = element("fanout-command", "textarea");
  readonly #start = element("fanout-run", "button");
  readonly #stop = element("fanout-stop", "button");
  readonly #state = element("fanout-state", "p");
  readonly #jobs = element("fanout-jobs", "ul");
  readonly #report = element("fanout-report", "section");
  readonly #groups = element("fanout-groups", "div");
  #grant: Grant | null = null;
  #connections: readonly ConnectionInfo[] = [];
  #run: Run | null = null;
  #stopping: AbortController | null = null;
  #redraw = 0;

  constructor() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.#form.addEventListener("input", ({ target }) => {
      if (target === this.#all) {
        for (const box of this.#boxes) {
          box.checked = this.#all.checked;
        }
      }
      this.#count();
    });
    this.#stop.addEventListener("click", () => this.#stopping?.abort());
    for (const [kind, [type, write]] of Object.entries(DOWNLOADS)) {
      element(`fanout-${kind}`, "button").addEventListener("click", () => this.#download(kind, type, write));
    }
  }

  /** Show what a command may run on. @throws ApiError */
  async open(grant: Grant): Promise<void> {
    this.#grant = grant;
    this.#connections = (await listConnections(grant)).filter(({ protocol }) => protocol === "ssh");
    this.#hosts.replaceChildren(...this.#connections.map(choice));
    show(element("fanout-none", "p"), this.#connections.length === 0);
    this.update();
    takeFocus(this.#title);
  }

  /** Leave: what runs is told to stop. */
  close(): void {
    this.#stopping?.abort();
  }

  /** The language changed. */
  update(): void {
    this.#count();
    this.#draw();
  }

  get #boxes(): NodeListOf<HTMLInputElement> {
    return this.#hosts.querySelectorAll<HTMLInputElement>("input");
  }

  get #chosen(): ConnectionInfo[] {
    const ids = new Set([...this.#boxes].filter(({ checked }) => checked).map(({ value }) => value));
    return this.#connections.filter(({ target }) => ids.has(target.identifier));
  }

  #count(): void {
    const count = this.#chosen.length;
    this.#all.checked = count > 0 && count === this.#connections.length;
    this.#all.indeterminate = count > 0 && count < this.#connections.length;
    this.#start.textContent = t("fanout.run", { count });
    this.#start.disabled = count === 0 || this.#command.value.trim() === "" || this.#stopping !== null;
    show(element("fanout-hint", "p"), redirectsSudo(this.#command.value));
    show(this.#stop, this.#stopping !== null);
  }

  async #begin(): Promise<void> {
    const connections = this.#chosen;
    if (this.#grant === null || this.#stopping !== null || connections.length === 0) {
      return;
    }
    const run = new Run(this.#command.value.trim(), connections);
    const stopping = new AbortController();
    this.#run = run;
    this.#stopping = stopping;
    this.#count();
    this.#draw();
    let reason = "";
    try {
      const order = {
        connections: run.jobs.map(({ id }) => id),
        command: run.command,
        limit: number("fanout-limit", 1),
        timeout: number("fanout-timeout", 0),
      };
      await runCommand(this.#grant, order, stopping.signal, (event) => {
        run.take(event);
        this.#drawSoon();
      });
      reason = t("fanout.lost");
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      const { sentence } = error.failure;
      reason = stopping.signal.aborted ? "" : typeof sentence === "string" ? sentence : t(sentence.key);
    } finally {
      run.end(reason);
      this.#stopping = null;
      this.#count();
      this.#draw();
    }
  }

  #drawSoon(): void {
    this.#redraw ||= window.setTimeout(() => this.#draw(), REDRAW_MS);
  }

  #draw(): void {
    window.clearTimeout(this.#redraw);
    this.#redraw = 0;
    const run = this.#run;
    if (run === null) {
      return;
    }
    this.#jobs.replaceChildren(...run.jobs.map(line));
    const settled = run.jobs.filter(({ state }) => !["queued", "starting", "running"].includes(state)).length;
    const good = run.jobs.filter(({ state }) => state === "succeeded").length;
    const count = run.jobs.length;
    this.#state.textContent =
      run.ended === null ? t("fanout.progress", { settled, count }) : t("fanout.ended", { good, count });
    if (show(this.#report, run.ended !== null)) {
      this.#groups.replaceChildren(...grouped(run.jobs).map(group));
    }
  }

  #download(kind: string, type: string, write: (run: Run) => string): void {
    if (this.#run !== null) {
      const url = URL.createObjectURL(new Blob([write(this.#run)], { type }));
      make("a", { href: url, download: `fanout.${kind}` }).click();
      URL.revokeObjectURL(url);
    }
  }
}

function choice({ target, name }: ConnectionInfo): HTMLElement {
  const box = make("input", { type: "checkbox", value: target.identifier });
  return make("label", { class: "choice" }, box, make("bdi", {}, tame(name, 120)));
}

function line(job: Job): HTMLElement {
  return make(
    "li",
    { class: `fl-job fl-job-${job.state}` },
    make("span", { class: "fl-mark", "aria-hidden": "true" }, STATES[job.state][0]),
    make("bdi", { class: "name" }, tame(job.name, 120)),
    make("span", { class: "fl-outcome" }, words(job)),
  );
}

/** How it goes, as people read it. */
function words(job: Job): string {
  const state = t(STATES[job.state][1]);
  const end = job.signal !== "" ? `SIG${job.signal}` : t("fanout.exit", { code: job.exit ?? "" });
  const seconds = new Intl.NumberFormat(language(), {
    style: "unit",
    unit: "second",
    maximumFractionDigits: 1,
  }).format(job.seconds ?? 0);
  const facts = [
    state,
    job.state === "failed" ? end : "",
    job.seconds === null ? "" : seconds,
    job.cut ? t("fanout.cut") : "",
    tame(job.error, 400),
  ];
  return facts.filter((fact) => fact !== "").join(" · ");
}

function group(jobs: Job[]): HTMLElement {
  const [job] = jobs as [Job];
  const names = jobs.map(({ name }) => tame(name, 120)).join(", ");
  return make(
    "article",
    { class: "fl-group" },
    make("h3", {}, make("bdi", {}, names)),
    make("p", { class: "fl-outcome" }, words(job)),
    ...output(job.stdout, "fanout.stdout", names),
    ...output(job.stderr, "fanout.stderr", names),
  );
}

/** What was written; it scrolls, so it can have the focus. */
function output(text: string, kind: Key, names: string): HTMLElement[] {
  if (text === "") {
    return [];
  }
  const shown = readable(text.slice(0, MAX_SHOWN));
  const label = t(kind, { names });
  const note = text.length > MAX_SHOWN ? [make("p", { class: "description" }, t("fanout.more"))] : [];
  return [
    make(
      "pre",
      { class: `fl-output ${kind.replace(".", "-")}`, tabindex: "0", role: "group", "aria-label": label },
      shown,
    ),
    ...note,
  ];
}

/** Without colours and what else is for terminals. */
function readable(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(ESCAPES, "").replace(CONTROLS, "\ufffd");
}

function number(id: string, fallback: number): number {
  const { valueAsNumber } = element(id, "input");
  return Number.isFinite(valueAsNumber) ? Math.round(valueAsNumber) : fallback;
}
