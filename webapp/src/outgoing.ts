/**
 * Streams towards the instance that are followed to their very end. guacamole-common-js forgets a stream when it sends
 * `end`, and with it the answer that says whether the file was really stored. These have indices of their own.
 */

/** Half of the 512 that a daemon accepts; the library takes them from 0 up. */
const [FIRST, LAST] = [256, 511];

/** Sends one instruction. */
export type Send = (...elements: (string | number)[]) => void;

/** One stream; stays open until `release`. */
export class OutgoingStream {
  /** The instance answered: to the opening, to each blob, and to the end. */
  onack: (status: number) => void = () => undefined;

  readonly #index: number;
  readonly #send: Send;
  readonly #release: () => void;

  constructor(index: number, send: Send, release: () => void) {
    this.#index = index;
    this.#send = send;
    this.#release = release;
  }

  blob(base64: string): void {
    this.#send("blob", this.#index, base64);
  }

  end(): void {
    this.#send("end", this.#index);
  }

  /** Break off: proxyd removes what came so far; other daemons see an ordinary end. */
  abort(status: number): void {
    this.#send("end", this.#index, status);
  }

  /** The last answer came: the index may be used again. */
  release(): void {
    this.#release();
  }
}

/** The streams of one connection. */
export class OutgoingStreams {
  readonly #send: Send;
  readonly #open = new Map<number, OutgoingStream>();

  constructor(send: Send) {
    this.#send = send;
  }

  /**
   * Open a stream: `before` and `after` are the opening instruction's elements around the index.
   *
   * @throws RangeError if too many are open.
   */
  open(before: (string | number)[], after: (string | number)[]): OutgoingStream {
    const index = this.#freeIndex();
    const stream = new OutgoingStream(index, this.#send, () => this.#open.delete(index));
    this.#open.set(index, stream);
    this.#send(...before, index, ...after);
    return stream;
  }

  /** An `ack` arrived. */
  acknowledged(index: number, status: number): void {
    this.#open.get(index)?.onack(status);
  }

  #freeIndex(): number {
    for (let index = FIRST; index <= LAST; index++) {
      if (!this.#open.has(index)) {
        return index;
      }
    }
    throw new RangeError("too many streams are open");
  }
}
