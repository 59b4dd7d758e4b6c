/**
 * A session as the person knows it: it outlives connections. It signs in, opens one, and opens another when the
 * network was lost. No DOM here: panels listen to `events`.
 */
import {
  ApiError,
  type ConnectionInfo,
  describeConnection,
  type Grant,
  type InstanceState,
  isStarting,
} from "./api.ts";
import { Connection, type ConnectionEvents, type Ending, type Transport } from "./connection.ts";
import { Emitter } from "./emitter.ts";
import { CANCELLED, describe, type Failure } from "./failure.ts";
import { waitMs } from "./reconnect.ts";
import type { Target } from "./route.ts";
import { sendText } from "./streams.ts";
import type { Typed } from "./tile.ts";

/** The stream in which the terminal is asked for something; see docs/reference/shell.md. */
const COMMAND = "fanlight-command";

/** UPSTREAM_UNAVAILABLE: the way is gone, or not there yet. */
const UNAVAILABLE = 520;
/** Between two looks at an instance that is waited for. */
const LOOK_MS = 1500;

/** `disconnected` is an ordinary end or a lost network, `error` any other failure. */
export type State = "connecting" | "connected" | "unstable" | "disconnected" | "error";

/** What is under way while connecting. */
export type Step = "sign-in" | "reach" | "open";

/** The window as the instance should see it, in device pixels. */
export interface Viewport {
  width: number;
  height: number;
  dpi: number;
}

export interface SessionEvents extends ConnectionEvents {
  state: State;
  step: Step;
  /** Name and protocol became known. */
  info: ConnectionInfo;
  /** Why there is no connection; null as soon as another attempt is made. */
  failure: Failure | null;
  /** Milliseconds until the next attempt made by itself; null when none is due. */
  waiting: number | null;
  /** What is waited for before the next attempt: the instance, or its desktop. */
  starting: InstanceState | null;
}

/** What a session needs from its surroundings. */
export interface Surroundings {
  /** Redeem the link or confirm the token; throws ApiError. */
  enter: () => Promise<Grant>;
  viewport: () => Viewport;
}

export class Session {
  readonly events = new Emitter<SessionEvents>();
  state: State = "connecting";
  info: ConnectionInfo | null = null;
  connection: Connection | null = null;
  /** What is open, or was last. */
  target: Target | null = null;
  /** What the connection was opened with. */
  grant: Grant | null = null;
  /** Whether a picture of this session was ever shown. */
  seen = false;
  /** The instance that is waited for, as it was told last. */
  starting: InstanceState | null = null;
  /** Told of what the person types and pastes. */
  ontype: (typed: Typed) => void = () => undefined;

