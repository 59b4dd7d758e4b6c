/** The menu's sharing: links for others to watch or control, who came through them, and the end of it. */
import { ApiError } from "../api.ts";
import type { Clipboard } from "../clipboard.ts";
import type { Guest } from "../connection.ts";
import { element, make, show } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Session } from "../session.ts";
import {
  endLink,
  PROFILES,
  type Profile,
  type SharedLink,
  type SharedTunnel,
  share,
  sharedLinks,
  sharingProfiles,
  stopSharing,
} from "../sharing.ts";
import { type Key, language, t } from "../strings.ts";
import { tame } from "../text.ts";

/** Minutes on offer; null is as long as the site permits. */
const MINUTES = [15, 60, 240, null];
/** How many may come through a link; null is any number. */
const USES = [null, 1, 5];
const PERMITS: Record<Profile, Key> = { watch: "share.canWatch", control: "share.canControl" };
const MAX_NAMED = 20;

export class SharePanel {
  readonly #session: Session;
  readonly #clipboard: Clipboard;
  readonly #tell: (text: string) => void;
  readonly #section = element("share-links", "details");
  readonly #minutes = element("share-minutes", "select");
  readonly #uses = element("share-uses", "select");
  readonly #list = element("shares", "ul");
  readonly #guestList = element("guests", "ul");
  readonly #state = element("share-state", "p");
  readonly #stop = element("share-stop", "button");
  readonly #root = element("session", "main");
  #links: SharedLink[] = [];
  /** Addresses of the links that this page made, by identifier: the broker does not know them. */
  readonly #addresses = new Map<string, string>();
  /** Who is here, by id; each has a number where nobody knows a name. */
  readonly #guests = new Map<string, string>();
  #arrived = 0;

