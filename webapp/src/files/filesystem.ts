/** Folders of the instance, over a Guacamole object's streams. */
import Guacamole from "guacamole-common-js";
import { readText } from "../streams.ts";

const INDEX_TYPE = "application/vnd.glyptodon.guacamole.stream-index+json";
const MAX_INDEX_BYTES = 8 * 1024 * 1024;
const MAX_ENTRIES = 10_000;
/** A folder that cannot be read is never answered. */
const ANSWER_MS = 10_000;

/** A file or folder. */
export interface Entry {
  /** Absolute, as the instance names it. */
  path: string;
  name: string;
  folder: boolean;
  /** Bytes; null where the instance does not say. */
  size: number | null;
  /** When it changed; null where the instance does not say. */
  modified: Date | null;
}

/** The folder above all others. */
export const ROOT = "/";

export class Filesystem {
  readonly object: Guacamole.Object;
  readonly name: string;

  constructor(object: Guacamole.Object, name: string) {
    this.object = object;
    this.name = name;
  }

  /**
   * List a folder: folders first, names as people sort them.
   *
   * @throws Error if there is no answer, or not a listing.
   */
  list(path: string): Promise<Entry[]> {
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => reject(new Error("no answer")), ANSWER_MS);
      this.object.requestInputStream(path, (stream, mimetype) => {
        window.clearTimeout(timer);
        if (!mimetype.startsWith(INDEX_TYPE)) {
          stream.sendAck("Not a folder", Guacamole.Status.Code.RESOURCE_CLOSED);
          reject(new Error("not a folder"));
          return;
        }
        readText(stream, MAX_INDEX_BYTES, true)
          .then((text) => resolve(parseIndex(path, text)))
          .catch(reject);
      });
    });
  }

  /** Ask for a file's content. */
  read(path: string, opened: (stream: Guacamole.InputStream) => void): void {
    this.object.requestInputStream(path, opened);
  }
}

/** A name below a folder. */
export function join(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** The parts of a path, each with the path up to it. */
export function crumbs(path: string): { name: string; path: string }[] {
  const names = path.split("/").filter((name) => name !== "");
  return names.map((name, index) => ({ name, path: `/${names.slice(0, index + 1).join("/")}` }));
}

/**
 * Read a folder's listing: a JSON object of absolute names and their types. Types may carry `size` (bytes) and
 * `modified` (seconds since 1970). Names that do not lie in the folder are left out.
 *
 * @throws SyntaxError
 */
export function parseIndex(folder: string, json: string): Entry[] {
  const index: unknown = JSON.parse(json.replace(/\p{Cc}/gu, escapeControl));
  const prefix = join(folder, "");
  return Object.entries(index ?? {})
    .slice(0, MAX_ENTRIES)
    .filter(([path]) => path.startsWith(prefix) && isName(path.slice(prefix.length)))
    .map(([path, type]) => entry(path, path.slice(prefix.length), String(type)))
    .sort((a, b) => Number(b.folder) - Number(a.folder) || COLLATOR.compare(a.name, b.name));
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function entry(path: string, name: string, type: string): Entry {
  const number = (parameter: string) => {
    const digits = new RegExp(`; *${parameter}=(\\d{1,15})`).exec(type)?.[1];
    return digits === undefined ? null : Number(digits);
  };
  const modified = number("modified");
  return {
    path,
    name,
    folder: type.startsWith(INDEX_TYPE),
    size: number("size"),
    modified: modified === null ? null : new Date(modified * 1000),
  };
}

function isName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/");
}

/** Daemons escape quotes and backslashes only: control characters in names arrive as they are. */
function escapeControl(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
