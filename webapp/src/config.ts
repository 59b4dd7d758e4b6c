/** What the broker put into the page for the script. */
export interface Config {
  /** Name of the institution or site. */
  name: string;
  version: string;
  /** What the place is called where sessions are opened; empty where nobody said. */
  portalName: string;
}

const ELEMENT = "fanlight-config";

/** Read the page's JSON block; what is missing or not text has a default. */
export function readConfig(page: Document): Config {
  const given = parse(page.getElementById(ELEMENT)?.textContent ?? "");
  const text = (name: string, fallback = "") => {
    const value = given[name];
    return typeof value === "string" && value !== "" ? value : fallback;
  };
  return { name: text("name", "Fanlight"), version: text("version"), portalName: text("portal_name") };
}

function parse(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
