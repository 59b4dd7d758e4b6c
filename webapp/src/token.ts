/** The token lives as long as the tab: a reload keeps it, another tab has its own. */

const NAME = "fanlight.token";

export function keptToken(): string | null {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

export function keepToken(token: string): void {
  try {
    sessionStorage.setItem(NAME, token);
  } catch {
    // A browser that keeps nothing: a reload needs the portal again.
  }
}

export function forgetToken(): void {
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was kept.
  }
}
