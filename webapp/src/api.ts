/** The broker's REST interface, as Guacamole's web tier has it. Paths are relative to the page. */
import { describe, type Failure } from "./failure.ts";
import { isRecord } from "./json.ts";
import type { Target } from "./route.ts";

/** Who we are to the broker, and what our token opens. */
export interface Grant {
  token: string;
  dataSource: string;
  /** Whose it is, among all who use this browser; empty for a guest. */
  owner: string;
}

/** A connection that may be opened. */
export interface ConnectionInfo {
  target: Target;
  name: string;
  /** `ssh`, `vnc`…; empty where unknown. */
  protocol: string;
  /** How many have it open now. */
  active: number;
  /** It may be looked at only. */
  readOnly: boolean;
  /** What its instance said at the gate; null where nobody knows. */
  instance: InstanceState | null;
}

const INSTANCE_STATES = ["starting", "starting-desktop", "not-ready", "ready", "blocked"] as const;

/** An instance, as the gate knows it. */
export interface InstanceState {
  state: (typeof INSTANCE_STATES)[number];
  /** For how long, where it starts. */
  seconds: number;
  /** Its own words on what goes wrong; empty where it says nothing. */
  words: string;
}

/** Whether it opens later than now, by itself. */
export function isStarting(instance: InstanceState | null): instance is InstanceState {
  return instance?.state === "starting" || instance?.state === "starting-desktop";
}

/** The broker said no, or cannot be reached. */
export class ApiError extends Error {
  constructor(readonly failure: Failure) {
    super("the broker refused a request");
  }

  /** The broker answered what it never should. */
  static unexpected(): ApiError {
    return new ApiError(describe("tunnel", 512, ""));
  }
}

const STATUS_BY_HTTP: Record<number, number> = {
  400: 768,
  401: 769,
  403: 769,
  404: 516,
  408: 776,
  413: 781,
  429: 797,
  502: 519,
  503: 513,
  504: 514,
};

/**
 * Redeem what a link carried, or confirm a token.
 *
 * @throws ApiError
 */
export async function signIn(parameters: URLSearchParams): Promise<Grant> {
  const answer = await request("api/tokens", { method: "POST", body: parameters });
  const { authToken, dataSource: given, username } = isRecord(answer) ? answer : {};
  if (typeof authToken !== "string") {
    throw ApiError.unexpected();
  }
  const dataSource = typeof given === "string" ? given : "default";
  const owner = typeof username === "string" && username !== "" ? `${dataSource}/${username}` : "";
  return { token: authToken, dataSource, owner };
}

/** Give the token back; a failure changes nothing for the person who leaves. */
export async function signOut(token: string): Promise<void> {
  const headers = { "Guacamole-Token": token };
  await request("api/session", { method: "DELETE", headers }).catch(() => undefined);
}

/** Name and protocol of a connection; null where the broker does not tell. */
export async function describeConnection(grant: Grant, target: Target): Promise<ConnectionInfo | null> {
  const source = encodeURIComponent(target.dataSource || grant.dataSource);
  const path = `api/session/data/${source}/connections/${encodeURIComponent(target.identifier)}`;
  const answer = await request(path, { headers: { "Guacamole-Token": grant.token } }).catch(() => null);
  return isRecord(answer) ? connectionInfo(answer, target.dataSource || grant.dataSource) : null;
}

/**
 * Every connection that the token opens, groups flattened.
 *
 * @throws ApiError
 */
export async function listConnections(grant: Grant): Promise<ConnectionInfo[]> {
  const path = `api/session/data/${encodeURIComponent(grant.dataSource)}/connectionGroups/ROOT/tree`;
  const tree = await request(path, { headers: { "Guacamole-Token": grant.token } });
  return isRecord(tree) ? connectionsBelow(tree, grant.dataSource) : [];
}

/** A recording of a session. */
export interface RecordingInfo {
  /** What the session showed. */
  connection: string;
  start: Date;
  /** Whether it is text; else it is pictures. */
  text: boolean;
  /** Where it is, relative to the page. */
  path: string;
}

/** Files larger than this are not fetched: the page would hold all of it. */
const MAX_RECORDING_BYTES = 512 * 1024 * 1024;

/**
 * What was recorded of this person's sessions, the newest first.
 *
 * @throws ApiError
 */
