/** The menu's files: look through folders, fetch files, and bring files by button or by dropping them anywhere. */
import { element, make, show } from "../dom.ts";
import { chosen, dropped, type Named } from "../files/chosen.ts";
import { crumbs, type Entry, Filesystem, join, ROOT } from "../files/filesystem.ts";
import type { TransferList } from "../files/transfer_list.ts";
import { Download, Upload } from "../files/transfers.ts";
import { icon } from "../icons.ts";
import type { Session } from "../session.ts";
import { language, t } from "../strings.ts";
import { formatBytes, tame } from "../text.ts";

const REFRESH_PAUSE_MS = 200;

export class FilesPanel {
  readonly #session: Session;
  readonly #transfers: TransferList;
  readonly #tell: (text: string) => void;
  readonly #section = element("devices", "details");
  readonly #path = element("files-path", "nav");
  readonly #list = element("files", "ul");
  readonly #state = element("files-state", "p");
  #filesystem: Filesystem | null = null;
  #folder = ROOT;
  #request = 0;
  #refresh = 0;

  /** @param tell says something though the menu is closed. */
  constructor(session: Session, transfers: TransferList, tell: (text: string) => void) {
    this.#session = session;
    this.#transfers = transfers;
    this.#tell = tell;
    session.events.on("filesystem", (found) =>
      this.#adopt(found === null ? null : new Filesystem(found.object, found.name)),
    );
    session.events.on("state", (state) => {
      if (state === "connecting") {
        this.#adopt(null);
      }
    });
    session.events.on("file", ({ stream, name }) =>
      transfers.add(new Download(name, null, (receive) => receive(stream))),
    );
    this.#section.addEventListener("toggle", () => {
      if (this.#section.open) {
        this.#open(this.#folder);
      }
    });
    element("files-refresh", "button").addEventListener("click", () => this.#open(this.#folder));
    for (const what of ["files", "folder"]) {
      const input = element(`${what}-input`, "input");
      element(`${what}-upload`, "button").addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        this.#upload(chosen(input.files));
        input.value = "";
      });
    }
    this.#takeDrops(element("drop", "div"));
  }

  #adopt(filesystem: Filesystem | null): void {
    this.#filesystem = filesystem;
    show(this.#section, filesystem !== null);
    if (filesystem === null) {
      this.#section.open = false;
      this.#folder = ROOT;
    }
  }

  /** Several files come at once: the folder is read when they have come, not after each. */
  #refreshSoon(): void {
    window.clearTimeout(this.#refresh);
    this.#refresh = window.setTimeout(() => this.#open(this.#folder), REFRESH_PAUSE_MS);
  }

  async #open(folder: string): Promise<void> {
    const filesystem = this.#filesystem;
    if (filesystem === null) {
      return;
    }
    this.#request += 1;
    const request = this.#request;
    this.#folder = folder;
    this.#drawPath();
    this.#state.textContent = t("files.reading");
    this.#list.setAttribute("aria-busy", "true");
    const entries = await filesystem.list(folder).catch(() => null);
    if (request === this.#request) {
      this.#list.removeAttribute("aria-busy");
      this.#list.replaceChildren(...(entries ?? []).map((entry) => this.#row(entry)));
      this.#state.textContent =
        entries === null ? t("files.unreadable") : entries.length === 0 ? t("files.empty") : "";
    }
  }

  #drawPath(): void {
    const home = this.#crumb(t("files.root"), ROOT);
    home.classList.add("root");
    this.#path.replaceChildren(
      home,
      ...crumbs(this.#folder).map(({ name, path }) => this.#crumb(name, path)),
    );
  }

  #crumb(name: string, path: string): HTMLButtonElement {
    const crumb = make("button", { type: "button", class: "breadcrumb" }, make("bdi", {}, tame(name, 40)));
    if (path === this.#folder) {
      crumb.setAttribute("aria-current", "location");
    }
    crumb.addEventListener("click", () => this.#open(path));
    return crumb;
  }

  #row(entry: Entry): HTMLLIElement {
    const facts = [
      entry.size === null ? "" : formatBytes(entry.size, language()),
      entry.modified?.toLocaleDateString(language(), { dateStyle: "medium" }) ?? "",
    ].filter((fact) => fact !== "");
    const button = make(
      "button",
      { type: "button", class: entry.folder ? "fl-file directory" : "fl-file normal-file" },
      icon(entry.folder ? "folder" : "file"),
      make("bdi", { class: "fl-file-name" }, tame(entry.name, 255)),
      make("span", { class: "fl-file-facts" }, facts.join(" · ")),
    );
    if (!entry.folder) {
      button.append(make("span", { class: "fl-unseen" }, t("files.download")), icon("download"));
    }
    button.addEventListener("click", () => (entry.folder ? this.#open(entry.path) : this.#download(entry)));
    return make("li", {}, button);
  }

  #download(entry: Entry): void {
    const { path, name, size } = entry;
    this.#transfers.add(new Download(name, size, (receive) => this.#filesystem?.read(path, receive)));
  }

  /** Upload into the folder that is shown. */
  #upload(files: Named[]): void {
    const outgoing = this.#session.connection?.outgoing;
    const object = this.#filesystem?.object.index;
    if (outgoing === undefined || object === undefined) {
      return;
    }
    const folder = this.#folder;
    for (const { file, path } of files) {
      const open = () => outgoing.open(["put", object], [typeOf(file), join(folder, path)]);
      const upload = new Upload(file, open, path);
      upload.events.on("change", () => {
        if (upload.state === "done" && this.#section.open && this.#folder === folder) {
          this.#refreshSoon();
        }
      });
      this.#transfers.add(upload, tame(folder, 80));
    }
  }

  /** Files dropped on the session go where the instance takes uploads, which it alone knows. */
  #uploadToSession(files: Named[]): void {
    const outgoing = this.#session.connection?.outgoing;
    if (outgoing !== undefined) {
      for (const { file } of files) {
        this.#transfers.add(new Upload(file, () => outgoing.open(["file"], [typeOf(file), file.name])));
      }
    }
  }

  #takeDrops(curtain: HTMLElement): void {
    const accepts = (event: DragEvent) =>
      this.#filesystem !== null && (event.dataTransfer?.types.includes("Files") ?? false);
    const cover = (event: DragEvent) => {
      event.preventDefault();
      curtain.classList.toggle("drop-pending", accepts(event));
    };
    document.addEventListener("dragenter", cover);
    document.addEventListener("dragover", cover);
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) {
        curtain.classList.remove("drop-pending");
      }
    });
    document.addEventListener("drop", async (event) => {
      event.preventDefault();
      curtain.classList.remove("drop-pending");
      if (event.dataTransfer === null || !accepts(event)) {
        return;
      }
      const intoFolder =
        this.#section.open && event.target instanceof Node && this.#section.contains(event.target);
      const files = await dropped(event.dataTransfer);
      if (intoFolder) {
        this.#upload(files);
        return;
      }
      // Only the instance knows where these go, and it takes no folders there.
      const plain = files.filter(({ path }) => !path.includes("/"));
      this.#uploadToSession(plain);
      if (plain.length < files.length) {
        this.#tell(t("files.foldersHere"));
      }
    });
  }
}

function typeOf(file: File): string {
  return file.type || "application/octet-stream";
}
