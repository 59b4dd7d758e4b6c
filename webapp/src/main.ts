/** Starts the page: reads the address, signs in, and shows the screen that belongs to it. */
import "./styles/main.css";
import {
  ApiError,
  type ConnectionInfo,
  type Grant,
  isStarting,
  listConnections,
  listRecordings,
  signIn,
  signOut,
} from "./api.ts";
import { followAppearance } from "./appearance.ts";
import { readConfig } from "./config.ts";
import { element, show } from "./dom.ts";
import { Host } from "./embedded.ts";
import { code } from "./failure.ts";
import { drawIcons } from "./icons.ts";
import { surviveBrokenImages } from "./library.ts";
import { AboutPanel, LANGUAGE_PREFERENCE } from "./menu/about_panel.ts";
import { recall } from "./preferences.ts";
import { forgetRecents, recents } from "./recent.ts";
import { encodeTarget, parseRoute, type Route, severalTargets, withoutParameters } from "./route.ts";
import type { Fanout } from "./screens/fanout.ts";
import { Home } from "./screens/home.ts";
import { Recordings } from "./screens/recordings.ts";
import { SessionScreen } from "./screens/session_screen.ts";
import { type Reason, SignIn } from "./screens/sign_in.ts";
import { Workspace } from "./screens/workspace.ts";
import { translate, useLanguage } from "./strings.ts";
import { isTile, leadOutOfTiles, tellHolder } from "./tile.ts";
import { forgetToken, keepToken, keepTokenToFrame, keptToken } from "./token.ts";

/** The body's class on each screen. */
const SCREENS = {
  "sign-in": "signed-out",
  home: "home",
  recordings: "recordings",
  fanout: "fanout",
  session: "client",
  workspace: "client",
} as const;
/** Between two looks at instances that start, on the home page. */
const FOLLOW_MS = 3000;
type ScreenName = keyof typeof SCREENS;

class Page {
  readonly #config = readConfig(document);
  readonly #host = Host.of(new URL(location.href));
  readonly #signIn = new SignIn();
  readonly #home = new Home();
  readonly #workspace = new Workspace();
  readonly #recordings = new Recordings();
  readonly #session = new SessionScreen(this.#config.name, () => this.#enterAgain());
  readonly #about = new AboutPanel((language) => this.#speak(language));
  #parameters = new URLSearchParams();
  #fanout: Fanout | null = null;
  #following = 0;

