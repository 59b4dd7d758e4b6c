/** Plays a recording: play and pause, speed, a bar that shows where something happened, keys for all of it. */
import { element } from "../dom.ts";
import { icon } from "../icons.ts";
import { t } from "../strings.ts";
import { AsciicastReplay } from "./asciicast.ts";
import { GuacdReplay } from "./guacd.ts";
import { activityBars, nextActivity, type Replay } from "./replay.ts";

const BARS = 240;
const STEP_MS = 5000;
const KEYS: Record<string, (player: Player) => void> = {
  " ": (player) => player.toggle(),
  k: (player) => player.toggle(),
  ArrowLeft: (player) => player.go(player.moment - STEP_MS),
  ArrowRight: (player) => player.go(player.moment + STEP_MS),
  "[": (player) => player.skip(-1),
  "]": (player) => player.skip(1),
};

/** Make a recording that can be shown of what a file holds. */
function replayOf(text: string): Replay {
  return text.startsWith("{") ? new AsciicastReplay(text) : new GuacdReplay(text);
}

export class Player {
  moment = 0;
  readonly #replay: Replay;
  readonly #stage = element("player-stage", "div");
  readonly #toggle = element("player-toggle", "button");
  readonly #position = element("player-position", "input");
  readonly #speed = element("player-speed", "select");
  readonly #time = element("player-time", "output");
  readonly #listening = new AbortController();
  readonly #sizes = new ResizeObserver(() => this.#fit());
  #playing = false;
  #seeking = false;
  #drawnAt = 0;

  /** @throws ReplayError if the file is no recording. */
  constructor(text: string) {
    this.#replay = replayOf(text);
    this.#stage.replaceChildren(this.#replay.element);
    this.#position.max = String(this.#replay.duration);
    this.#drawActivity();
    this.#listen();
    this.#sizes.observe(this.#stage);
    this.go(0);
    this.#show();
  }

  /** Play or pause; at the end, from the beginning. */
  toggle(): void {
    this.#playing = !this.#playing;
    if (this.#playing) {
      this.moment = this.moment >= this.#replay.duration ? 0 : this.moment;
      this.#drawnAt = performance.now();
      requestAnimationFrame((now) => this.#tick(now));
    }
    this.#show();
  }

  /** Show a moment. */
  async go(moment: number): Promise<void> {
    this.moment = Math.max(0, Math.min(this.#replay.duration, moment));
    this.#show();
    if (this.#seeking) {
      return;
    }
    this.#seeking = true;
    // What was wanted last is shown, however many moments were wanted meanwhile.
    for (let shown = -1; shown !== this.moment; ) {
      shown = this.moment;
      await this.#replay.seek(shown);
    }
    this.#seeking = false;
    this.#fit();
  }

  /** Go where something begins after a silence. */
  skip(direction: 1 | -1): void {
    this.go(
      nextActivity(this.#replay.activity, this.moment, direction) ??
        (direction > 0 ? this.#replay.duration : 0),
    );
  }

  /** Another recording is played, or none. */
  close(): void {
    this.#playing = false;
    this.#listening.abort();
    this.#sizes.disconnect();
    this.#stage.replaceChildren();
    this.#replay.close();
  }

  #tick(now: number): void {
    if (!this.#playing) {
      return;
    }
    const passed = (now - this.#drawnAt) * Number(this.#speed.value);
    this.#drawnAt = now;
    if (!this.#seeking) {
      this.go(this.moment + passed);
    }
    if (this.moment >= this.#replay.duration) {
      this.#playing = false;
      this.#show();
    } else {
      requestAnimationFrame((next) => this.#tick(next));
    }
  }

  #show(): void {
    const time = `${clock(this.moment)} / ${clock(this.#replay.duration)}`;
    this.#time.textContent = time;
    this.#position.value = String(this.moment);
    this.#position.setAttribute("aria-valuetext", time);
    this.#toggle.setAttribute("aria-label", t(this.#playing ? "player.pause" : "player.play"));
    this.#toggle.replaceChildren(icon(this.#playing ? "pause" : "play"));
  }

  #fit(): void {
    const { clientWidth, clientHeight } = this.#stage;
    this.#replay.fit(clientWidth, clientHeight);
  }

  #listen(): void {
    const { signal } = this.#listening;
    this.#toggle.addEventListener("click", () => this.toggle(), { signal });
    this.#position.addEventListener("input", () => this.go(Number(this.#position.value)), { signal });
    element("player-back", "button").addEventListener("click", () => this.skip(-1), { signal });
    element("player-on", "button").addEventListener("click", () => this.skip(1), { signal });
    element("player", "section").addEventListener("keydown", (event) => this.#press(event), { signal });
  }

  #press(event: KeyboardEvent): void {
    const inControl = event.target instanceof HTMLButtonElement || event.target instanceof HTMLSelectElement;
    const act = KEYS[event.key];
    if (
      act !== undefined &&
      !(inControl && event.key === " ") &&
      !event.ctrlKey &&
      !event.metaKey &&
      !event.altKey
    ) {
      event.preventDefault();
      act(this);
    }
  }

  #drawActivity(): void {
    const bars = activityBars(this.#replay.activity, this.#replay.duration, BARS);
    const path = bars.map((bar, index) => (bar > 0 ? `M${index + 0.5} 1V${1 - bar}` : "")).join("");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${BARS} 1`);
    svg.setAttribute("preserveAspectRatio", "none");
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
    drawn.setAttribute("d", path);
    svg.append(drawn);
    element("player-activity", "div").replaceChildren(svg);
  }
}

function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return (parts[0] === 0 ? parts.slice(1) : parts).map((part) => String(part).padStart(2, "0")).join(":");
}
