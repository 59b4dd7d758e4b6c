/**
 * The page inside a portal's frame: it gets its ticket from the page around it, and tells it what becomes of the session.
 * Who may put us into a frame is decided by `frame-ancestors`; nothing secret is ever said to the page around.
 */
import { ApiError, type Grant, signIn } from "./api.ts";
import { describe } from "./failure.ts";
import { parseRoute } from "./route.ts";
import type { State } from "./session.ts";

/** What the page around is told of the session; `closed`: the person logged out. */
export type FrameState = State | "closed";

/** What the frame says to the page around. */
export type FromFrame = { fanlight: "wanted" } | { fanlight: "state"; state: FrameState; code: string };

/** What the page around says to the frame. An empty ticket: there is none. */
export interface FromHost {
  fanlight: "ticket";
  ticket: string;
}

const PARAMETER = "embed";
const PATIENCE_MS = 30_000;
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export class Host {
  readonly #window: Window;

  constructor(around: Window) {
    this.#window = around;
  }

  /** The page around us, where the address says that there is one. */
  static of(address: URL): Host | null {
    const framed = window.parent !== window && parseRoute(address).parameters.has(PARAMETER);
    return framed ? new Host(window.parent) : null;
  }

  /**
   * Sign in with what we have, or with a ticket where that is nothing or good no more.
   *
   * @throws ApiError
   */
  async signIn(parameters: URLSearchParams): Promise<Grant> {
    parameters.delete(PARAMETER);
    if (parameters.size > 0) {
      try {
        return await signIn(parameters);
      } catch (error) {
        if (!(error instanceof ApiError) || error.failure.hop !== "link") {
          throw error;
        }
      }
    }
    return signIn(parametersOf(await this.#ticket()));
  }

  /** Say what became of the session. */
  tell(state: FrameState, code = ""): void {
    this.#post({ fanlight: "state", state, code });
  }

  async #ticket(): Promise<string> {
    const given = new Promise<string>((resolve) => {
      const hear = ({ source, data }: MessageEvent<FromHost | undefined>) => {
        if (source === this.#window && data?.fanlight === "ticket") {
          window.removeEventListener("message", hear);
          resolve(String(data.ticket));
        }
      };
      window.addEventListener("message", hear);
      window.setTimeout(() => resolve(""), PATIENCE_MS);
    });
    this.#post({ fanlight: "wanted" });
    const ticket = await given;
    if (ticket === "") {
      throw new ApiError(describe("tunnel", 769, ""));
    }
    return ticket;
  }

  #post(message: FromFrame): void {
    // Whoever is around may hear this: it is no secret, and we do not know their origin.
    this.#window.postMessage(message, "*");
  }
}

/** What a ticket holds: a link's parameters on either side of `#`, or a token that was signed for us. */
export function parametersOf(ticket: string): URLSearchParams {
  if (TOKEN.test(ticket)) {
    return new URLSearchParams({ jwt: ticket });
  }
  return URL.canParse(ticket) ? parseRoute(new URL(ticket)).parameters : new URLSearchParams(ticket);
}
