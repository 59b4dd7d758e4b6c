/** Transfers at the bottom of the screen: name, progress, speed, a way to stop, and a clear end. */
import { element, make, show } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Session } from "../session.ts";
import { type Key, language, t } from "../strings.ts";
import { formatBytes, tame } from "../text.ts";
import type { Transfer, TransferState } from "./transfers.ts";

const KEPT_MS = 8000;
/** Transfers that run at the same time; the others wait their turn. */
const AT_ONCE = 3;
const REDRAW_MS = 200;
const FAILURES: Record<number, Key> = {
  256: "transfer.unsupported",
  516: "transfer.notFound",
  771: "transfer.forbidden",
  768: "transfer.changed",
  781: "transfer.full",
};
const CLASSES: Record<TransferState, string> = {
  waiting: "transfer in-progress",
  running: "transfer in-progress",
  done: "transfer savable",
  failed: "transfer error",
  cancelled: "transfer",
};

export class TransferList {
  readonly #dialog = element("file-transfer-dialog", "div");
  readonly #list = element("transfers", "ul");
  /** Those that have not ended, in the order they came. */
  readonly #pending = new Set<Transfer>();

  constructor(session: Session) {
    session.events.on("state", () => {
      if (!session.live) {
        for (const transfer of this.#pending) {
          transfer.fail(518);
        }
      }
    });
  }

  /** Follow a transfer to its end. `place` says where an upload goes; empty where the instance decides. */
  add(transfer: Transfer, place = ""): void {
    this.#pending.add(transfer);
    const row = new Row(transfer, place);
    this.#list.append(row.item);
    show(this.#dialog, true);
    transfer.events.on("change", () => {
      row.draw();
      if (!transfer.pending && this.#pending.delete(transfer)) {
        window.setTimeout(() => this.#drop(row), KEPT_MS);
        this.#startNext();
      }
    });
    this.#startNext();
  }

  #startNext(): void {
    const first = [...this.#pending].slice(0, AT_ONCE);
    for (const transfer of first.filter(({ state }) => state === "waiting")) {
      transfer.start();
    }
  }

  #drop(row: Row): void {
    row.item.remove();
    show(this.#dialog, this.#list.childElementCount > 0);
  }
}

class Row {
  readonly item: HTMLLIElement;
  readonly #transfer: Transfer;
  readonly #place: string;
  readonly #bar = make("progress");
  readonly #text = make("span", { class: "text", role: "status" });
  readonly #cancel = make("button", { type: "button", class: "fl-icon-button" });
  #drawnAt = 0;
  #drawnState: TransferState | null = null;
  /** Draws what came too soon after the last time: nothing may come after it. */
  #later = 0;

  constructor(transfer: Transfer, place: string) {
    this.#transfer = transfer;
    this.#place = place;
    const name = tame(transfer.name, 80);
    this.#bar.setAttribute("aria-label", name);
    this.#cancel.append(icon("x"));
    this.#cancel.setAttribute("aria-label", t("transfer.cancel", { name }));
    this.#cancel.addEventListener("click", () => transfer.cancel());
    this.item = make("li", {}, make("bdi", { class: "filename" }, name), this.#text, this.#cancel, this.#bar);
    this.draw();
  }

  draw(): void {
    const { state, done, total } = this.#transfer;
    const now = performance.now();
    const wait = this.#drawnAt + REDRAW_MS - now;
    window.clearTimeout(this.#later);
    if (state === this.#drawnState && state === "running" && wait > 0 && done < (total ?? Number.MAX_VALUE)) {
      this.#later = window.setTimeout(() => this.draw(), wait);
      return;
    }
    this.#drawnAt = now;
    this.#drawnState = state;
    this.item.className = CLASSES[state];
    if (total !== null && total > 0) {
      this.#bar.max = total;
      this.#bar.value = Math.max(this.#bar.value, done);
    }
    this.#text.textContent = this.#words();
    show(this.#cancel, this.#transfer.pending);
    show(this.#bar, this.#transfer.pending);
  }

  #words(): string {
    const { state, direction, status } = this.#transfer;
    switch (state) {
      case "waiting":
        return t("transfer.waiting");
      case "running":
        return this.#figures();
      case "cancelled":
        return t("transfer.cancelled");
      case "failed":
        return t(FAILURES[status] ?? "transfer.failed");
      case "done":
        if (direction === "download") {
          return t("transfer.downloaded");
        }
        return this.#place === "" ? t("transfer.uploaded") : t("transfer.savedTo", { place: this.#place });
    }
  }

  #figures(): string {
    const { done, total, speed } = this.#transfer;
    const rate = t("connection.perSecond", { amount: formatBytes(speed, language()) });
    const share = total ? new Intl.NumberFormat(language(), { style: "percent" }).format(done / total) : "";
    return [share || formatBytes(done, language()), rate].join(" · ");
  }
}