export async function listRecordings(grant: Grant): Promise<RecordingInfo[]> {
  const path = `api/session/data/${encodeURIComponent(grant.dataSource)}/history/connections`;
  const answer = await request(path, { headers: { "Guacamole-Token": grant.token } });
  const found = new Map<string, RecordingInfo>();
  for (const record of Array.isArray(answer) ? answer.filter(isRecord) : []) {
    for (const [name, log] of Object.entries(isRecord(record.logs) ? record.logs : {})) {
      // A session that somebody came back to has a record for each time, and one recording.
      const key = name.length > 36 ? name : `${record.identifier}/${name}`;
      found.set(key, {
        connection: String(record.connectionName ?? ""),
        start: new Date(Number(record.startDate) || 0),
        text: isRecord(log) && log.type === "ASCIICAST",
        path: `${path}/${encodeURIComponent(String(record.identifier))}/logs/${encodeURIComponent(name)}`,
      });
    }
  }
  return [...found.values()].sort((a, b) => b.start.getTime() - a.start.getTime());
}

/**
 * What a recording holds.
 *
 * @throws ApiError
 */
export async function fetchRecording(grant: Grant, { path }: RecordingInfo): Promise<string> {
  const response = await reach(path, { headers: { "Guacamole-Token": grant.token } });
  if (!response.ok || Number(response.headers.get("Content-Length")) > MAX_RECORDING_BYTES) {
    throw ApiError.unexpected();
  }
  return response.text();
}

/** A command, and the connections that it shall run on. */
export interface Order {
  connections: string[];
  command: string;
  /** How many at a time. */
  limit: number;
  /** Seconds on each; 0 is for ever. */
  timeout: number;
}

/**
 * Run a command on several connections; aborted, it is told to stop everywhere.
 *
 * @param told given each line of the broker's as it comes.
 * @throws ApiError
 */
export async function runCommand(
  grant: Grant,
  order: Order,
  signal: AbortSignal,
  told: (event: unknown) => void,
): Promise<void> {
  const headers = { "Guacamole-Token": grant.token, "Content-Type": "application/json" };
  const path = `api/session/data/${encodeURIComponent(grant.dataSource)}/commands`;
  const response = await reach(path, { method: "POST", headers, body: JSON.stringify(order), signal });
  if (!response.ok || response.body === null) {
    throw await refusal(response);
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) {
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((text) => text !== "")) {
        told(JSON.parse(line));
      }
    }
  } catch {
    throw new ApiError(describe("network", 519, ""));
  }
}

function connectionsBelow(group: Record<string, unknown>, dataSource: string): ConnectionInfo[] {
  const records = (name: string) => (Array.isArray(group[name]) ? group[name].filter(isRecord) : []);
  return [
    ...records("childConnections").map((child) => connectionInfo(child, dataSource)),
    ...records("childConnectionGroups").flatMap((child) => connectionsBelow(child, dataSource)),
  ];
}

function connectionInfo(record: Record<string, unknown>, dataSource: string): ConnectionInfo {
  const identifier = String(record.identifier ?? "");
  const attributes = isRecord(record.attributes) ? record.attributes : {};
  return {
    target: { identifier, type: "c", dataSource },
    name: String(record.name ?? identifier),
    protocol: String(record.protocol ?? ""),
    active: Number(record.activeConnections) || 0,
    readOnly: attributes["read-only"] === "true",
    instance: instanceState(attributes),
  };
}

function instanceState(attributes: Record<string, unknown>): InstanceState | null {
  const state = INSTANCE_STATES.find((name) => name === attributes["instance-state"]);
  if (state === undefined) {
    return null;
  }
  const seconds = Math.max(0, Number(attributes["instance-since"]) || 0);
  return { state, seconds, words: String(attributes["instance-words"] ?? "") };
}

/**
 * Ask the broker; returns the body, null where it is not JSON.
 *
 * @throws ApiError
 */
export async function request(path: string, init: RequestInit): Promise<unknown> {
  const response = await reach(path, init);
  if (!response.ok) {
    throw await refusal(response);
  }
  return response.json().catch(() => null);
}

async function refusal(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const message = isRecord(body) && typeof body.message === "string" ? body.message : "";
  return new ApiError(describe("tunnel", STATUS_BY_HTTP[response.status] ?? 512, message));
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: "no-store" });
  } catch {
    throw new ApiError(describe("network", 519, ""));
  }
}
