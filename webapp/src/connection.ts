/** One connection to an instance, from opening the tunnel to its end. It never comes back: a session opens another. */
import Guacamole from "guacamole-common-js";
import type { Emitter } from "./emitter.ts";
import type { Reporter } from "./failure.ts";
import { makeClient } from "./library.ts";
import { OutgoingStreams } from "./outgoing.ts";
import { readText } from "./streams.ts";
import {
  HTTP_PATH,
  httpTunnel,
  isNetworkLoss,
  type Traffic,
  WEBSOCKET_PATH,
  WebSocketTunnel,
} from "./tunnel.ts";

/** How instructions travel. */
export type Transport = "websocket" | "http";

/** A file that the instance sends on its own account. */
export interface IncomingFile {
  stream: Guacamole.InputStream;
  mimetype: string;
  name: string;
}

/** What a connection tells while it lasts. */
export interface ConnectionEvents {
  /** The instance drew something for the first time. */
  drawing: undefined;
  /** The first frame is complete: the picture can be shown. */
  connected: undefined;
  /** Whether the network answers in time. */
  stable: boolean;
  /** A frame is complete. */
  frame: undefined;
  title: string;
  /** Text that was copied on the instance. */
  clipboard: string;
  /** A parameter that may be changed in session, and its value. */
  argument: { name: string; value: string };
  /** A file system to browse; null when it is gone. */
  filesystem: { object: Guacamole.Object; name: string } | null;
  file: IncomingFile;
  /** Parameters without which the instance cannot be opened. */
  required: string[];
  /** What is asked for next, in a gateway's own words. */
  prompt: Prompt;
  /** An answer of the terminal's, in a stream of ours. */
  told: { name: string; text: string };
  /** Something people should know though the session goes on. */
  notice: Notice;
  /** An operator's words to the person. */
  message: string;
  /** Somebody came through a shared link, or went. */
  guest: Guest;
  /** A link that the person clicked in the picture. */
  link: string;
}

/** A question in somebody else's words. */
export interface Prompt {
  text: string;
  /** The answer is not shown. */
  secret: boolean;
}

/** A word of proxyd's or the broker's, and the seconds it speaks of, where it does. */
export interface Notice {
  word: string;
  seconds: number;
}

/** Somebody else in the session; the name is empty where nobody knows it. */
export interface Guest {
  id: string;
  name: string;
  present: boolean;
}

/** How a connection ended; status 0 is an ordinary end. */
export interface Ending {
  reporter: Reporter;
  status: number;
  text: string;
  /** The tunnel's identifier; empty if it never got one. */
  uuid: string;
  /** Not even the WebSocket opened: a proxy may be in the way. */
  blocked: boolean;
}

interface Messaging {
  onmsg: (code: number, args: string[]) => boolean;
}

/** Codes of `msg`: the protocol's own, those of proxyd's notices, of clicked links, of an operator's words, of a gateway's. */
const [JOINED, LEFT, NOTICE, LINK, MESSAGE, PROMPT] = [1, 2, 0x4000, 0x4001, 0x4002, 0x4003];
const MAX_CLIPBOARD_BYTES = 4 * 1024 * 1024;
const MAX_ARGUMENT_BYTES = 16_383;
/** Streams in which the terminal answers; those of programs have other names. */
const OURS = "fanlight-";
const MAX_TOLD_BYTES = 8 * 1024 * 1024;
const DRAWING = new Set(["size", "img", "png", "jpeg", "copy", "rect", "cfill", "cursor", "video"]);
const MIMETYPES = { GUAC_IMAGE: ["image/png", "image/jpeg", "image/webp"] };

/** The transports' tunnels, and what happens on them. */
export class Connection {
  readonly client: Guacamole.Client;
  readonly transport: Transport;
  /** Streams for uploads. */
  readonly outgoing = new OutgoingStreams((...elements) => this.send(...elements));

  readonly #tunnel: Guacamole.Tunnel;
  readonly #ended: (ending: Ending) => void;
  readonly #detach: () => void;
  #drawing = false;
  #over = false;