  start(): void {
    followAppearance();
    drawIcons(document);
    leadOutOfTiles(document);
    this.#speak(recall(LANGUAGE_PREFERENCE) ?? document.documentElement.lang);
    for (const id of ["log-out", "home-log-out"]) {
      element(id, "button").addEventListener("click", () => this.#logOut());
    }
    this.#session.session.events.on("failure", (failure) => {
      if (failure?.hop === "link" && !this.#session.session.seen) {
        this.#show("sign-in", { failure });
      }
    });
    this.#workspace.onask = (what) => {
      if (what === "home") {
        location.hash = "#/";
      } else {
        this.#logOut();
      }
    };
    window.addEventListener("hashchange", () => this.#navigate());
    this.#tellHost();
    this.#navigate();
  }

  /** Where a portal's page is around us, it hears what becomes of the session. */
  #tellHost(): void {
    const host = this.#host;
    if (host !== null) {
      keepTokenToFrame();
      const { session } = this.#session;
      session.events.on("state", (state) => host.tell(state));
      session.events.on("failure", (failure) => {
        if (failure !== null) {
          host.tell(session.state, code(failure));
        }
      });
    }
  }

  #navigate(): void {
    const route = parseRoute(new URL(location.href));
    // Before anything else: what a portal put into the address stays in nobody's history.
    history.replaceState(null, "", withoutParameters(new URL(location.href)));
    this.#parameters = route.parameters;
    this.#recordings.close();
    this.#fanout?.close();
    const several = route.page === "client" ? severalTargets(route.encoded) : null;
    if (several !== null && !isTile && this.#host === null) {
      this.#session.leave();
      this.#openSeveral(several, route);
    } else if (route.page === "client") {
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
    const grant = await (this.#host?.signIn(parameters) ?? signIn(parameters));
    keepToken(grant.token);
    this.#parameters = new URLSearchParams();
    return grant;
  }

  async #offerRecordings(grant: Grant): Promise<void> {
    const recordings = await listRecordings(grant).catch(() => []);
    show(element("home-recordings", "a"), recordings.length > 0);
  }

  async #openSeveral(targets: string[], route: Route): Promise<void> {
    try {
      if (route.parameters.size > 0) {
        await this.#enter();
      }
      this.#show("workspace");
      this.#workspace.open(targets);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    this.#show("sign-in", { failure: error.failure });
  }

  /** For a session: a portal's fresh ticket may call its connection something else, so the way leads past home. */
  async #enterAgain(): Promise<Grant> {
    const token = keptToken();
    const grant = await this.#enter();
    if (this.#host !== null && token !== null && grant.token !== token) {
      location.replace("#/");
    }
    return grant;
  }

  /** The page of commands is loaded when it is wanted. */
  async #openFanout(grant: Grant): Promise<void> {
    this.#fanout ??= new (await import("./screens/fanout.ts")).Fanout();
    this.#show("fanout");
    await this.#fanout.open(grant);
  }

  /** Where a token leads that names no session: to the home page, to the recordings, or to commands on many. */
  async #goHome(route: Route): Promise<void> {
    if (keptToken() === null && route.parameters.size === 0 && this.#host === null) {
      this.#show("sign-in");
      return;
    }
    try {
      const grant = await this.#enter();
      if (route.page === "recordings") {
        await this.#recordings.open(grant);
        this.#show("recordings");
        return;
      }
      if (route.page === "fanout") {
        await this.#openFanout(grant);
        return;
      }
      const connections = await listConnections(grant);
      const [first, ...others] = connections;
      if (first !== undefined && others.length === 0) {
        location.replace(`#/client/${encodeTarget(first.target)}`);
        return;
      }
      this.#home.draw(connections, recents(grant.owner));
      this.#offerRecordings(grant);
      this.#follow(grant, connections);
      show(
        element("home-fanout", "a"),
        connections.some(({ protocol }) => protocol === "ssh"),
      );
      this.#show("home");
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** While the home page is shown and something on it starts, see how far it is. */
  #follow(grant: Grant, connections: ConnectionInfo[]): void {
    window.clearTimeout(this.#following);
    if (!connections.some(({ instance }) => isStarting(instance))) {
      return;
    }
    this.#following = window.setTimeout(async () => {
      const now = await listConnections(grant).catch(() => connections);
      if (!element("home", "main").hidden) {
        this.#home.tell(now);
        this.#follow(grant, now);
      }
    }, FOLLOW_MS);
  }

  async #logOut(): Promise<void> {
    if (isTile) {
      tellHolder({ kind: "log-out" });
      return;
    }
    this.#workspace.clear();
    forgetRecents();
    this.#session.leave();
    const token = keptToken();
    forgetToken();
    this.#show("sign-in", { loggedOut: true });
    this.#host?.tell("closed");
    history.replaceState(null, "", "#/");
    if (token !== null) {
      await signOut(token);
    }
  }

  #show(name: ScreenName, reason: Reason = null): void {
    for (const id of ["sign-in", "home", "recordings", "fanout", "session"]) {
      show(element(id, "main"), id === name);
    }
    this.#workspace.shown = name === "workspace";
    for (const className of Object.values(SCREENS)) {
      document.body.classList.toggle(className, className === SCREENS[name]);
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
    this.#home.update();
    this.#session.update();
    this.#fanout?.update();
    this.#about.update();
  }
}

surviveBrokenImages();
new Page().start();
