/**
 * What went wrong, and where: error texts and status codes to one description that the error card shows.
 * Fanlight's own texts name the hop (`desktop: Nothing listens on port 5905. (ref 7K2A)`); for other daemons
 * the status has to tell it.
 */
import type { Key } from "./strings.ts";

/** Where a session can fail. `network` is the way between this browser and Fanlight. */
export type Hop =
  | "link"
  | "network"
  | "fanlight"
  | "gateway"
  | "instance"
  | "host-key"
  | "sign-in"
  | "desktop"
  | "session";

/** Who reported a failure: the instruction stream, the tunnel's end, or nobody because the network went away. */
export type Reporter = "client" | "tunnel" | "network";

/** Whether trying again is of use: by itself after a while, once the instance is ready, when the person asks, or not at all. */
export type Retry = "auto" | "ready" | "manual" | "never";

/** A failure as people see it. */
export interface Failure {
  readonly hop: Hop;
  /** Guacamole status code. */
  readonly status: number;
  readonly title: Key;
  /** One sentence of cause: the reporter's own, or ours. */
  readonly sentence: string | { readonly key: Key };
  /** The same short text stands in the log lines of every hop; empty where nobody gave one. */
  readonly reference: string;
  readonly retry: Retry;
}

interface Words {
  title: Key;
  sentence: Key;
  retry: Retry;
}

const OWN_TEXT =
  /^(link|fanlight|gateway|instance|host-key|sign-in|desktop|session): (.+?)(?: \(ref ([0-9A-Za-z-]{1,16})\))?$/s;

/** Describe a failure. `connection` gives the reference where the text has none: the tunnel's UUID. */
export function describe(reporter: Reporter, status: number, text: string, connection = ""): Failure {
  const [, prefix, sentence, reference] = OWN_TEXT.exec(text) ?? [];
  const hop = (prefix as Hop | undefined) ?? hopOf(reporter, status);
  const { sentence: fallback, ...words } = WORDS[hop][status] ?? WORDS[hop].other;
  return {
    hop,
    status,
    ...words,
    sentence: sentence ?? { key: fallback },
    reference: reference ?? connection.slice(0, 4).toUpperCase(),
  };
}

/** The person gave up connecting. */
export const CANCELLED: Failure = {
  hop: "session",
  status: 0,
  title: "failure.cancelled",
  sentence: { key: "failure.cancelled.text" },
  reference: "",
  retry: "manual",
};

/** The code a person reads to support: `F-519-7K2A`. */
export function code(failure: Failure): string {
  return ["F", failure.status, failure.reference].filter((part) => part !== "").join("-");
}

/** One station of the way to the instance, and whether it was passed. */
export interface Station {
  name: "you" | "fanlight" | "gateway" | "instance" | "service";
  state: "passed" | "failed" | "unknown";
}

const STATIONS = ["you", "fanlight", "gateway", "instance", "service"] as const;
const FAILED_STATION: Record<Hop, Station["name"] | null> = {
  link: null,
  network: "fanlight",
  fanlight: "fanlight",
  gateway: "gateway",
  instance: "instance",
  "host-key": "instance",
  "sign-in": "instance",
  desktop: "service",
  session: null,
};

/** The way to the instance as far as it went; empty where the failure is not on the way. */
export function stations(hop: Hop): Station[] {
  const failed = FAILED_STATION[hop];
  if (failed === null) {
    return [];
  }
  // Most sessions pass no gateway: it is shown only where it failed.
  const way = STATIONS.filter((name) => name !== "gateway" || failed === "gateway");
  const at = way.indexOf(failed);
  return way.map((name, index) => ({
    name,
    state: index < at ? "passed" : index === at ? "failed" : "unknown",
  }));
}

function hopOf(reporter: Reporter, status: number): Hop {
  return reporter === "network" ? "network" : (HOPS[reporter][status] ?? "fanlight");
}

/** Which hop a status speaks of when no text says so. */
const HOPS: Record<Exclude<Reporter, "network">, Record<number, Hop>> = {
  client: {
    0: "session",
    514: "instance",
    515: "session",
    516: "session",
    517: "session",
    518: "session",
    519: "instance",
    520: "instance",
    521: "session",
    522: "session",
    523: "session",
    768: "link",
    769: "sign-in",
    771: "instance",
    776: "network",
  },
  tunnel: {
    0: "session",
    516: "link",
    518: "session",
    522: "session",
    523: "session",
    768: "link",
    769: "link",
    771: "link",
  },
};

/** The words for each hop, by status where it matters. */
const WORDS: Record<Hop, Record<number, Words> & { other: Words }> = {
  link: {
    768: { title: "failure.link.foreign", sentence: "failure.link.foreign.text", retry: "never" },
    other: { title: "failure.link", sentence: "failure.link.text", retry: "never" },
  },
  network: {
    other: { title: "failure.network", sentence: "failure.network.text", retry: "auto" },
  },
  fanlight: {
    513: { title: "failure.fanlight.busy", sentence: "failure.fanlight.busy.text", retry: "auto" },
    514: { title: "failure.fanlight", sentence: "failure.fanlight.text", retry: "auto" },
    519: { title: "failure.fanlight", sentence: "failure.fanlight.text", retry: "auto" },
    520: { title: "failure.fanlight.busy", sentence: "failure.fanlight.busy.text", retry: "auto" },
    771: { title: "failure.forbidden", sentence: "failure.forbidden.text", retry: "never" },
    797: { title: "failure.fanlight.many", sentence: "failure.fanlight.many.text", retry: "manual" },
    other: { title: "failure.fanlight", sentence: "failure.fanlight.text", retry: "manual" },
  },
  gateway: {
    769: { title: "failure.gateway.signIn", sentence: "failure.gateway.signIn.text", retry: "manual" },
    771: { title: "failure.forbidden", sentence: "failure.forbidden.text", retry: "never" },
    other: { title: "failure.gateway", sentence: "failure.gateway.text", retry: "manual" },
  },
  instance: {
    513: { title: "connecting.starting", sentence: "connecting.starting.text", retry: "ready" },
    517: { title: "failure.instance.notReady", sentence: "failure.instance.notReady.text", retry: "manual" },
    519: { title: "failure.instance.unknown", sentence: "failure.instance.unknown.text", retry: "manual" },
    771: { title: "failure.forbidden", sentence: "failure.forbidden.text", retry: "never" },
    other: { title: "failure.instance", sentence: "failure.instance.text", retry: "manual" },
  },
  "host-key": {
    other: { title: "failure.hostKey", sentence: "failure.hostKey.text", retry: "never" },
  },
  "sign-in": {
    other: { title: "failure.signIn", sentence: "failure.signIn.text", retry: "manual" },
  },
  desktop: {
    513: { title: "connecting.startingDesktop", sentence: "connecting.starting.text", retry: "ready" },
    769: { title: "failure.desktop.protected", sentence: "failure.desktop.protected.text", retry: "manual" },
    other: { title: "failure.desktop", sentence: "failure.desktop.text", retry: "manual" },
  },
  session: {
    0: { title: "failure.session", sentence: "failure.session.over", retry: "manual" },
    515: { title: "failure.session.broken", sentence: "failure.session.broken.text", retry: "manual" },
    521: { title: "failure.session.elsewhere", sentence: "failure.session.elsewhere.text", retry: "manual" },
    522: { title: "failure.session.idle", sentence: "failure.session.idle.text", retry: "manual" },
    other: { title: "failure.session", sentence: "failure.session.text", retry: "manual" },
  },
};
