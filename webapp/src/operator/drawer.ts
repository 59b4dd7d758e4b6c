/** Everything about one session, a word to its person, and its end. */
import { element } from "../dom.ts";
import type { OperatorApi, Row } from "./api.ts";
import { facts } from "./tables.ts";
import { duration, moment } from "./words.ts";

export class Drawer {
  readonly #api: OperatorApi;
  readonly #drawer = element("drawer", "dialog");
  readonly #done = element("done", "p");
  readonly #changed: () => void;
  #row: Row | null = null;

  /** @param changed called when something was ended. */
  constructor(api: OperatorApi, changed: () => void) {
    this.#api = api;
    this.#changed = changed;
    this.#onSubmit("message", "text", (row, text) => this.#say(row, text));
    this.#onSubmit("end", "reason", (row, reason) => this.#end(row, reason));
  }

  open(row: Row): void {
    this.#row = row;
    this.#done.textContent = "";
    const now = Date.now();
    element("drawer-title", "h2").textContent = `${row.user || "Nobody in particular"} on ${row.name}`;
    facts("facts", [
      ["Instance", `${row.target} (${row.protocol})`],
      ["From", row.address],
      ["Since", `${moment(row.start, now)}, for ${duration(now - row.start)}`],
      ["Data source", row.source],
      ["Code", row.reference],
      ["Connection of proxyd", row.proxyd],
      ["Tunnel", row.identifier],
    ]);
    this.#drawer.showModal();
  }

  #onSubmit(id: string, field: string, act: (row: Row, text: string) => Promise<string>): void {
    const form = element(id, "form");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.#row !== null) {
        const text = String(new FormData(form).get(field) ?? "");
        this.#done.textContent = await act(this.#row, text).catch((error: Error) => error.message);
      }
    });
  }

  async #say(row: Row, text: string): Promise<string> {
    await this.#api.say(row.identifier, text);
    element("message", "form").reset();
    return "Sent.";
  }

  async #end(row: Row, reason: string): Promise<string> {
    await this.#api.end(row.identifier, reason);
    this.#drawer.close();
    this.#changed();
    return "";
  }
}
