/** Recordings in guacd's format: a session's instructions as they were sent, `sync` ending each frame with its time. */
import Guacamole from "guacamole-common-js";
import { makeClient } from "../library.ts";
import { decode, instructionPlaces, WireError } from "../wire.ts";
import { type Happening, type Replay, ReplayError } from "./replay.ts";

/** Between two moments from which a replay can go on, so that going back need not begin at the beginning. */
const KEY_FRAME_CHARACTERS = 4_000_000;
const MAX_KEY_FRAMES = 24;

type State = Parameters<Guacamole.Client["importState"]>[0];

interface Frame {
  moment: number;
  /** Where its instructions are in the text. */
  start: number;
  end: number;
}

export class GuacdReplay implements Replay {
  readonly element = document.createElement("div");
  readonly duration: number;
  readonly activity: readonly Happening[];

  readonly #text: string;
  readonly #frames: readonly Frame[];
  readonly #keyFrames = new Map<number, State>();
  #stage = newStage();
  /** The last frame that was shown. */
  #at = -1;
  #room = { width: 0, height: 0 };

  /** @throws ReplayError if it is none. */
  constructor(text: string) {
    this.#text = text;
    this.#frames = framesOf(text);
    this.activity = this.#frames.map(({ moment, start, end }) => [moment, end - start]);
    this.duration = this.#frames.at(-1)?.moment ?? 0;
    this.#show();
  }

  async seek(moment: number): Promise<void> {
    const wanted = Math.max(
      0,
      this.#frames.findLastIndex((frame) => frame.moment <= moment),
    );
    const seen = this.#stage;
    if (wanted < this.#at) {
      await this.#goBack(wanted);
    }
    let drawn = 0;
    while (this.#at < wanted) {
      const { start, end } = this.#frames[++this.#at] as Frame;
      drawn += end - start;
      this.#draw(this.#text.slice(start, end));
      if (drawn > KEY_FRAME_CHARACTERS) {
        drawn = 0;
        await this.#flushed();
        await this.#keep();
      }
    }
    await this.#flushed();
    this.#scale();
    if (this.#stage !== seen) {
      this.#show();
      leave(seen);
    }
  }

  fit(width: number, height: number): void {
    this.#room = { width, height };
    this.#scale();
  }

  close(): void {
    leave(this.#stage);
  }

  #show(): void {
    const { display } = this.#stage;
    display.onresize = () => this.#scale();
    this.element.replaceChildren(display.getElement());
  }

  #scale(): void {
    const { display } = this.#stage;
    const [width, height] = [display.getWidth(), display.getHeight()];
    if (width > 0 && height > 0 && this.#room.width > 0) {
      display.scale(Math.min(this.#room.width / width, this.#room.height / height));
    }
  }

  /** Draw anew, unseen: until it is done, the later picture stays. */
  async #goBack(wanted: number): Promise<void> {
    const key = [...this.#keyFrames.keys()].filter((frame) => frame <= wanted).sort((a, b) => b - a)[0];
    this.#stage = newStage();
    this.#at = -1;
    if (key !== undefined) {
      await new Promise<void>((resolve) =>
        this.#stage.client.importState(this.#keyFrames.get(key) as State, resolve),
      );
      this.#at = key;
    }
  }

  async #keep(): Promise<void> {
    if (this.#keyFrames.size < MAX_KEY_FRAMES && !this.#keyFrames.has(this.#at)) {
      const at = this.#at;
      const state = await new Promise<State>((resolve) => this.#stage.client.exportState(resolve));
      this.#keyFrames.set(at, state);
    }
  }

  #draw(instructions: string): void {
    for (const [opcode, ...args] of decode(instructions)) {
      this.#stage.tunnel.oninstruction?.(opcode, args);
    }
  }

  #flushed(): Promise<void> {
    return new Promise((resolve) => this.#stage.display.flush(resolve));
  }
}

/** Leads nowhere: the library's own methods do nothing. */
class SilentTunnel extends Guacamole.Tunnel {}

type Stage = ReturnType<typeof newStage>;

function leave({ client, detach }: Stage): void {
  client.disconnect();
  detach();
}

/** A client that is told what happens by nobody but us. */
function newStage() {
  const tunnel = new SilentTunnel();
  const { client, detach } = makeClient(tunnel);
  client.connect();
  const display = client.getDisplay();
  display.showCursor(false);
  return { tunnel, client, display, detach };
}

function framesOf(text: string): Frame[] {
  const frames: Frame[] = [];
  let [start, begun] = [0, 0];
  try {
    for (const { opcode, from, end } of instructionPlaces(text)) {
      if (opcode === "sync") {
        const time = Number(decode(text.slice(from, end))[0]?.[1]);
        begun = frames.length === 0 ? time : begun;
        frames.push({ moment: Math.max(0, time - begun), start, end });
        start = end;
      }
    }
  } catch (error) {
    // The last instruction of a session that was cut off may be half there: what came before can be played.
    if (!(error instanceof WireError) || frames.length === 0) {
      throw new ReplayError("this is no recording");
    }
  }
  if (frames.length === 0 || frames.some(({ moment }) => !Number.isFinite(moment))) {
    throw new ReplayError("this is no recording");
  }
  return frames;
}