  /**
   * @param events told what happens, until the end.
   * @param ended told once, unless `close` was called.
   */
  constructor(transport: Transport, events: Emitter<ConnectionEvents>, ended: (ending: Ending) => void) {
    this.transport = transport;
    this.#ended = ended;
    this.#tunnel = transport === "websocket" ? new WebSocketTunnel(WEBSOCKET_PATH) : httpTunnel(HTTP_PATH);
    const { client, detach } = makeClient(this.#tunnel);
    this.client = client;
    this.#detach = detach;
    this.#watchTunnel(events);
    this.#watchClient(events);
  }

  /** Latency and bytes; null where the transport does not measure them. */
  get traffic(): Traffic | null {
    return this.#tunnel instanceof WebSocketTunnel ? this.#tunnel.traffic : null;
  }

  /** The tunnel's identifier; empty before it has one. */
  get uuid(): string {
    return this.#tunnel.uuid ?? "";
  }

  /** Begin; `parameters` name the token, the target and the window. */
  open(parameters: URLSearchParams): void {
    for (const [name, values] of Object.entries(MIMETYPES)) {
      for (const value of values) {
        parameters.append(name, value);
      }
    }
    for (const mimetype of Guacamole.AudioPlayer.getSupportedTypes()) {
      parameters.append("GUAC_AUDIO", mimetype);
    }
    this.client.connect(parameters.toString());
  }

  /** Leave: nothing is reported any more, and the session may wait to be come back to. */
  close(): void {
    this.#over = true;
    this.#leave();
  }

  /** End the session for everybody. */
  end(): void {
    this.client.disconnect();
  }

  /** Send an instruction of the person's: key, mouse, size. */
  send(...elements: (string | number)[]): void {
    const [opcode, ...args] = elements;
    this.#tunnel.sendMessage(opcode, ...args);
  }

  #watchTunnel(events: Emitter<ConnectionEvents>): void {
    const tunnel = this.#tunnel;
    tunnel.onerror = (status) => {
      const lost = isNetworkLoss(status);
      const text = lost || /^\d+$/.test(status.message ?? "") ? "" : (status.message ?? "");
      this.#end({ reporter: lost ? "network" : "tunnel", status: status.code, text });
    };
    tunnel.onstatechange = (state) => {
      if (state === Guacamole.Tunnel.State.CLOSED) {
        this.#end({ reporter: "tunnel", status: 0, text: "" });
      } else if (state !== Guacamole.Tunnel.State.CONNECTING) {
        events.emit("stable", state === Guacamole.Tunnel.State.OPEN);
      }
    };
    const act = tunnel.oninstruction;
    tunnel.oninstruction = (opcode, args) => {
      if (!this.#drawing && DRAWING.has(opcode)) {
        this.#drawing = true;
        events.emit("drawing", undefined);
      } else if (opcode === "ack") {
        this.outgoing.acknowledged(Number(args[0]), Number(args[2]));
      }
      act?.(opcode, args);
    };
  }

  #watchClient(events: Emitter<ConnectionEvents>): void {
    const client = this.client;
    client.onerror = (status) =>
      this.#end({ reporter: "client", status: status.code, text: status.message ?? "" });
    client.onstatechange = (state) => {
      if (state === Guacamole.Client.State.CONNECTED) {
        events.emit("connected", undefined);
      } else if (state === Guacamole.Client.State.DISCONNECTED) {
        this.#end({ reporter: "client", status: 0, text: "" });
      }
    };
    client.onsync = () => events.emit("frame", undefined);
    client.onname = (name) => events.emit("title", name);
    // The library's types do not know this callback of its version 1.5.
    (client as Guacamole.Client & Messaging).onmsg = (code, args) => {
      const [id = "", name = ""] = args;
      if (code === NOTICE) {
        events.emit("notice", { word: id, seconds: Number(name) || 0 });
      } else if (code === MESSAGE) {
        events.emit("message", id);
      } else if (code === PROMPT) {
        events.emit("prompt", { text: id, secret: name !== "0" });
      } else if (code === LINK) {
        events.emit("link", id);
      } else if (code === JOINED || code === LEFT) {
        events.emit("guest", { id, name, present: code === JOINED });
      }
      return true;
    };
    client.onrequired = (names) => events.emit("required", names);
    client.onfile = (stream, mimetype, name) => events.emit("file", { stream, mimetype, name });
    client.onclipboard = (stream, mimetype) => {
      if (mimetype.startsWith("text/")) {
        readText(stream, MAX_CLIPBOARD_BYTES).then((text) => events.emit("clipboard", text));
      }
    };
    client.onargv = (stream, _mimetype, name) => {
      readText(stream, MAX_ARGUMENT_BYTES).then((value) => events.emit("argument", { name, value }));
    };
    client.onpipe = (stream, _mimetype, name) => {
      if (name.startsWith(OURS)) {
        readText(stream, MAX_TOLD_BYTES).then((text) => events.emit("told", { name, text }));
      } else {
        stream.sendAck("Named pipes unsupported", Guacamole.Status.Code.UNSUPPORTED);
      }
    };
    client.onfilesystem = (object, name) => {
      object.onundefine = () => events.emit("filesystem", null);
      events.emit("filesystem", { object, name });
    };
  }

  #end(how: { reporter: Reporter; status: number; text: string }): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    const tunnel = this.#tunnel;
    const blocked = tunnel instanceof WebSocketTunnel && !tunnel.opened;
    const { uuid } = this;
    this.#leave();
    this.#ended({ ...how, uuid, blocked });
  }

  /** Without the word that would end the session, which the library says. */
  #leave(): void {
    this.#tunnel.sendMessage = () => undefined;
    this.client.disconnect();
    this.#detach();
  }
}
