// @vitest-environment jsdom
import { afterEach, describe, expect, test, vi } from "vitest";
import { type ApiError, describeConnection, listConnections, signIn, signOut } from "../../webapp/src/api.ts";
import { readConfig } from "../../webapp/src/config.ts";
import { waitMs } from "../../webapp/src/reconnect.ts";

const GRANT = { token: "T", dataSource: "hmac", owner: "" };

/** Answer the next requests, and remember them. */
function answer(response: () => Response): [path: string, init: RequestInit][] {
  const asked: [string, RequestInit][] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
    asked.push([path, init]);
    return response();
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe("signIn", () => {
  test("tells people of one browser apart", async () => {
    answer(() => Response.json({ authToken: "T", dataSource: "hmac", username: "alice" }));
    expect(await signIn(new URLSearchParams())).toEqual({ ...GRANT, owner: "hmac/alice" });
  });

  test("posts everything that the link carried", async () => {
    const asked = answer(() => Response.json({ authToken: "T", dataSource: "hmac" }));
    expect(await signIn(new URLSearchParams({ timestamp: "1", signature: "a+b" }))).toEqual(GRANT);
    const [[path, init]] = asked as [[string, RequestInit]];
    expect([path, init.method, String(init.body)]).toEqual([
      "api/tokens",
      "POST",
      "timestamp=1&signature=a%2Bb",
    ]);
  });

  test.each([
    [403, { message: "This link is not valid." }, "link", 769],
    [403, { message: "link: It is too old. (ref AB12)" }, "link", 769],
    [400, {}, "link", 768],
    [429, {}, "fanlight", 797],
    [503, null, "fanlight", 513],
    [502, null, "fanlight", 519],
    [500, { message: 3 }, "fanlight", 512],
    [200, { authToken: 3 }, "fanlight", 512],
    [200, "nonsense", "fanlight", 512],
    [200, null, "fanlight", 512],
  ])("HTTP %i with %j is about %s", async (status, body, hop, code) => {
    answer(() => Response.json(body, { status }));
    const failure = await signIn(new URLSearchParams()).catch((error: ApiError) => error.failure);
    expect(failure).toMatchObject({ hop, status: code });
  });

  test("a network that is away is told as such", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
    await expect(signIn(new URLSearchParams())).rejects.toMatchObject({ failure: { hop: "network" } });
  });
});

test("signing out is quiet even when it fails", async () => {
  const asked = answer(() => new Response("", { status: 404 }));
  await signOut("T");
  expect(asked.map(([path, init]) => [path, init.method, init.headers])).toEqual([
    ["api/session", "DELETE", { "Guacamole-Token": "T" }],
  ]);
});

test("connections are described, with the token in a header", async () => {
  const asked = answer(() => Response.json({ identifier: "i", name: "dev", protocol: "ssh" }));
  const target = { identifier: "a/b", type: "c", dataSource: "" };
  expect(await describeConnection(GRANT, target)).toMatchObject({ name: "dev", protocol: "ssh", active: 0 });
  const [[path, init]] = asked as [[string, RequestInit]];
  expect(path).toBe("api/session/data/hmac/connections/a%2Fb");
  expect(init.headers).toEqual({ "Guacamole-Token": "T" });
  answer(() => new Response("", { status: 404 }));
  expect(await describeConnection(GRANT, target)).toBeNull();
});

test.each([
  [undefined, null],
  [{}, null],
  [{ "instance-state": "nonsense" }, null],
  [{ "instance-state": "ready" }, { state: "ready", seconds: 0, words: "" }],
  [
    { "instance-state": "not-ready", "instance-since": "700" },
    { state: "not-ready", seconds: 700, words: "" },
  ],
  [
    { "instance-state": "starting", "instance-since": "40", "instance-words": "no disk" },
    { state: "starting", seconds: 40, words: "no disk" },
  ],
  [
    { "instance-state": "starting", "instance-since": "-1" },
    { state: "starting", seconds: 0, words: "" },
  ],
])("attributes %j say of the instance: %j", async (attributes, instance) => {
  answer(() => Response.json({ identifier: "i", attributes }));
  const target = { identifier: "i", type: "c", dataSource: "" };
  expect(await describeConnection(GRANT, target)).toMatchObject({ instance });
});

test("groups of connections are flattened", async () => {
  const leaf = (identifier: string) => ({
    identifier,
    name: identifier,
    protocol: "vnc",
    activeConnections: 1,
  });
  answer(() =>
    Response.json({
      childConnections: [leaf("a"), "nonsense"],
      childConnectionGroups: [{ childConnections: [leaf("b")], childConnectionGroups: null }],
    }),
  );
  const connections = await listConnections(GRANT);
  expect(connections.map(({ target, active }) => [target.identifier, active])).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
});

describe("readConfig", () => {
  test.each([
    ["", "Fanlight"],
    ["null", "Fanlight"],
    ["{", "Fanlight"],
    ['{"name": 3}', "Fanlight"],
    ['{"name": "Example"}', "Example"],
  ])("%j names the site %s", (json, name) => {
    document.body.innerHTML = '<script type="application/json" id="fanlight-config"></script>';
    (document.getElementById("fanlight-config") as HTMLElement).textContent = json;
    expect(readConfig(document).name).toBe(name);
  });
});

test("waiting grows to a steady pace, spread by a quarter", () => {
  expect([0, 1, 2, 3, 4, 99].map((attempt) => waitMs(attempt, 0.5))).toEqual([
    1000, 2000, 4000, 8000, 15_000, 15_000,
  ]);
  expect([waitMs(0, 0), waitMs(0, 1)]).toEqual([750, 1250]);
});
