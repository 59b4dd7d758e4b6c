// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from "vitest";
import { ApiError, type Grant } from "../../webapp/src/api.ts";
import type { ConnectionEvents, Ending, Transport } from "../../webapp/src/connection.ts";
import type { Emitter } from "../../webapp/src/emitter.ts";
import { describe } from "../../webapp/src/failure.ts";
import { Session, type SessionEvents } from "../../webapp/src/session.ts";

/** A connection that does what the test says. */
class Scripted {
  static all: Scripted[] = [];
  opened: URLSearchParams | null = null;
  closed = false;
  sent: unknown[][] = [];

  constructor(
    readonly transport: Transport,
    readonly events: Emitter<ConnectionEvents>,
    readonly end: (ending: Ending) => void,
  ) {
    Scripted.all.push(this);
  }

  open(parameters: URLSearchParams): void {
    this.opened = parameters;
  }

  close(): void {
    this.closed = true;
  }

  send(...elements: unknown[]): void {
    this.sent.push(elements);
  }
}

vi.mock("../../webapp/src/connection.ts", () => ({
  Connection: function connection(...args: ConstructorParameters<typeof Scripted>) {
    return new Scripted(...args);
  },
}));

const TARGET = { identifier: "id", type: "c", dataSource: "hmac" };
const LOST = { reporter: "network", status: 519, text: "", uuid: "7k2a", blocked: false } as const;
const flush = () => vi.advanceTimersByTimeAsync(0);

