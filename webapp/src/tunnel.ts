/**
 * The way to the broker: instructions over a WebSocket, or over HTTP requests where a proxy blocks WebSockets.
 * Both are tunnels of guacamole-common-js; the WebSocket one is ours because it counts code points, measures
 * latency and traffic, and tells a lost network from an end the server stated.
 */
import Guacamole from "guacamole-common-js";
import { decode, encode, type Instruction } from "./wire.ts";

const { Tunnel, Status } = Guacamole;

const PING_INTERVAL_MS = 500;
const UNSTABLE_AFTER_MS = 1500;
const SILENT_AFTER_MS = 15_000;

/** What the tunnel has measured. */
export interface Traffic {
  /** Round trip of the last ping in milliseconds; null before the first answer, or where it cannot be measured. */
  latencyMs: number | null;
  /** Characters received since the tunnel opened; nearly all are ASCII, so bytes. */
  received: number;
}

/** Where the tunnels live, relative to the page. */
export const WEBSOCKET_PATH = "websocket-tunnel";
export const HTTP_PATH = "tunnel";

/** Whether a tunnel failed because the network went away, not because the server said why. */
export function isNetworkLoss(status: Guacamole.Status): boolean {
  return !status.message || status.message === "Server timeout.";
}

/** A Guacamole tunnel over one WebSocket. */
export class WebSocketTunnel extends Tunnel {
  readonly traffic: Traffic = { latencyMs: null, received: 0 };
  /** Whether the WebSocket itself was ever open: if not, a proxy may be in the way. */
  opened = false;

  readonly #url: string;
  #socket: WebSocket | null = null;
  #pings = 0;
  #unstable = 0;
  #silent = 0;

  /** @param url absolute or relative to the page; `http` turns into `ws`. */
  constructor(url: string) {
    super();
    const absolute = new URL(url, document.baseURI);
    absolute.protocol = absolute.protocol.replace("http", "ws");
    this.#url = absolute.href;
    // The base class puts empty methods on the instance, which would hide these.
    this.connect = this.#connect;
    this.disconnect = () => this.#close(new Status(Status.Code.SUCCESS, "Closed by the person."));
    this.sendMessage = this.#send;
  }

  readonly #connect = (data?: string): void => {
    this.#setState(Tunnel.State.CONNECTING);
    const socket = new WebSocket(`${this.#url}?${data ?? ""}`, "guacamole");
    this.#socket = socket;
    socket.onopen = () => {
      this.opened = true;
      this.#heard();
      this.#pings = window.setInterval(this.#ping, PING_INTERVAL_MS);
    };
    socket.onmessage = (event) => this.#receive(String(event.data));
    socket.onclose = (event) => this.#close(closeStatus(event));
    this.#heard();
  };

  readonly #send = (...elements: unknown[]): void => {
    const socket = this.#socket;
    if (this.isConnected() && socket?.readyState === WebSocket.OPEN) {
      socket.send(encode(...elements));
    }
  };

  readonly #ping = (): void => this.#send(Tunnel.INTERNAL_DATA_OPCODE, "ping", Math.round(performance.now()));

  #receive(message: string): void {
    this.#heard();
    this.traffic.received += message.length;
    let instructions: Instruction[];
    try {
      instructions = decode(message);
    } catch (error) {
      this.#close(new Status(Status.Code.SERVER_ERROR, (error as Error).message));
      return;
    }
    for (const [opcode, ...args] of instructions) {
      if (opcode === Tunnel.INTERNAL_DATA_OPCODE) {
        this.#internal(args);
      } else {
        this.#setState(Tunnel.State.OPEN);
        this.oninstruction?.(opcode, args);
      }
    }
  }

  #internal(args: string[]): void {
    if (args[0] === "ping" && args[1] !== undefined) {
      this.traffic.latencyMs = Math.max(0, performance.now() - Number(args[1]));
    } else if (args.length === 1 && this.uuid === null) {
      this.uuid = args[0] as string;
      this.onuuid?.(this.uuid);
      this.#setState(Tunnel.State.OPEN);
      this.#ping();
    }
  }

  /** The server is there: start waiting anew for its next word. */
  #heard(): void {
    this.#stopWaiting();
    if (this.state === Tunnel.State.UNSTABLE) {
      this.#setState(Tunnel.State.OPEN);
    }
    this.#unstable = window.setTimeout(() => {
      if (this.state === Tunnel.State.OPEN) {
        this.#setState(Tunnel.State.UNSTABLE);
      }
    }, UNSTABLE_AFTER_MS);
    this.#silent = window.setTimeout(
      () => this.#close(new Status(Status.Code.UPSTREAM_TIMEOUT)),
      SILENT_AFTER_MS,
    );
  }

  #stopWaiting(): void {
    window.clearTimeout(this.#unstable);
    window.clearTimeout(this.#silent);
  }

  #close(status: Guacamole.Status): void {
    this.#stopWaiting();
    window.clearInterval(this.#pings);
    if (this.state === Tunnel.State.CLOSED) {
      return;
    }
    const socket = this.#socket;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    if (status.isError()) {
      this.onerror?.(status);
    }
    this.#setState(Tunnel.State.CLOSED);
  }

  #setState(state: Guacamole.Tunnel.State): void {
    if (this.state !== state) {
      this.state = state;
      this.onstatechange?.(state);
    }
  }
}

/** What a closed WebSocket means: the server puts the decimal status into the reason. */
function closeStatus(event: CloseEvent): Guacamole.Status {
  const stated = Number.parseInt(event.reason, 10);
  if (Number.isFinite(stated)) {
    return new Status(stated as Guacamole.Status.Code, event.reason);
  }
  return new Status(Status.Code.fromWebSocketCode(event.code));
}

/** A Guacamole tunnel over HTTP requests. */
export function httpTunnel(url: string): Guacamole.Tunnel {
  const tunnel = new Guacamole.HTTPTunnel(url);
  const send = tunnel.sendMessage.bind(tunnel);
  // It counts UTF-16 units: what would take two of them is replaced rather than sent with a wrong length.
  tunnel.sendMessage = (...elements: unknown[]) => {
    const [first, ...rest] = elements.map((value) => encodable(value));
    send(first, ...rest);
  };
  return tunnel;
}

function encodable(value: unknown): string {
  const text = typeof value === "boolean" ? String(Number(value)) : String(value);
  return text.replace(/[\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