  /** @param tell says something though the menu is closed. */
  constructor(session: Session, clipboard: Clipboard, tell: (text: string) => void) {
    this.#session = session;
    this.#clipboard = clipboard;
    this.#tell = tell;
    session.events.on("connected", () => this.#offer());
    session.events.on("guest", (guest) => this.#meet(guest));
    session.events.on("state", (state) => {
      if (state === "connecting") {
        this.#forget();
      }
    });
    element("share-form", "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#share();
    });
    this.#stop.addEventListener("click", () => this.#stopSharing());
    this.update();
  }

  /** Write everything in the language in use. */
  update(): void {
    offer(this.#minutes, MINUTES, duration);
    offer(this.#uses, USES, people);
    this.#draw();
  }

  get #tunnel(): SharedTunnel | null {
    const { connection, grant } = this.#session;
    return connection === null || grant === null ? null : { token: grant.token, uuid: connection.uuid };
  }

  /** Links may outlive the connection they were made in: the next one asks for them. */
  #forget(): void {
    this.#links = [];
    this.#guests.clear();
    this.#state.textContent = "";
    show(this.#section, false);
    this.#draw();
  }

  async #offer(): Promise<void> {
    const tunnel = this.#tunnel;
    const [profiles, links] =
      tunnel === null ? [[], []] : await Promise.all([sharingProfiles(tunnel), sharedLinks(tunnel)]);
    if (tunnel?.uuid !== this.#tunnel?.uuid) {
      return;
    }
    this.#links = links.map((link) => ({
      ...link,
      address: this.#addresses.get(link.identifier ?? "") ?? null,
    }));
    this.#draw();
    show(this.#section, profiles.length > 0);
    for (const profile of PROFILES) {
      const choice = element(`share-${profile}`, "input");
      choice.disabled = !profiles.includes(profile);
      show(choice.parentElement ?? choice, !choice.disabled);
    }
  }

  async #share(): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel === null) {
      return;
    }
    const profile = PROFILES.find((name) => element(`share-${name}`, "input").checked) ?? "watch";
    try {
      const link = await share(tunnel, profile, chosen(this.#minutes), chosen(this.#uses));
      this.#links.push(link);
      if (link.identifier !== null && link.address !== null) {
        this.#addresses.set(link.identifier, link.address);
      }
      this.#state.textContent = "";
    } catch (error) {
      this.#explain(error);
      return;
    }
    this.#draw();
    this.#list.querySelector<HTMLElement>("li:last-child button")?.focus();
  }

  async #stopSharing(): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel === null) {
      return;
    }
    try {
      await stopSharing(tunnel);
    } catch (error) {
      this.#explain(error);
      return;
    }
    this.#links = [];
    this.#draw();
    this.#state.textContent = t("share.stopped");
    element("share-minutes", "select").focus();
  }

  async #end({ identifier }: SharedLink): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel === null || identifier === null) {
      return;
    }
    try {
      await endLink(tunnel, identifier);
    } catch (error) {
      this.#explain(error);
      return;
    }
    this.#links = this.#links.filter((link) => link.identifier !== identifier);
    this.#draw();
    this.#state.textContent = t("share.ended");
    element("share-minutes", "select").focus();
  }

  #explain(error: unknown): void {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    this.#state.textContent = t("share.failed");
  }

  #meet({ id, name, present }: Guest): void {
    const known = this.#guests.get(id);
    if (present) {
      this.#arrived += 1;
      this.#guests.set(id, tame(name, 60) || t("share.guest", { number: this.#arrived }));
    } else {
      this.#guests.delete(id);
    }
    const guest = known ?? this.#guests.get(id) ?? tame(name, 60);
    this.#tell(t(present ? "share.came" : "share.went", { name: guest }));
    this.#draw();
  }

  #draw(): void {
    this.#links = this.#links.filter(({ until }) => until === null || until.getTime() > Date.now());
    const shared = this.#links.length > 0 || this.#guests.size > 0;
    this.#root.classList.toggle("fl-shared", shared);
    this.#list.replaceChildren(...this.#links.map((link) => this.#row(link)));
    const names = [...this.#guests.values()].slice(0, MAX_NAMED);
    this.#guestList.replaceChildren(
      ...names.map((name) => make("li", {}, icon("user"), make("bdi", {}, name))),
    );
    show(this.#list, this.#links.length > 0);
    show(this.#guestList, names.length > 0);
    show(this.#stop, shared);
  }

  #row(link: SharedLink): HTMLLIElement {
    const { profile, address, until, uses, identifier } = link;
    const time = until?.toLocaleTimeString(language(), { timeStyle: "short" }) ?? "";
    const words = t(until === null ? "share.permits" : "share.permitsUntil", {
      what: t(PERMITS[profile]),
      time,
    });
    const row = make("li", {}, make("span", {}, uses === null ? words : `${words} (${people(uses)})`));
    if (address !== null) {
      const field = make("input", { readonly: "", value: address, "aria-label": words });
      field.addEventListener("focus", () => field.select());
      const copy = make("button", { type: "button", class: "button" }, icon("copy"), t("share.copy"));
      copy.addEventListener("click", async () => {
        const copied = await this.#clipboard.copy(address);
        this.#state.textContent = t(copied ? "share.copied" : "clipboard.notCopied");
      });
      row.append(field, copy);
    }
    if (identifier !== null) {
      const end = make("button", { type: "button", class: "button" }, t("share.end"));
      end.addEventListener("click", () => this.#end(link));
      row.append(end);
    }
    return row;
  }
}

/** Fill a field with choices, and keep the one that was made. */
function offer(
  field: HTMLSelectElement,
  values: (number | null)[],
  words: (value: number | null) => string,
): void {
  const index = field.selectedIndex;
  field.replaceChildren(
    ...values.map((value) => make("option", { value: String(value ?? "") }, words(value))),
  );
  field.selectedIndex = Math.max(0, index);
}

function chosen(field: HTMLSelectElement): number | null {
  return field.value === "" ? null : Number(field.value);
}

function people(uses: number | null): string {
  return uses === null
    ? t("share.anybody")
    : uses === 1
      ? t("share.once")
      : t("share.times", { number: uses });
}

function duration(minutes: number | null): string {
  if (minutes === null) {
    return t("share.longest");
  }
  const [value, unit] = minutes < 60 ? [minutes, "minute"] : [minutes / 60, "hour"];
  return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}
