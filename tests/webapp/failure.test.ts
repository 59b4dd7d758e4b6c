import { expect, describe as group, test } from "vitest";
import { code, describe, stations } from "../../webapp/src/failure.ts";

group("our own texts", () => {
  test.each([
    ["link: It is too old. (ref 7K2A)", 769, "link", "failure.link", "never"],
    ["fanlight: Too many sessions are running. (ref 0A0B)", 513, "fanlight", "failure.fanlight.busy", "auto"],
    ["gateway: The connector on gw1 was lost. (ref 0A0B)", 520, "gateway", "failure.gateway", "manual"],
    ["gateway: No. (ref 0A0B)", 769, "gateway", "failure.gateway.signIn", "manual"],
    ["gateway: Forbidden. (ref 0A0B)", 771, "gateway", "failure.forbidden", "never"],
    ["instance: No answer on port 22. (ref 0A0B)", 514, "instance", "failure.instance", "manual"],
    [
      "instance: The name dev is not known. (ref 0A0B)",
      519,
      "instance",
      "failure.instance.unknown",
      "manual",
    ],
    ["instance: It is starting. (ref 0A0B)", 513, "instance", "connecting.starting", "ready"],
    ["desktop: It is starting. (ref 0A0B)", 513, "desktop", "connecting.startingDesktop", "ready"],
    ["instance: 127.0.0.1 is not allowed. (ref 0A0B)", 771, "instance", "failure.forbidden", "never"],
    ["host-key: It has changed. (ref 0A0B)", 771, "host-key", "failure.hostKey", "never"],
    ["sign-in: The key was refused. (ref 0A0B)", 769, "sign-in", "failure.signIn", "manual"],
    ["desktop: Nothing listens. (ref 0A0B)", 519, "desktop", "failure.desktop", "manual"],
    ["desktop: The password is wrong. (ref 0A0B)", 769, "desktop", "failure.desktop.protected", "manual"],
    ["session: Ended by an operator. (ref 0A0B)", 523, "session", "failure.session", "manual"],
  ])("%s", (text, status, hop, title, retry) => {
    const failure = describe("client", status, text);
    expect(failure).toMatchObject({ hop, title, retry, status });
    expect(failure.sentence).toBe(text.replace(/^\S+: | \(ref .*\)$/g, ""));
    expect(code(failure)).toBe(`F-${status}-${text.slice(-5, -1)}`);
  });

  test("without a reference the tunnel's identifier gives one", () => {
    const failure = describe("client", 515, "instance: It hung up.", "9c1e77aa-0000");
    expect(code(failure)).toBe("F-515-9C1E");
  });

  test("sentences may hold colons, newlines and brackets", () => {
    const failure = describe("client", 515, "instance: a: b (c)\nd (ref 7K2A)");
    expect(failure.sentence).toBe("a: b (c)\nd");
  });
});

group("what other daemons say", () => {
  test.each([
    [519, "Aborted. See logs.", "instance"],
    [769, "", "sign-in"],
    [515, "VNC connection closed", "session"],
    [776, "Aborted. See logs.", "network"],
    [512, "elsewhere: not a hop of ours", "fanlight"],
    [4242, "a status nobody knows", "fanlight"],
  ])("status %i, text %j: %s", (status, text, hop) => {
    const failure = describe("client", status, text);
    expect(failure.hop).toBe(hop);
    expect(failure.sentence).toHaveProperty("key");
  });
});

group("how tunnels end", () => {
  test.each([
    [769, "link", "never"],
    [516, "link", "never"],
    [519, "fanlight", "auto"],
    [520, "fanlight", "auto"],
    [797, "fanlight", "manual"],
    [512, "fanlight", "manual"],
  ])("status %i is about %s", (status, hop, retry) => {
    expect(describe("tunnel", status, "")).toMatchObject({ hop, retry });
  });

  test("a lost network is tried again whatever its status", () => {
    expect(describe("network", 514, "")).toMatchObject({ hop: "network", retry: "auto" });
  });

  test("no status, no code", () => {
    expect(code(describe("client", 0, ""))).toBe("F-0");
  });
});

group("the way", () => {
  test.each([
    ["fanlight", "passed failed unknown unknown"],
    ["sign-in", "passed passed failed unknown"],
    ["desktop", "passed passed passed failed"],
    ["link", ""],
    ["session", ""],
    ["gateway", "passed passed failed unknown unknown"],
  ] as const)("%s", (hop, states) => {
    expect(
      stations(hop)
        .map(({ state }) => state)
        .join(" "),
    ).toBe(states);
  });
});
