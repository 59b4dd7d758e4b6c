/** Asciicast v2: a header, then an event a line (docs.asciinema.org/manual/asciicast/v2). Drawn as text. */
import { Terminal } from "@xterm/headless/lib-headless/xterm-headless.mjs";
import { make } from "../dom.ts";
import { type Happening, type Replay, ReplayError } from "./replay.ts";
import { drawLine, PAPER, TEXT } from "./text_line.ts";

const [MAX_COLUMNS, MAX_ROWS] = [1000, 500];
/** Written at once; more would hold up the page. */
const WRITE_CHARACTERS = 1024 * 1024;
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;
/** CSS pixels of a character of text, by which the size is found that fits. */
const [WIDTH_EM, HEIGHT_EM] = [0.602, 1.25];
const [MIN_PX, MAX_PX] = [4, 24];

type Event = readonly [moment: number, code: string, data: string];

export class AsciicastReplay implements Replay {
  readonly element = make("pre", { class: "fl-screen" });
  readonly duration: number;
  readonly activity: readonly Happening[];

  readonly #events: readonly Event[];
  readonly #size: readonly [number, number];
  #terminal: Terminal;
  /** Events that were written. */
  #written = 0;
  #room = { width: 0, height: 0 };

  /** @throws ReplayError if it is none. */
  constructor(text: string) {
    const [first = "", ...lines] = text.split("\n");
    const header = parse(first) as { version?: unknown; width?: unknown; height?: unknown } | null;
    if (header?.version !== 2) {
      throw new ReplayError("this is no asciicast of version 2");
    }
    this.#size = [side(header.width, 80, MAX_COLUMNS), side(header.height, 24, MAX_ROWS)];
    this.#events = lines.map(eventOf).filter((event) => event !== null);
    this.activity = this.#events.filter(([, code]) => code === "o").map(([at, , data]) => [at, data.length]);
    this.duration = this.#events.at(-1)?.[0] ?? 0;
    this.#terminal = this.#blank();
    this.element.style.color = TEXT;
    this.element.style.backgroundColor = PAPER;
  }

  async seek(moment: number): Promise<void> {
    const next = this.#events.findIndex(([at]) => at > moment);
    const wanted = next < 0 ? this.#events.length : next;
    if (wanted < this.#written) {
      this.#terminal.dispose();
      this.#terminal = this.#blank();
      this.#written = 0;
    } else if (wanted === this.#written && this.element.firstChild !== null) {
      return;
    }
    await this.#write(this.#events.slice(this.#written, wanted));
    this.#written = wanted;
    this.#draw();
  }

  fit(width: number, height: number): void {
    this.#room = { width, height };
    const { cols, rows } = this.#terminal;
    const size = Math.min(width / (cols * WIDTH_EM), height / (rows * HEIGHT_EM));
    this.element.style.fontSize = `${Math.max(MIN_PX, Math.min(MAX_PX, size))}px`;
  }

  close(): void {
    this.#terminal.dispose();
  }

  #blank(): Terminal {
    const [cols, rows] = this.#size;
    return new Terminal({ cols, rows, scrollback: 0, allowProposedApi: true });
  }

  async #write(events: readonly Event[]): Promise<void> {
    let waiting = "";
    const flush = async () => {
      const text = waiting;
      waiting = "";
      await new Promise<void>((resolve) => this.#terminal.write(text, resolve));
    };
    for (const [, code, data] of events) {
      const size = code === "r" ? /^(\d{1,4})x(\d{1,4})$/.exec(data) : null;
      if (size !== null) {
        await flush();
        this.#terminal.resize(side(Number(size[1]), 80, MAX_COLUMNS), side(Number(size[2]), 24, MAX_ROWS));
        this.fit(this.#room.width, this.#room.height);
      } else if (code === "o") {
        waiting += data;
        if (waiting.length > WRITE_CHARACTERS) {
          await flush();
        }
      }
    }
    await flush();
  }

  #draw(): void {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: this.#terminal.rows }, (_, row) =>
      drawLine(active.getLine(active.baseY + row), this.#terminal.cols),
    );
    this.element.replaceChildren(...lines);
  }
}

function eventOf(line: string): Event | null {
  const event = line.length <= MAX_LINE_CHARACTERS ? parse(line) : null;
  if (!Array.isArray(event) || !Number.isFinite(event[0])) {
    return null;
  }
  return [Math.max(0, event[0] * 1000), String(event[1]), String(event[2])];
}

function side(value: unknown, usual: number, most: number): number {
  return Number.isInteger(value) ? Math.min(most, Math.max(1, value as number)) : usual;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
