/** The token lives as long as the tab: a reload keeps it, another tab has its own. */

const NAME = "fanlight.token";
let isFramed = false;
let framesOwn: string | null = null;

/** Frames of one tab share its storage: from now on the token is kept in this one alone. */
export function keepTokenToFrame(): void {
  isFramed = true;
}

export function keptToken(): string | null {
  if (isFramed) {
    return framesOwn;
  }
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

export function keepToken(token: string): void {
  framesOwn = token;
  if (isFramed) {
    return;
  }
  try {
    sessionStorage.setItem(NAME, token);
  } catch {
    // A browser that keeps nothing: a reload needs the portal again.
  }
}

export function forgetToken(): void {
  framesOwn = null;
  try {
    sessionStorage.removeItem(NAME);
  } catch {
    // Nothing was kept.
  }
}
