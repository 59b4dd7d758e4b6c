/** Files on their way, in both directions; several at once, each with progress and an end. */
import Guacamole from "guacamole-common-js";
import { Emitter } from "../emitter.ts";
import type { OutgoingStream } from "../outgoing.ts";
import { BLOB_BYTES, blobBytes, blobOf } from "../streams.ts";

/** Blobs on their way to the instance before the first of them is acknowledged: a long line stays full. */
const WINDOW = 32;
/** Statuses up to this one mean success. */
const MAX_SUCCESS = 0xff;
const READ_BYTES = 1024 * 1024;
/** Small pieces are joined when this many bytes are together: browsers keep large ones on disk. */
const JOIN_BYTES = 4 * 1024 * 1024;

/** `waiting` until it is its turn. */
export type TransferState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** One file on its way. */
export abstract class Transfer {
  readonly events = new Emitter<{ change: Transfer }>();
  state: TransferState = "waiting";
  /** Bytes that arrived. */
  done = 0;
  /** Guacamole status of the failure. */
  status = 0;
  readonly name: string;
  readonly direction: "upload" | "download";
  /** Bytes in all; null where nobody said. */
  readonly total: number | null;
  #startedAt = 0;

  constructor(name: string, direction: "upload" | "download", total: number | null) {
    this.name = name;
    this.direction = direction;
    this.total = total;
  }

  /** Bytes a second so far. */
  get speed(): number {
    return this.done / Math.max(0.1, (performance.now() - this.#startedAt) / 1000);
  }

  /** Whether it has not come to an end. */
  get pending(): boolean {
    return this.state === "waiting" || this.state === "running";
  }

  /** It is its turn. */
  start(): void {
    this.state = "running";
    this.#startedAt = performance.now();
    this.begin();
    this.events.emit("change", this);
  }

  protected abstract begin(): void;

  /** Stop it. */
  abstract cancel(): void;

  /** The connection is gone. */
  fail(status: number): void {
    this.status = status;
    this.finish("failed");
  }

  protected progress(bytes: number): void {
    this.done += bytes;
    this.events.emit("change", this);
  }

  protected finish(state: TransferState): void {
    if (this.pending) {
      this.state = state;
      this.events.emit("change", this);
    }
  }
}

/** A file to the instance. */
export class Upload extends Transfer {
  readonly #file: File;
  readonly #open: () => OutgoingStream;
  #stream: OutgoingStream | null = null;
  /** A part of the file, and how much of it is on its way. */
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array();
  #read = 0;
  #offset = 0;
  #flying: number[] = [];
  #pumping = false;
  #opened = false;
  #ended = false;

  /**
   * @param open opens the stream on the instance's side.
   * @param name what it is called; with its folders, where it comes with some.
   */
  constructor(file: File, open: () => OutgoingStream, name = file.name) {
    super(name, "upload", file.size);
    this.#file = file;
    this.#open = open;
  }

  protected override begin(): void {
    try {
      this.#stream = this.#open();
    } catch {
      this.fail(Guacamole.Status.Code.CLIENT_TOO_MANY);
      return;
    }
    this.#stream.onack = (status) => this.#acknowledged(status);
  }

  /** What arrived is removed from the instance; a file of which everything was sent stays. */
  override cancel(): void {
    if (!this.#ended) {
      this.#stream?.abort(Guacamole.Status.Code.RESOURCE_CLOSED);
      this.finish("cancelled");
    }
  }

  #acknowledged(status: number): void {
    if (this.state !== "running") {
      // Answers to what was on its way; the one that refuses the rest is the last.
      if (status > MAX_SUCCESS) {
        this.#stream?.release();
      }
    } else if (status > MAX_SUCCESS) {
      this.#stream?.release();
      this.fail(status);
    } else if (this.#ended) {
      this.#stream?.release();
      this.finish("done");
    } else {
      this.progress(this.#opened ? (this.#flying.shift() ?? 0) : 0);
      this.#opened = true;
      this.#pump();
    }
  }

  async #pump(): Promise<void> {
    if (this.#pumping) {
      return;
    }
    this.#pumping = true;
    try {
      while (this.state === "running" && this.#flying.length < WINDOW && this.#offset < this.#file.size) {
        await this.#sendSome();
      }
      if (this.state === "running" && this.done >= this.#file.size && !this.#ended) {
        this.#ended = true;
        this.#stream?.end();
      }
    } catch {
      // The file changed or went away while it was read.
      this.#stream?.abort(Guacamole.Status.Code.CLIENT_BAD_REQUEST);
      this.fail(Guacamole.Status.Code.CLIENT_BAD_REQUEST);
    } finally {
      this.#pumping = false;
    }
  }

  async #sendSome(): Promise<void> {
    if (this.#read === this.#buffer.length) {
      const slice = this.#file.slice(this.#offset, this.#offset + READ_BYTES);
      this.#buffer = new Uint8Array(await slice.arrayBuffer());
      this.#read = 0;
    }
    if (this.state !== "running") {
      return;
    }
    const chunk = this.#buffer.subarray(this.#read, this.#read + BLOB_BYTES);
    this.#read += chunk.length;
    this.#offset += chunk.length;
    this.#flying.push(chunk.length);
    this.#stream?.blob(blobOf(chunk));
  }
}

/** A file from the instance; the browser saves it at the end. */
export class Download extends Transfer {
  readonly #request: (receive: (stream: Guacamole.InputStream) => void) => void;
  #stream: Guacamole.InputStream | null = null;
  #pieces: Blob[] = [];
  #small: Uint8Array<ArrayBuffer>[] = [];
  #smallBytes = 0;

  /** @param request asks for the content, or hands over the stream that is there. */
  constructor(
    name: string,
    total: number | null,
    request: (receive: (stream: Guacamole.InputStream) => void) => void,
  ) {
    super(name, "download", total);
    this.#request = request;
  }

  protected override begin(): void {
    this.#request((stream) => this.#receive(stream));
  }

  #receive(stream: Guacamole.InputStream): void {
    if (this.state !== "running") {
      stream.sendAck("Cancelled", Guacamole.Status.Code.RESOURCE_CLOSED);
      return;
    }
    this.#stream = stream;
    stream.onblob = (data) => {
      const bytes = blobBytes(data);
      this.#keep(bytes);
      this.progress(bytes.length);
      stream.sendAck("OK", 0);
    };
    stream.onend = () => {
      this.#join();
      save(new Blob(this.#pieces, { type: "application/octet-stream" }), this.name);
      this.#pieces = [];
      this.finish("done");
    };
    stream.sendAck("OK", 0);
  }

  override cancel(): void {
    this.finish("cancelled");
    const stream = this.#stream;
    if (stream !== null) {
      stream.onblob = null;
      stream.onend = null;
      stream.sendAck("Cancelled", Guacamole.Status.Code.RESOURCE_CLOSED);
    }
    this.#pieces = [];
    this.#small = [];
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    this.#small.push(bytes);
    this.#smallBytes += bytes.length;
    if (this.#smallBytes >= JOIN_BYTES) {
      this.#join();
    }
  }

  #join(): void {
    this.#pieces.push(new Blob(this.#small));
    this.#small = [];
    this.#smallBytes = 0;
  }
}

function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[\\/]+/g, "_");
  link.click();
  // The browser has begun to save it by the next minute.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
