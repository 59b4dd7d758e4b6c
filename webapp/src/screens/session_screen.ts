/** The session from edge to edge: puts picture, input, clipboard, cards and menu around one session. */
import { Clipboard } from "../clipboard.ts";
import type { Notice } from "../connection.ts";
import { Picture } from "../display/picture.ts";
import { element, mayTakeFocus, show } from "../dom.ts";
import { TransferList } from "../files/transfer_list.ts";
import { InputMethod, isTouchDevice } from "../input/input_method.ts";
import { Keyboard } from "../input/keyboard.ts";
import { Pointer } from "../input/pointer.ts";
import { openLink } from "../links.ts";
import { ClipboardPanel } from "../menu/clipboard_panel.ts";
import { ConnectionPanel } from "../menu/connection_panel.ts";
import { DisplayPanel } from "../menu/display_panel.ts";
import { FilesPanel } from "../menu/files_panel.ts";
import { KeyboardPanel } from "../menu/keyboard_panel.ts";
import { Menu } from "../menu/menu.ts";
import { PointerPanel } from "../menu/pointer_panel.ts";
import { SessionsPanel } from "../menu/sessions_panel.ts";
import { SharePanel } from "../menu/share_panel.ts";
import { TerminalPanel } from "../menu/terminal_panel.ts";
import { recall, remember } from "../preferences.ts";
import type { Target } from "../route.ts";
import { Session, type State, type Surroundings } from "../session.ts";
import { type Key, t } from "../strings.ts";
import { tame } from "../text.ts";
import { hearHolder, isTile, tellHolder } from "../tile.ts";
import { Connecting, connectionName } from "./connecting.ts";
import { Credentials } from "./credentials.ts";
import { FailureCard } from "./failure_card.ts";
import { NetworkWarning } from "./network_warning.ts";
import { isLasting, noticeText } from "./notice_text.ts";
import { Notices } from "./notices.ts";
import { takeSouvenirs } from "./souvenirs.ts";
import { TextView } from "./text_view.ts";

const HINT_SEEN = "menu-hint-seen";
const HINT_MS = 8000;
/** Somebody who looked away for a moment shall still see it. */
const MESSAGE_SHOWN_MS = 60_000;
const MAX_MESSAGE = 200;
const KINDS: Record<string, Key> = { ssh: "home.shell", vnc: "home.desktop" };

export class SessionScreen {
  readonly session: Session;
  readonly menu = new Menu();

  readonly #root = element("session", "main");
  readonly #site: string;
  readonly #notices = new Notices();
  readonly #picture: Picture;
  readonly #keyboard: Keyboard;
  readonly #clipboardPanel: ClipboardPanel;
  readonly #updates: (() => void)[] = [];
  #title = "";

