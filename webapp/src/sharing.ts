/** Links to a running session, as the broker gives them: who has one may watch or control until it ends. */
import { ApiError, request } from "./api.ts";
import { isRecord } from "./json.ts";

/** What a link permits. */
export const PROFILES = ["watch", "control"] as const;
export type Profile = (typeof PROFILES)[number];

/** A link to this session. */
export interface SharedLink {
  profile: Profile;
  /** Null for one that was made before this page was loaded: its key is kept nowhere. */
  address: string | null;
  /** When it ends; null where the broker does not say. */
  until: Date | null;
  /** How many may come through it; null for any number. */
  uses: number | null;
  /** What the broker knows it by; null where it cannot be ended alone. */
  identifier: string | null;
}

/** Which tunnel is shared, and by whom. */
export interface SharedTunnel {
  token: string;
  uuid: string;
}

/** What links to this tunnel may permit; nothing where the site or the connection forbids it. */
export async function sharingProfiles(tunnel: SharedTunnel): Promise<Profile[]> {
  const answer = await ask(tunnel, "connection/sharingProfiles").catch(() => null);
  return isRecord(answer) ? PROFILES.filter((profile) => profile in answer) : [];
}

/** The links that lead to this session, whichever page made them. */
export async function sharedLinks(tunnel: SharedTunnel): Promise<SharedLink[]> {
  const answer = await ask(tunnel, "sharingCredentials").catch(() => null);
  return Array.isArray(answer) ? answer.filter(isRecord).flatMap(linkOf) : [];
}

function linkOf({ identifier, profile, expires, uses }: Record<string, unknown>): SharedLink[] {
  const known = PROFILES.find((name) => name === profile);
  if (known === undefined || typeof identifier !== "string" || typeof expires !== "number") {
    return [];
  }
  const many = typeof uses === "number" ? uses : null;
  return [{ profile: known, address: null, until: new Date(expires), uses: many, identifier }];
}

/**
 * Make a link.
 *
 * @param minutes how long it shall work; null for as long as the site permits.
 * @param uses how many may come through it; null for any number.
 * @throws ApiError
 */
export async function share(
  tunnel: SharedTunnel,
  profile: Profile,
  minutes: number | null,
  uses: number | null,
): Promise<SharedLink> {
  const limits = Object.entries({ minutes, uses }).flatMap(([name, value]) =>
    value === null ? [] : [[name, String(value)]],
  );
  const answer = await ask(tunnel, `sharingCredentials/${profile}?${new URLSearchParams(limits)}`);
  const { values, expires, identifier } = isRecord(answer) ? answer : {};
  const key = isRecord(values) ? values.key : null;
  if (typeof key !== "string") {
    throw ApiError.unexpected();
  }
  return {
    profile,
    address: new URL(`#/?key=${encodeURIComponent(key)}`, document.baseURI).href,
    until: typeof expires === "number" ? new Date(expires) : null,
    uses,
    identifier: typeof identifier === "string" ? identifier : null,
  };
}

/** End every link to this tunnel, and the visits of all who came through one. */
export async function stopSharing(tunnel: SharedTunnel): Promise<void> {
  await ask(tunnel, "sharingCredentials", "DELETE");
}

/** End one link, and the visits of all who came through it. */
export async function endLink(tunnel: SharedTunnel, identifier: string): Promise<void> {
  await ask(tunnel, `sharingCredentials/${encodeURIComponent(identifier)}`, "DELETE");
}

function ask({ token, uuid }: SharedTunnel, path: string, method = "GET"): Promise<unknown> {
  const tunnel = `api/session/tunnels/${encodeURIComponent(uuid)}/activeConnection`;
  return request(`${tunnel}/${path}`, { method, headers: { "Guacamole-Token": token } });
}
