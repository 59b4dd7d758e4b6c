// @vitest-environment jsdom
import Guacamole from "guacamole-common-js";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { httpTunnel, isNetworkLoss, WebSocketTunnel } from "../../webapp/src/tunnel.ts";

/** A WebSocket whose server is the test. */
class Socket {
  static readonly OPEN = 1;
  static last: Socket;
  readyState = 0;
  sent: string[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    Socket.last = this;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.readyState = Socket.OPEN;
    this.onopen?.();
  }

  say(text: string): void {
    this.onmessage?.({ data: text });
  }

  end(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }
}

const UUID = "0.,4.7k2a;";
const { State } = Guacamole.Tunnel;

function connect(): { tunnel: WebSocketTunnel; socket: Socket; log: unknown[] } {
  const tunnel = new WebSocketTunnel("websocket-tunnel");
  const log: unknown[] = [];
  tunnel.onstatechange = (state) => log.push(state);
  tunnel.onerror = (status) => log.push(status.code);
  tunnel.oninstruction = (opcode, args) => log.push([opcode, ...args]);
  tunnel.connect("token=x&GUAC_ID=y");
  return { tunnel, socket: Socket.last, log };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Socket);
  return () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

describe("WebSocketTunnel", () => {
  test("asks for the page's own host with the protocol's name", () => {
    const { socket } = connect();
    expect(socket.url).toBe("ws://localhost:3000/websocket-tunnel?token=x&GUAC_ID=y");
    expect(socket.protocol).toBe("guacamole");
  });

  test("opens with its identifier and hands on instructions, but none of its own", () => {
    const { tunnel, socket, log } = connect();
    socket.open();
    socket.say(`${UUID}4.name,3.a😀b;3.nop;`);
    expect(tunnel.uuid).toBe("7k2a");
    expect(log).toEqual([State.CONNECTING, State.OPEN, ["name", "a😀b"], ["nop"]]);
  });

  test("sends nothing before it is open, and counts code points afterwards", () => {
    const { tunnel, socket } = connect();
    tunnel.sendMessage("nop");
    socket.open();
    socket.say(UUID);
    tunnel.sendMessage("put", 0, 1, "text/plain", "/😀");
    expect(socket.sent.at(-1)).toBe("3.put,1.0,1.1,10.text/plain,2./😀;");
    expect(socket.sent.some((text) => text.includes("nop"))).toBe(false);
  });

  test("measures the round trip by pings", () => {
    const { tunnel, socket } = connect();
    socket.open();
    socket.say(UUID);
    expect(socket.sent).toHaveLength(1);
    vi.advanceTimersByTime(500);
    expect(socket.sent).toHaveLength(2);
    const ping = socket.sent.at(-1) ?? "";
    expect(ping).toMatch(/^0\.,4\.ping,\d+\.\d+;$/);
    vi.advanceTimersByTime(40);
    socket.say(ping);
    expect(Math.round(tunnel.traffic.latencyMs ?? 0)).toBe(40);
    expect(tunnel.traffic.received).toBe(UUID.length + ping.length);
  });

  test("is unstable after a moment of silence, and stable at the next word", () => {
    const { socket, log } = connect();
    socket.open();
    socket.say(UUID);
    vi.advanceTimersByTime(1600);
    socket.say("3.nop;");
    expect(log).toEqual([State.CONNECTING, State.OPEN, State.UNSTABLE, State.OPEN, ["nop"]]);
  });

  test("gives up after a long silence: the network is lost", () => {
    const { tunnel, socket } = connect();
    const errors: Guacamole.Status[] = [];
    tunnel.onerror = (status) => errors.push(status);
    socket.open();
    socket.say(UUID);
    vi.advanceTimersByTime(15_100);
    expect(errors.map((status) => [status.code, isNetworkLoss(status)])).toEqual([[514, true]]);
    expect(socket.closed).toBe(true);
  });

  test.each([
    ["the server says why", 1011, "519", [519, false]],
    ["the server goes away", 1001, "", [520, true]],
    ["the line is cut", 1006, "", [519, true]],
    ["there is prose where a number belongs", 1011, "bad gateway", [512, true]],
  ])("tells %s", (_, code, reason, expected) => {
    const { tunnel, socket } = connect();
    const errors: unknown[] = [];
    tunnel.onerror = (status) => errors.push([status.code, isNetworkLoss(status)]);
    socket.open();
    socket.say(UUID);
    socket.end(code, reason);
    expect(errors).toEqual([expected]);
    expect(tunnel.state).toBe(State.CLOSED);
  });

  test("an ordinary end is no error, and is told once", () => {
    const { socket, log } = connect();
    socket.open();
    socket.say(UUID);
    socket.end(1000, "0");
    vi.advanceTimersByTime(60_000);
    expect(log).toEqual([State.CONNECTING, State.OPEN, State.CLOSED]);
  });

  test("broken instructions end it with the server's fault", () => {
    const { socket, log } = connect();
    socket.open();
    socket.say(UUID);
    socket.say("9.broken;");
    expect(log).toEqual([State.CONNECTING, State.OPEN, 512, State.CLOSED]);
  });

  test("knows whether it was ever open", () => {
    const { tunnel, socket } = connect();
    socket.end(1006);
    expect(tunnel.opened).toBe(false);
  });
});

describe("httpTunnel", () => {
  test("replaces what the library would count wrongly", () => {
    const sent: unknown[][] = [];
    const original = Guacamole.HTTPTunnel;
    vi.spyOn(Guacamole, "HTTPTunnel").mockImplementation(function (this: unknown, url: string) {
      const tunnel = new original(url);
      tunnel.sendMessage = (...elements: unknown[]) => sent.push(elements);
      return tunnel;
    } as never);
    httpTunnel("tunnel").sendMessage("file", 3, true, "a😀b");
    expect(sent).toEqual([["file", "3", "1", "a\ufffdb"]]);
  });
});
