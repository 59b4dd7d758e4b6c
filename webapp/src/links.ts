/** Links that a person clicked in a terminal: they open beside the session, and learn nothing of it. */

const SCHEMES = new Set(["http:", "https:", "ftp:", "mailto:"]);

/** Open a link; what the browser should not open is left alone. */
export function openLink(uri: string): void {
  if (URL.canParse(uri) && SCHEMES.has(new URL(uri).protocol)) {
    window.open(uri, "_blank", "noopener,noreferrer");
  }
}
