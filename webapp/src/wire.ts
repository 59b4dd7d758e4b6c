/**
 * Guacamole instructions as text. Lengths count Unicode code points; the codec inside guacamole-common-js 1.5
 * counts UTF-16 units, and a file name with an emoji would break it in either direction.
 */

/** An opcode and its arguments. */
export type Instruction = readonly [opcode: string, ...args: string[]];

/** The text was not an instruction. */
export class WireError extends Error {}

const MAX_LENGTH_DIGITS = 8;
const MAX_ELEMENTS = 128;
const SURROGATE = /[\ud800-\udfff]/;

/** Write one instruction; anything that is not text becomes its decimal form, truth becomes 1 or 0. */
export function encode(...elements: unknown[]): string {
  return `${elements.map(element).join(",")};`;
}

function element(value: unknown): string {
  const text = typeof value === "boolean" ? String(Number(value)) : String(value);
  return `${codePoints(text)}.${text}`;
}

function codePoints(text: string): number {
  return SURROGATE.test(text) ? [...text].length : text.length;
}

/**
 * Read the whole instructions of one message.
 *
 * @throws WireError if the message ends inside an instruction or a length is broken.
 */
export function decode(message: string): Instruction[] {
  const wide = SURROGATE.test(message);
  const instructions: Instruction[] = [];
  let elements: string[] = [];
  let position = 0;
  while (position < message.length) {
    const { start, end } = elementAt(message, position, wide);
    elements.push(message.slice(start, end));
    if (message[end] === ";") {
      instructions.push(elements as unknown as Instruction);
      elements = [];
    } else if (elements.length === MAX_ELEMENTS) {
      throw new WireError("an instruction has too many elements");
    }
    position = end + 1;
  }
  if (elements.length > 0) {
    throw new WireError("the message ends inside an instruction");
  }
  return instructions;
}

/**
 * Where each instruction of a text lies, and its opcode; nothing of the text is copied.
 *
 * @throws WireError as `decode`, when it comes to the broken place.
 */
export function* instructionPlaces(text: string): Generator<{ opcode: string; from: number; end: number }> {
  const wide = SURROGATE.test(text);
  let [from, position] = [0, 0];
  let opcode: string | null = null;
  while (position < text.length) {
    const { start, end } = elementAt(text, position, wide);
    opcode ??= text.slice(start, end);
    position = end + 1;
    if (text[end] === ";") {
      yield { opcode, from, end: position };
      [from, opcode] = [position, null];
    }
  }
}

function elementAt(message: string, position: number, wide: boolean): { start: number; end: number } {
  const dot = message.indexOf(".", position);
  const length = lengthBetween(message, position, dot);
  const end = wide ? skip(message, dot + 1, length) : dot + 1 + length;
  if (message[end] !== ";" && message[end] !== ",") {
    throw new WireError("an element does not end where its length says");
  }
  return { start: dot + 1, end };
}

function lengthBetween(message: string, start: number, dot: number): number {
  const digits = message.slice(start, dot);
  if (dot < 0 || digits.length > MAX_LENGTH_DIGITS || !/^\d+$/.test(digits)) {
    throw new WireError("a length is not a number");
  }
  return Number(digits);
}

/** The index `count` code points after `start`. */
function skip(text: string, start: number, count: number): number {
  let index = start;
  for (let passed = 0; passed < count && index < text.length; passed++) {
    index += (text.codePointAt(index) as number) > 0xffff ? 2 : 1;
  }
  return index;
}
