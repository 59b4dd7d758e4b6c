/** What a run tells in the end: equal outputs together, as text, as JSON, as CSV. The command line's have the same layout. */
import type { Job, Run } from "./run.ts";

const COLUMNS = ["host", "state", "exit", "signal", "seconds", "error", "cut", "stdout", "stderr"] as const;
/** What a spreadsheet would take for a formula, or leave out before one. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** What a terminal would obey that shows the report. */
const CONTROLS = /[^\t\n\P{Cc}]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const CUT = "[output cut after 1 MiB]\n";

/** Jobs with the same output and the same end, in the order of their first. */
export function grouped(jobs: readonly Job[]): Job[][] {
  const groups = new Map<string, Job[]>();
  for (const job of jobs) {
    const key = JSON.stringify([outcome(job), job.stdout, job.stderr]);
    groups.set(key, [...(groups.get(key) ?? []), job]);
  }
  return [...groups.values()];
}

/** How a job ended, in the words of the command line: reports are read by programs as well. */
export function outcome(job: Job): string {
  if (job.error !== "") {
    return `${job.state}: ${job.error}`;
  }
  if (job.state === "succeeded" || job.state === "failed") {
    return job.signal === "" ? `exit ${job.exit}` : `ended by SIG${job.signal}`;
  }
  return job.state.replace("-", " ");
}

/** The report: the command and its times, then a block for each group. */
export function asText(run: Run): string {
  const head = `Command: ${run.command}\nStarted: ${iso(run.started)}\nEnded:   ${iso(run.ended)}\n`;
  return [head, ...grouped(run.jobs).map(block)].join("\n").replace(CONTROLS, "\ufffd");
}

function block(jobs: Job[]): string {
  const [job] = jobs as [Job];
  const many = jobs.length > 1 ? ` (${jobs.length} hosts)` : "";
  const parts = [`==== On ${jobs.map(({ name }) => name).join(", ")}${many} ====\n`, whole(job.stdout)];
  if (job.stderr !== "") {
    parts.push(`[stderr]\n${whole(job.stderr)}`);
  }
  if (job.cut) {
    parts.push(CUT);
  }
  const seconds = Math.max(...jobs.map((one) => one.seconds ?? 0));
  parts.push(seconds > 0 ? `[${outcome(job)}, ${seconds.toFixed(2)} s]\n` : `[${outcome(job)}]\n`);
  return parts.join("");
}

function whole(output: string): string {
  return output === "" || output.endsWith("\n") ? output : `${output}\n`;
}

export function asJson(run: Run): string {
  const { command } = run;
  const succeeded = run.jobs.every(({ state }) => state === "succeeded");
  const hosts = run.jobs.map(row);
  const all = { command, started: iso(run.started), ended: iso(run.ended), succeeded, hosts };
  return `${JSON.stringify(all, null, 2).replace(CONTROLS, escaped)}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** A line for each host (RFC 4180). */
export function asCsv(run: Run): string {
  const lines = run.jobs.map((job) => {
    const values = row(job);
    return COLUMNS.map((column) => cell(values[column])).join(",");
  });
  return [COLUMNS.join(","), ...lines, ""].join("\r\n");
}

function row(job: Job): Record<(typeof COLUMNS)[number], string | number | boolean | null> {
  const { name, state, exit, signal, seconds, error, cut, stdout, stderr } = job;
  return { host: name, state, exit, signal, seconds, error, cut, stdout, stderr };
}

function cell(value: string | number | boolean | null): string {
  const text = value === null ? "" : String(value);
  const safe = typeof value === "string" && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function iso(moment: Date | null): string {
  return moment === null ? "" : moment.toISOString().replace(/\.\d+Z$/, "Z");
}