  /**
   * @param site name of the institution, for the window's title.
   * @param enter signs in; throws ApiError.
   */
  constructor(site: string, enter: Surroundings["enter"]) {
    this.#site = site;
    const session = new Session({ enter, viewport: () => this.#picture.viewport() });
    this.session = session;
    this.#picture = new Picture(element("picture", "div"), element("display", "div"), session);
    this.#keyboard = new Keyboard(element("session", "main"), session);
    const pointer = new Pointer(this.#picture, session);
    pointer.onuse = () => this.#keyboard.capture();
    const clipboard = new Clipboard(session, () => this.#keyboard.captured);
    this.#keyboard.onpaste = (proceed) => clipboard.awaitPaste(proceed);
    this.#keyboard.onchord = () => session.live && this.menu.toggle();

    const input = new InputMethod(this.#keyboard, this.#picture, pointer, session);
    this.#clipboardPanel = new ClipboardPanel(clipboard);
    const keyboardPanel = new KeyboardPanel(this.#keyboard, input, () => this.menu.close());
    const displayPanel = new DisplayPanel(this.#picture, session);
    const connectionPanel = new ConnectionPanel(session, this.#picture);
    new PointerPanel(pointer);
    new SessionsPanel(() => this.menu.close());
    const terminalPanel = new TerminalPanel(session, new TextView(session));
    const say = (text: string) => this.#notices.say(text);
    const sharePanel = new SharePanel(session, clipboard, say);
    new FilesPanel(session, new TransferList(session), say);
    const connecting = new Connecting(session);
    const failureCard = new FailureCard(session, clipboard, this.#notices);
    new NetworkWarning(session);
    new Credentials(session);

    this.#updates.push(
      () => this.#clipboardPanel.update(),
      () => input.onScreen.update(),
      () => keyboardPanel.update(),
      () => displayPanel.update(),
      () => terminalPanel.update(),
      () => sharePanel.update(),
      () => connecting.update(),
      () => failureCard.update(),
      () => this.#entitle(),
    );
    this.menu.events.on("open", (open) => {
      connectionPanel.measure(open);
      sharePanel.update();
      this.#follow(open);
    });
    session.events.on("state", (state) => this.#become(state));
    session.events.on("link", openLink);
    session.events.on("notice", (notice) => this.#tell(notice));
    element("end-session", "button").addEventListener("click", () => session.end());
    session.events.on("message", (text) => this.#hear(text));
    session.events.on("title", (title) => {
      this.#title = title;
      this.#entitle();
    });
    session.events.on("info", () => {
      this.#entitle();
      this.#tellTypable();
    });
    this.#typeTogether();
    // Only where there is a home page to show them on.
    if (isTile) {
      takeSouvenirs(session, this.#picture);
    }
    this.#keepOpen();
    this.#takeKeys();
    const banner = element("banner", "p");
    element("banner-hide", "button").addEventListener("click", () => banner.remove());
  }

  /** Open a target. */
  open(target: Target): void {
    this.#title = "";
    this.session.open(target);
    this.#entitle();
  }

  /** Leave for another screen. */
  leave(): void {
    this.menu.close();
    this.session.close();
  }

  /** The language changed. */
  update(): void {
    for (const update of this.#updates) {
      update();
    }
  }

  #become(state: State): void {
    const before = this.#root.dataset.state;
    this.#root.dataset.state = state;
    this.#root.classList.toggle("fl-seen", this.session.seen);
    const live = this.session.live;
    tellHolder({ kind: "live", live });
    this.#tellTypable();
    show(element("menu-handle", "button"), live);
    if (!live) {
      this.menu.close();
    } else if (before === "connecting") {
      if (mayTakeFocus()) {
        this.#keyboard.capture();
      }
      this.#hintOnce();
    }
  }

  #follow(open: boolean): void {
    if (!open) {
      this.#clipboardPanel.flush();
      this.#keyboard.capture();
    }
  }

  #tell(notice: Notice): void {
    const text = noticeText(notice);
    if (text !== null) {
      this.#notices.say(text, isLasting(notice) ? MESSAGE_SHOWN_MS : undefined);
    }
  }

  /** An operator's words. */
  #hear(words: string): void {
    this.#notices.say(t("notice.operator", { text: tame(words, MAX_MESSAGE) }), MESSAGE_SHOWN_MS);
  }

  /** What the instance calls itself, else what the connection is called. */
  #entitle(): void {
    const { info } = this.session;
    const kind = KINDS[info?.protocol ?? ""];
    const title = tame(this.#title || connectionName(info), 120) || (kind === undefined ? "" : t(kind));
    for (const heading of [element("session-title", "h1"), element("menu-title", "h2")]) {
      heading.textContent = title || t("menu.title");
    }
    tellHolder({ kind: "title", title });
    document.title = title === "" ? this.#site : `${title} – ${this.#site}`;
  }

  /** Once in a browser's life: how the menu is found. */
  #hintOnce(): void {
    if (recall(HINT_SEEN) === null) {
      remember(HINT_SEEN, "1");
      const hint = element("menu-hint", "p");
      hint.textContent = t(isTouchDevice() ? "menu.hintTouch" : "menu.hint");
      show(hint, true);
      const hide = () => show(hint, false);
      window.setTimeout(hide, HINT_MS);
      this.menu.events.on("open", hide);
    }
  }

  #tellTypable(): void {
    const { info, live } = this.session;
    tellHolder({ kind: "typable", typable: live && info?.protocol === "ssh" && !info.readOnly });
  }

  /** Where a window types to all its terminals, what is typed here goes there, and the other way round. */
  #typeTogether(): void {
    let toAll = false;
    this.session.ontype = (typed) => {
      if (toAll) {
        tellHolder({ kind: "typed", typed });
      }
    };
    hearHolder((word) => {
      if (word.kind === "type-all") {
        toAll = word.on;
      } else if (toAll && word.kind === "typed") {
        this.session.replay(word.typed);
      }
    });
  }

  /** Among several sessions, the one that is turned to takes the keys. */
  #takeKeys(): void {
    window.addEventListener("focus", () => {
      if (this.session.live && !this.menu.isOpen && document.activeElement === document.body) {
        this.#keyboard.capture();
      }
    });
  }

  /** A live session asks before its tab closes. */
  #keepOpen(): void {
    window.addEventListener("beforeunload", (event) => {
      if (this.session.live) {
        event.preventDefault();
      }
    });
  }
}