  readonly #surroundings: Surroundings;
  #attempts = 0;
  #generation = 0;
  #retry = 0;
  #looking = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.events.on("drawing", () => this.events.emit("step", "open"));
    this.events.on("connected", () => {
      this.seen = true;
      this.#attempts = 0;
      this.#become("connected");
    });
    this.events.on("stable", (stable) => {
      if (this.live) {
        this.#become(stable ? "connected" : "unstable");
      }
    });
    window.addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        this.hurry();
      }
    });
  }

  /** Whether the person works in it now. */
  get live(): boolean {
    return this.state === "connected" || this.state === "unstable";
  }

  /** Open a target; whatever was open before is left. */
  open(target: Target): void {
    this.close();
    this.target = target;
    this.info = null;
    this.seen = false;
    this.state = "disconnected";
    this.#attempts = 0;
    this.#attempt("websocket");
  }

  /** Leave, without a word about it: the session may wait to be come back to. */
  close(): void {
    this.#generation += 1;
    this.#wait(null);
    this.#expect(null);
    this.connection?.close();
    this.connection = null;
  }

  /** End the session, here and wherever else it is looked at. */
  end(): void {
    if (this.live) {
      this.connection?.end();
    }
  }

  /** Try again now: asked by the person. */
  retry(): void {
    this.#attempts = 0;
    this.close();
    this.#attempt("websocket");
  }

  /** If an attempt is waited for, make it now; if an instance is, look at it now. */
  hurry(): void {
    if (this.#looking !== 0) {
      this.#look();
    }
    if (this.#retry !== 0) {
      this.#wait(null);
      this.#attempt("websocket");
    }
  }

  /** Give up waiting and connecting. */
  cancel(): void {
    this.close();
    this.#fail(CANCELLED);
  }

  /** Send key, mouse or size; nothing is sent while nobody would receive it. */
  send(...elements: (string | number)[]): void {
    if (this.live) {
      this.connection?.send(...elements);
      const [opcode, keysym, pressed] = elements;
      if (opcode === "key") {
        this.ontype({ keysym: Number(keysym), pressed: pressed === 1 ? 1 : 0 });
      }
    }
  }

  /** Type what was typed elsewhere; `ontype` does not hear of it. */
  replay(typed: Typed): void {
    if ("clipboard" in typed) {
      this.#putClipboard(typed.clipboard);
    } else if (this.live) {
      this.connection?.send("key", typed.keysym, typed.pressed);
    }
  }

  /** Put text on the instance's clipboard. */
  sendClipboard(text: string): void {
    this.#putClipboard(text);
    this.ontype({ clipboard: text });
  }

  #putClipboard(text: string): void {
    const stream = this.live && this.connection?.client.createClipboardStream("text/plain");
    if (stream) {
      sendText(stream, text);
    }
  }

  /** Change a parameter that the instance announced or asked for. */
  sendArgument(name: string, value: string): void {
    const stream = this.connection?.client.createArgumentValueStream("text/plain", name);
    if (stream) {
      sendText(stream, value);
    }
  }

  /** Ask the terminal for something. */
  ask(command: string): void {
    const stream = this.live && this.connection?.client.createPipeStream("text/plain", COMMAND);
    if (stream) {
      sendText(stream, command);
    }
  }

  async #attempt(transport: Transport): Promise<void> {
    const target = this.target;
    if (target === null) {
      return;
    }
    this.#generation += 1;
    const generation = this.#generation;
    this.events.emit("failure", null);
    this.#expect(null);
    this.#become("connecting");
    this.events.emit("step", "sign-in");
    try {
      const grant = await this.#surroundings.enter();
      if (generation === this.#generation) {
        this.#connect(transport, grant, target);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      if (generation === this.#generation) {
        this.#fail(error.failure);
      }
    }
  }

  #connect(transport: Transport, grant: Grant, target: Target): void {
    this.grant = grant;
    this.events.emit("step", "reach");
    this.#inquire(grant, target);
    const connection = new Connection(transport, this.events, (ending) => this.#ended(connection, ending));
    this.connection = connection;
    connection.open(tunnelParameters(grant, target, this.#surroundings.viewport()));
  }

  async #inquire(grant: Grant, target: Target): Promise<void> {
    if (this.info === null) {
      const info = await describeConnection(grant, target);
      if (info !== null && target === this.target) {
        this.info = info;
        this.events.emit("info", info);
      }
    }
  }

  #ended(connection: Connection, ending: Ending): void {
    if (this.connection !== connection) {
      return;
    }
    if (ending.blocked && connection.transport === "websocket") {
      this.#attempt("http");
      return;
    }
    const failure = describe(ending.reporter, ending.status, ending.text, ending.uuid);
    if (failure.retry === "ready") {
      this.#expect({
        state: failure.hop === "desktop" ? "starting-desktop" : "starting",
        seconds: 0,
        words: "",
      });
      this.#look();
    } else {
      this.#fail(failure);
    }
  }

  /** An instance that starts is nothing that went wrong: the page goes on connecting, and waits. */
  #expect(instance: InstanceState | null): void {
    window.clearTimeout(this.#looking);
    this.#looking = 0;
    if (instance !== this.starting) {
      this.starting = instance;
      this.events.emit("starting", instance);
    }
  }

  /** See how far the instance is; open as soon as there is nothing to wait for. */
  async #look(): Promise<void> {
    const { grant, target } = this;
    const generation = this.#generation;
    window.clearTimeout(this.#looking);
    this.#looking = 0;
    if (grant === null || target === null) {
      return;
    }
    const { instance } = (await describeConnection(grant, target)) ?? { instance: null };
    if (generation !== this.#generation) {
      return;
    }
    if (isStarting(instance)) {
      this.#expect(instance);
      this.#looking = window.setTimeout(() => this.#look(), LOOK_MS);
    } else {
      this.#attempt("websocket");
    }
  }

  #fail(failure: Failure): void {
    this.#become(failure.hop === "network" || failure.status === 0 ? "disconnected" : "error");
    this.events.emit("failure", failure);
    if (failure.retry === "auto" || this.#leadsBack(failure)) {
      this.#wait(waitMs(this.#attempts, Math.random()));
      this.#attempts += 1;
    }
  }

  /** Whether the way to a desktop was lost, not the desktop: another way shows it as it was. A shell would be a new one. */
  #leadsBack(failure: Failure): boolean {
    return (
      failure.hop === "gateway" &&
      failure.status === UNAVAILABLE &&
      this.seen &&
      this.info?.protocol === "vnc"
    );
  }

  #wait(milliseconds: number | null): void {
    window.clearTimeout(this.#retry);
    this.#retry = milliseconds === null ? 0 : window.setTimeout(() => this.hurry(), milliseconds);
    this.events.emit("waiting", milliseconds);
  }

  #become(state: State): void {
    if (this.state !== state) {
      this.state = state;
      this.events.emit("state", state);
    }
  }
}

function tunnelParameters(grant: Grant, target: Target, viewport: Viewport): URLSearchParams {
  return new URLSearchParams({
    token: grant.token,
    GUAC_DATA_SOURCE: target.dataSource || grant.dataSource,
    GUAC_ID: target.identifier,
    GUAC_TYPE: target.type,
    GUAC_WIDTH: String(viewport.width),
    GUAC_HEIGHT: String(viewport.height),
    GUAC_DPI: String(viewport.dpi),
    GUAC_TIMEZONE: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
}
