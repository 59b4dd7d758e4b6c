import { describe, expect, it } from "vitest";
import type { ConnectionInfo } from "../../webapp/src/api.ts";
import { asCsv, asJson, asText, grouped, outcome } from "../../webapp/src/fanout/report.ts";
import { Run, redirectsSudo } from "../../webapp/src/fanout/run.ts";

function connection(identifier: string): ConnectionInfo {
  const target = { identifier, type: "c", dataSource: "json" };
  return {
    target,
    name: identifier.toUpperCase(),
    protocol: "ssh",
    active: 0,
    readOnly: false,
    instance: null,
  };
}

function ran(...events: Record<string, unknown>[]): Run {
  const run = new Run("id", ["a", "b", "c"].map(connection));
  for (const event of events) {
    run.take(event);
  }
  run.end("");
  return run;
}

const good = { state: "exited", exit: 0, signal: "", cut: false, seconds: 1 };

describe("a run", () => {
  it.each([
    [good, "succeeded", "exit 0"],
    [{ ...good, exit: 3 }, "failed", "exit 3"],
    [{ ...good, state: "signalled", exit: null, signal: "KILL" }, "failed", "ended by SIGKILL"],
    [{ ...good, state: "timed-out", exit: null }, "timed-out", "timed out"],
    [{ ...good, state: "needs-input", exit: 1 }, "needs-input", "needs input"],
    [{ state: "refused", error: "sign-in: No. (ref 7K2A)" }, "refused", "refused: No."],
    [{ state: "running" }, "cancelled", "cancelled"],
  ])("tells what became of a connection: %j", (event, state, words) => {
    const [job] = ran({ connection: "a", ...event }).jobs;
    expect(job?.state).toBe(state);
    expect(job && outcome(job)).toBe(words);
  });

  it.each([
    null,
    7,
    "x",
    {},
    { connection: "z", state: "running" },
    { connection: "a", state: "?", stdout: 7 },
  ])("makes nothing of what it does not know: %j", (event) => {
    const run = new Run("id", [connection("a")]);
    run.take(event);
    expect(run.jobs[0]).toMatchObject({ state: "queued", stdout: "", stderr: "" });
  });

  it("ends what was lost with the reason", () => {
    const run = new Run("id", [connection("a")]);
    run.end("Gone.");
    expect(run.jobs[0]).toMatchObject({ state: "refused", error: "Gone." });
  });
});

describe("a report", () => {
  const run = ran(
    { connection: "a", stdout: "same" },
    { connection: "b", stdout: "=1+1,\n", stderr: "oh" },
    { connection: "c", stdout: "same" },
    { connection: "a", ...good },
    { connection: "b", ...good, exit: 2, cut: true },
    { connection: "c", ...good, seconds: 2 },
  );

  it("puts equal outputs together", () => {
    expect(grouped(run.jobs).map((jobs) => jobs.map(({ id }) => id))).toEqual([["a", "c"], ["b"]]);
    const text = asText(run);
    expect(text).toContain("==== On A, C (2 hosts) ====\nsame\n[exit 0, 2.00 s]\n");
    expect(text).toContain(
      "==== On B ====\n=1+1,\n[stderr]\noh\n[output cut after 1 MiB]\n[exit 2, 1.00 s]\n",
    );
  });

  it("is JSON and CSV, and no spreadsheet's formula", () => {
    expect(JSON.parse(asJson(run))).toMatchObject({
      command: "id",
      succeeded: false,
      hosts: [{ host: "A" }, {}, {}],
    });
    expect(asCsv(run).split("\r\n")[2]).toBe(`B,failed,2,,1,,true,"'=1+1,\n",oh`);
  });
});

it.each(["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1"])(
  "makes text of a formula that an instance wrote: %j",
  (stdout) => {
    const csv = asCsv(ran({ connection: "a", stdout }, { connection: "a", ...good }));
    expect(csv).toContain(`'${stdout}`);
  },
);

it("says what a terminal would obey, and does not do it", () => {
  const run = ran({ connection: "a", stdout: "\u001b]0;owned\u0007\u009b2J\r\u202eok\n" });
  expect(asText(run)).toContain("\ufffd]0;owned\ufffd\ufffd2J\ufffd\ufffdok\n");
  expect(JSON.parse(asJson(run)).hosts[0].stdout).toContain("\u001b]0;owned\u0007\u009b");
  expect(asJson(run)).toMatch(/^[\n -~]*$/);
});

it.each([
  ["sudo cat a > b", true],
  ["sudo cat a | sudo tee b > /dev/null", true],
  ["sudo sh -c 'cat a > b'", false],
  ["cat a > b", false],
])("sees where sudo does not reach: %s", (command, seen) => {
  expect(redirectsSudo(command)).toBe(seen);
});
