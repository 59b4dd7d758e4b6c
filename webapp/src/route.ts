/** The part of the address behind `#`: where to go, and the parameters a portal put there. */

/** What a connection is named in the address and to the tunnel. */
export interface Target {
  identifier: string;
  /** `c` a connection, `g` a group, `a` an active connection. */
  type: string;
  /** Empty where the address does not say. */
  dataSource: string;
}

/** A page of the application; `parameters` holds everything behind `?`, on either side of `#`. */
export type Route = { parameters: URLSearchParams } & (
  | { page: "home" }
  | { page: "recordings" | "fanout" }
  | { page: "client"; target: Target; encoded: string }
);

const SEPARATOR = "\0";

/** Read an address. Parameters before `#` count too; those behind it win. */
export function parseRoute(url: URL): Route {
  const [path = "", query = ""] = splitOnce(url.hash.replace(/^#/, ""), "?");
  const parameters = new URLSearchParams(url.search);
  for (const [name, value] of new URLSearchParams(query)) {
    parameters.set(name, value);
  }
  // Standard base64 may hold a slash, and some portals put one behind it.
  const encoded = /^\/client\/(.+?)\/*$/.exec(path)?.[1];
  if (/^\/recordings\/*$/.test(path)) {
    return { page: "recordings", parameters };
  }
  if (/^\/fanout\/*$/.test(path)) {
    return { page: "fanout", parameters };
  }
  return encoded === undefined
    ? { page: "home", parameters }
    : { page: "client", target: decodeTarget(decoded(encoded)), encoded, parameters };
}

/** The same address without parameters: nothing secret stays in the address bar or in the history. */
export function withoutParameters(url: URL): string {
  const [path = ""] = splitOnce(url.hash, "?");
  return url.pathname + path;
}

/**
 * The client ids of a window that holds several sessions, or may come to: joined with "." as tiled views of other web
 * clients are. Null for a session alone.
 */
export function severalTargets(encoded: string): string[] | null {
  return encoded.includes(".") ? encoded.split(".").filter((one) => one !== "") : null;
}

/** Read a client id, standard or URL-safe base64, padded or not; anything else is an identifier by itself. */
export function decodeTarget(encoded: string): Target {
  // Of several, the first.
  const [first = ""] = encoded.split(".");
  try {
    const binary = atob(first.replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const [identifier, type, dataSource] = text.split(SEPARATOR);
    if (identifier && type && dataSource) {
      return { identifier, type, dataSource };
    }
  } catch {
    // Not base64, or not text: fall through.
  }
  return { identifier: first, type: "c", dataSource: "" };
}

/** Write a client id as current web clients do: URL-safe base64 without padding. */
export function encodeTarget(target: Target): string {
  const bytes = new TextEncoder().encode([target.identifier, target.type, target.dataSource].join(SEPARATOR));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