let enter: () => Promise<Grant>;
let session: Session;
let log: string[];

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", async () => Response.json({ name: "dev", identifier: "id", protocol: "ssh" }));
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  Scripted.all = [];
  log = [];
  enter = async () => ({ token: "T", dataSource: "hmac", owner: "" });
  session = new Session({
    enter: () => enter(),
    viewport: () => ({ width: 800, height: 600, dpi: 96 }),
  });
  for (const name of ["state", "step", "waiting"] as (keyof SessionEvents)[]) {
    session.events.on(name, (value) => log.push(`${name} ${value}`));
  }
  session.events.on("failure", (failure) => failure !== null && log.push(`failure ${failure.hop}`));
  session.open(TARGET);
  log = [];
  await flush();
  return () => {
    session.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

const last = () => Scripted.all.at(-1) as Scripted;

function show(): void {
  last().events.emit("drawing", undefined);
  last().events.emit("connected", undefined);
}

test("the tunnel gets token, target and window", () => {
  expect(Object.fromEntries(last().opened ?? [])).toMatchObject({
    token: "T",
    GUAC_DATA_SOURCE: "hmac",
    GUAC_ID: "id",
    GUAC_TYPE: "c",
    GUAC_WIDTH: "800",
    GUAC_HEIGHT: "600",
    GUAC_DPI: "96",
  });
  expect(last().transport).toBe("websocket");
});

test("steps follow what happens", () => {
  show();
  expect(log).toEqual(["step reach", "step open", "state connected"]);
});

test("an unstable network is told, and only while the session lives", () => {
  last().events.emit("stable", true);
  show();
  last().events.emit("stable", false);
  last().events.emit("stable", true);
  expect(log.slice(2)).toEqual(["state connected", "state unstable", "state connected"]);
});

test("a lost network is come back from by itself, ever more patiently", async () => {
  show();
  log = [];
  for (const wait of [1000, 2000, 4000]) {
    last().end(LOST);
    expect(log.slice(-3)).toEqual(["state disconnected", "failure network", `waiting ${wait}`]);
    const attempts = Scripted.all.length;
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(Scripted.all).toHaveLength(attempts);
    await vi.advanceTimersByTimeAsync(1);
    expect(Scripted.all).toHaveLength(attempts + 1);
  }
  show();
  last().end(LOST);
  expect(log.at(-1)).toBe("waiting 1000");
  expect(session.seen).toBe(true);
});

test.each([
  ["the person is in a hurry", () => session.hurry()],
  ["the network is back", () => window.dispatchEvent(new Event("online"))],
  ["the page is looked at again", () => document.dispatchEvent(new Event("visibilitychange"))],
])("%s: no waiting", async (_, act) => {
  show();
  last().end(LOST);
  act();
  await flush();
  expect(Scripted.all).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(Scripted.all).toHaveLength(2);
});

test("a proxy that blocks WebSockets is gone around", async () => {
  last().end({ ...LOST, blocked: true });
  await flush();
  expect(Scripted.all.map(({ transport }) => transport)).toEqual(["websocket", "http"]);
  last().end({ ...LOST, blocked: false });
  expect(log.at(-1)).toBe("waiting 1000");
});

test("failures that a person has to look at are not tried again", async () => {
  last().end({ reporter: "client", status: 769, text: "sign-in: No. (ref 1)", uuid: "", blocked: false });
  expect(log.slice(-2)).toEqual(["state error", "failure sign-in"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Scripted.all).toHaveLength(1);
  session.retry();
  await flush();
  expect(Scripted.all).toHaveLength(2);
});

test("a refused token ends in its failure, a broker that is away is waited for", async () => {
  enter = async () => {
    throw new ApiError(describe("tunnel", 769, ""));
  };
  session.retry();
  await flush();
  expect(log.slice(-2)).toEqual(["state error", "failure link"]);
  enter = async () => {
    throw new ApiError(describe("network", 519, ""));
  };
  session.retry();
  await flush();
  expect(log.slice(-3)).toEqual(["state disconnected", "failure network", "waiting 1000"]);
  expect(Scripted.all).toHaveLength(1);
});

test("what comes too late from an earlier attempt changes nothing", async () => {
  const first = last();
  let release: (grant: Grant) => void = () => undefined;
  enter = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  session.retry();
  enter = async () => ({ token: "new", dataSource: "hmac", owner: "" });
  session.retry();
  await flush();
  release({ token: "old", dataSource: "hmac", owner: "" });
  first.end(LOST);
  await flush();
  expect(first.closed).toBe(true);
  expect(Scripted.all.map(({ opened }) => opened?.get("token"))).toEqual(["T", "new"]);
  expect(session.state).toBe("connecting");
});

test("giving up ends the attempt and says so", async () => {
  session.cancel();
  expect(last().closed).toBe(true);
  expect(log.slice(-2)).toEqual(["state disconnected", "failure session"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Scripted.all).toHaveLength(1);
});

test("nothing is sent while nobody would receive it", () => {
  session.send("key", 97, 1);
  show();
  session.send("key", 98, 1);
  last().end(LOST);
  session.send("key", 99, 1);
  expect(last().sent).toEqual([["key", 98, 1]]);
});

const starting = (seconds: number) => ({
  name: "dev",
  identifier: "id",
  protocol: "ssh",
  attributes: { "instance-state": "starting", "instance-since": String(seconds) },
});
const EARLY = {
  reporter: "client",
  status: 513,
  text: "instance: The instance is still starting (since 40 s). (ref 7K2A)",
  uuid: "",
  blocked: false,
} as const;

test("an instance that starts is waited for, and opened as soon as it is ready", async () => {
  const told: unknown[] = [];
  session.events.on("starting", (instance) => told.push(instance?.seconds ?? null));
  let description: unknown = starting(40);
  const asked = vi.fn(async () => Response.json(description));
  vi.stubGlobal("fetch", asked);
  last().end(EARLY);
  await flush();
  expect(session.state).toBe("connecting");
  expect(log).not.toContain("failure instance");
  expect(told).toEqual([0, 40]);
  description = starting(42);
  await vi.advanceTimersByTimeAsync(1500);
  expect(told).toEqual([0, 40, 42]);
  expect(Scripted.all).toHaveLength(1);
  description = { name: "dev", identifier: "id", protocol: "ssh", attributes: {} };
  await vi.advanceTimersByTimeAsync(1500);
  expect(told.at(-1)).toBeNull();
  expect(Scripted.all).toHaveLength(2);
  const looks = asked.mock.calls.length;
  show();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.mock.calls.length).toBe(looks);
  expect(session.state).toBe("connected");
});

test("an instance that does not get ready is waited for no longer", async () => {
  let description: unknown = starting(599);
  vi.stubGlobal("fetch", async () => Response.json(description));
  last().end(EARLY);
  await flush();
  description = { ...starting(601), attributes: { "instance-state": "not-ready", "instance-since": "601" } };
  await vi.advanceTimersByTimeAsync(1500);
  expect(Scripted.all).toHaveLength(2);
  const text = "instance: The instance has said for 10 min that it is not ready. (ref 7K2B)";
  last().end({ ...EARLY, status: 517, text });
  await flush();
  expect(session.state).toBe("error");
  expect(session.starting).toBeNull();
  expect(log.at(-1)).toBe("failure instance");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(Scripted.all).toHaveLength(2);
});

test("a broker that tells nothing of the instance is asked to open it", async () => {
  vi.stubGlobal("fetch", async () => new Response("", { status: 404 }));
  last().end(EARLY);
  await flush();
  expect(Scripted.all).toHaveLength(2);
});

test("whoever looks at the page again has the instance looked at", async () => {
  const asked = vi.fn(async () => Response.json(starting(1)));
  vi.stubGlobal("fetch", asked);
  last().end(EARLY);
  await flush();
  const looks = asked.mock.calls.length;
  document.dispatchEvent(new Event("visibilitychange"));
  await flush();
  expect(asked.mock.calls.length).toBe(looks + 1);
  await vi.advanceTimersByTimeAsync(1499);
  expect(asked.mock.calls.length).toBe(looks + 1);
});

test.each([
  ["gives up", () => session.cancel(), "disconnected"],
  ["leaves", () => session.close(), "connecting"],
])("who %s waits no longer", async (_, act, state) => {
  const asked = vi.fn(async () => Response.json(starting(1)));
  vi.stubGlobal("fetch", asked);
  last().end(EARLY);
  await flush();
  act();
  const looks = asked.mock.calls.length;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked.mock.calls.length).toBe(looks);
  expect(session.starting).toBeNull();
  expect(session.state).toBe(state);
  expect(Scripted.all).toHaveLength(1);
});

test.each([
  ["vnc", true],
  ["ssh", false],
])("when a connector is lost under %s, it comes back by itself: %s", async (protocol, comesBack) => {
  vi.stubGlobal("fetch", async () => Response.json({ name: "dev", identifier: "id", protocol }));
  session.open(TARGET);
  await flush();
  show();
  log = [];
  const text = "gateway: The connector on gw1 of the network lab was lost. (ref 7K2A)";
  last().end({ reporter: "client", status: 520, text, uuid: "7k2a", blocked: false });
  expect(log.slice(0, 2)).toEqual(["state error", "failure gateway"]);
  expect(log.some((entry) => entry.startsWith("waiting 1"))).toBe(comesBack);
});
