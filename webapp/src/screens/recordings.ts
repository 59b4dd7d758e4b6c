/** Recordings of a person's own sessions: a list, and a player that is loaded when it is wanted. */
import { ApiError, fetchRecording, type Grant, listRecordings, type RecordingInfo } from "../api.ts";
import { element, make, show, takeFocus } from "../dom.ts";
import { icon } from "../icons.ts";
import type { Player } from "../player/player.ts";
import { language, t } from "../strings.ts";
import { tame } from "../text.ts";

export class Recordings {
  readonly #title = element("recordings-title", "h1");
  readonly #list = element("recordings-list", "ul");
  readonly #state = element("recordings-state", "p");
  readonly #section = element("player", "section");
  #player: Player | null = null;
  #request = 0;

  /** Show what was recorded. @throws ApiError */
  async open(grant: Grant): Promise<void> {
    this.close();
    const recordings = await listRecordings(grant);
    this.#state.textContent = recordings.length === 0 ? t("recordings.none") : "";
    this.#list.replaceChildren(...recordings.map((recording) => this.#row(grant, recording)));
    takeFocus(this.#title);
  }

  /** Stop what is played. */
  close(): void {
    this.#request += 1;
    this.#player?.close();
    this.#player = null;
    show(this.#section, false);
  }

  #row(grant: Grant, recording: RecordingInfo): HTMLLIElement {
    const began = recording.start.toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" });
    const button = make(
      "button",
      { type: "button", class: "fl-recording" },
      icon(recording.text ? "terminal" : "monitor"),
      make("bdi", { class: "name" }, tame(recording.connection, 120)),
      make("span", { class: "fl-when" }, began),
    );
    button.addEventListener("click", () => this.#play(grant, recording, button));
    return make("li", {}, button);
  }

  async #play(grant: Grant, recording: RecordingInfo, button: HTMLButtonElement): Promise<void> {
    this.close();
    this.#request += 1;
    const request = this.#request;
    for (const other of this.#list.querySelectorAll("button")) {
      other.toggleAttribute("aria-current", other === button);
    }
    this.#state.textContent = t("recordings.loading");
    try {
      const [text, { Player }] = await Promise.all([
        fetchRecording(grant, recording),
        import("../player/player.ts"),
      ]);
      if (request === this.#request) {
        show(this.#section, true);
        this.#player = new Player(text);
        this.#state.textContent = "";
        takeFocus(element("player-toggle", "button"));
      }
    } catch (error) {
      if (!(error instanceof ApiError) && !(error instanceof Error && error.name === "ReplayError")) {
        throw error;
      }
      show(this.#section, false);
      this.#state.textContent = t("recordings.broken");
    }
  }
}
