/**
 * What a portal's page loads to show sessions in frames of its own: `Fanlight.open({ target, ticket })`. Loaded as a
 * classic script or as a module; it stands alone, imports nothing and exports nothing.
 *
 * A ticket is whatever link the portal's backend would have sent the person to. The frame asks for one when it needs
 * one: to begin with, and again when its session is gone.
 */
import type { FrameState, FromFrame, FromHost } from "./embedded.ts";

/** `unreachable`: the frame says nothing. It is loaded again after a while. */
export type EmbedState = FrameState | "unreachable";

export interface EmbedOptions {
  /** The element that the frame fills, or a selector of it. */
  target: Element | string;
  /** Gives a fresh link, as the portal's backend mints it. */
  ticket: () => string | Promise<string>;
  /** Where Fanlight is, base path included; by default where this script came from. */
  url?: string;
  /** What the frame is called for people who do not see it. */
  title?: string;
  /** Told what becomes of the session; `code` is for support. */
  onState?: (state: EmbedState, code: string) => void;
}

export interface Embedded {
  readonly frame: HTMLIFrameElement;
  /** Let the keyboard go to the session. */
  focus(): void;
  /** Take the frame away; the session itself goes on for a while. */
  close(): void;
}

(() => {
  const PATIENCE_MS = 15_000;
  const LONGEST_WAIT_MS = 60_000;
  const PERMISSIONS = "clipboard-read; clipboard-write; fullscreen; keyboard-map";
  const here = document.currentScript instanceof HTMLScriptElement ? document.currentScript.src : "";

  function open(options: EmbedOptions): Embedded {
    const { target, ticket, title = "Session", onState = () => undefined } = options;
    const place = typeof target === "string" ? document.querySelector(target) : target;
    const url = new URL(options.url ?? (here === "" ? location.href : new URL(".", here)), location.href);
    if (place === null) {
      throw new Error(`Fanlight: there is no ${target} on this page`);
    }
    const frame = document.createElement("iframe");
    let patience = 0;
    let attempts = 0;

    const load = () => {
      frame.src = `${url.href.replace(/[?#].*$/, "").replace(/\/?$/, "/")}?embed=1`;
      patience = window.setTimeout(() => {
        onState("unreachable", "");
        attempts += 1;
        patience = window.setTimeout(load, Math.min(1000 * 2 ** attempts, LONGEST_WAIT_MS));
      }, PATIENCE_MS);
    };

    const answer = async () => {
      const given: FromHost = { fanlight: "ticket", ticket: "" };
      try {
        given.ticket = await ticket();
      } finally {
        frame.contentWindow?.postMessage(given, url.origin);
      }
    };

    const hear = (event: MessageEvent<FromFrame>) => {
      if (event.source !== frame.contentWindow || event.origin !== url.origin) {
        return;
      }
      window.clearTimeout(patience);
      attempts = 0;
      if (event.data.fanlight === "wanted") {
        answer();
      } else if (event.data.fanlight === "state") {
        onState(event.data.state, event.data.code);
      }
    };

    window.addEventListener("message", hear);
    frame.title = title;
    frame.allow = PERMISSIONS;
    frame.style.cssText = "display:block;width:100%;height:100%;border:0";
    load();
    place.append(frame);
    return {
      frame,
      focus: () => frame.focus(),
      close: () => {
        window.clearTimeout(patience);
        window.removeEventListener("message", hear);
        frame.remove();
      },
    };
  }

  Object.assign(globalThis, { Fanlight: { open } });
})();
