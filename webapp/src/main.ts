/** Starts the page: reads the address, signs in, and shows the screen that belongs to it. */
import "./styles/main.css";
import { ApiError, type Grant, listConnections, signIn, signOut } from "./api.ts";
import { followAppearance } from "./appearance.ts";
import { readConfig } from "./config.ts";
import { element, show } from "./dom.ts";
import { drawIcons } from "./icons.ts";
import { surviveBrokenImages } from "./library.ts";
import { AboutPanel, LANGUAGE_PREFERENCE } from "./menu/about_panel.ts";
import { recall } from "./preferences.ts";
import { encodeTarget, parseRoute, type Route, withoutParameters } from "./route.ts";
import { Home } from "./screens/home.ts";
import { SessionScreen } from "./screens/session_screen.ts";
import { type Reason, SignIn } from "./screens/sign_in.ts";
import { translate, useLanguage } from "./strings.ts";
import { forgetToken, keepToken, keptToken } from "./token.ts";

const SCREENS = { "sign-in": "", home: "home", session: "client" } as const;
type ScreenName = keyof typeof SCREENS;

class Page {
  readonly #config = readConfig(document);
  readonly #signIn = new SignIn();
  readonly #home = new Home();
  readonly #session = new SessionScreen(this.#config.name, () => this.#enter());
  readonly #about = new AboutPanel((language) => this.#speak(language));
  #parameters = new URLSearchParams();

  start(): void {
    followAppearance();
    drawIcons(document);
    this.#speak(recall(LANGUAGE_PREFERENCE) ?? document.documentElement.lang);
    for (const id of ["log-out", "home-log-out"]) {
      element(id, "button").addEventListener("click", () => this.#logOut());
    }
    this.#session.session.events.on("failure", (failure) => {
      if (failure?.hop === "link" && !this.#session.session.seen) {
        this.#show("sign-in", { failure });
      }
    });
    window.addEventListener("hashchange", () => this.#navigate());
    this.#navigate();
  }

  #navigate(): void {
    const route = parseRoute(new URL(location.href));
    // Before anything else: what a portal put into the address stays in nobody's history.
    history.replaceState(null, "", withoutParameters(new URL(location.href)));
    this.#parameters = route.parameters;
    if (route.page === "client") {
      this.#show("session");
      this.#session.open(route.target);
    } else {
      this.#session.leave();
      this.#goHome(route);
    }
  }

  /** Redeem what the link carried, once; later calls confirm the token that came of it. */
  async #enter(): Promise<Grant> {
    const parameters = this.#parameters;
    const token = keptToken();
    // Whoever came through a shared link is a guest, not who the tab belonged to before.
    if (token !== null && !parameters.has("token") && !parameters.has("key")) {
      parameters.set("token", token);
    }
    const grant = await signIn(parameters);
    keepToken(grant.token);
    this.#parameters = new URLSearchParams();
    return grant;
  }

  async #goHome(route: Route): Promise<void> {
    if (keptToken() === null && route.parameters.size === 0) {
      this.#show("sign-in");
      return;
    }
    try {
      const connections = await listConnections(await this.#enter());
      const [first, ...others] = connections;
      if (first !== undefined && others.length === 0) {
        location.replace(`#/client/${encodeTarget(first.target)}`);
        return;
      }
      this.#home.draw(connections);
      this.#show("home");
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      this.#show("sign-in", { failure: error.failure });
    }
  }

  async #logOut(): Promise<void> {
    this.#session.leave();
    const token = keptToken();
    forgetToken();
    this.#show("sign-in", { loggedOut: true });
    history.replaceState(null, "", "#/");
    if (token !== null) {
      await signOut(token);
    }
  }

  #show(name: ScreenName, reason: Reason = null): void {
    for (const [id, className] of Object.entries(SCREENS)) {
      show(element(id, "main"), id === name);
      document.body.classList.toggle(className || "signed-out", id === name);
    }
    document.title = this.#config.name;
    if (name === "sign-in") {
      this.#signIn.explain(reason);
    } else if (name === "home") {
      this.#home.focus();
    }
  }

  async #speak(language: string): Promise<void> {
    await useLanguage(language);
    translate(document, { portal: this.#config.portalName });
    this.#signIn.update();
    this.#session.update();
    this.#about.update();
  }
}

surviveBrokenImages();
new Page().start();
