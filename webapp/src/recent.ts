/**
 * What a person opened lately, with a small picture of each: kept in this browser and nowhere else, for one person at a
 * time, and forgotten when they log out.
 */
import { isRecord } from "./json.ts";
import { forget, recall, remember } from "./preferences.ts";

const NAME = "recent";
const MAX_ENTRIES = 12;
/** Characters of a picture; a small one has about ten thousand. */
const MAX_PICTURE = 60_000;
const PICTURE = /^data:image\/(webp|png|jpeg);base64,[A-Za-z0-9+/=]+$/;

/** One of them. */
export interface Recent {
  /** When it was last seen, milliseconds since 1970. */
  seen: number;
  /** A data URL; empty where there is none. */
  picture: string;
}

/** What this person opened, by target as addresses have it; nothing of others, nothing for those without a name. */
export function recents(owner: string): Map<string, Recent> {
  const kept = parse(recall(NAME) ?? "");
  const entries = owner !== "" && kept.owner === owner && isRecord(kept.entries) ? kept.entries : {};
  return new Map(
    Object.entries(entries).flatMap(([target, entry]): [string, Recent][] => {
      const { seen, picture } = isRecord(entry) ? entry : {};
      const shown = typeof picture === "string" && PICTURE.test(picture) ? picture : "";
      return typeof seen === "number" ? [[target, { seen, picture: shown }]] : [];
    }),
  );
}

/** Note that a session was seen just now. */
export function noteRecent(owner: string, target: string, picture: string, now: number): void {
  if (owner === "") {
    return;
  }
  const known = recents(owner);
  known.set(target, { seen: now, picture: picture.length > MAX_PICTURE ? "" : picture });
  const newest = [...known].sort(([, a], [, b]) => b.seen - a.seen).slice(0, MAX_ENTRIES);
  remember(NAME, JSON.stringify({ owner, entries: Object.fromEntries(newest) }));
}

/** Forget all of it. */
export function forgetRecents(): void {
  forget(NAME);
}

function parse(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
