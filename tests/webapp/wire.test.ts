import { readFileSync } from "node:fs";
import Guacamole from "guacamole-common-js";
import { describe, expect, test } from "vitest";
import { decode, encode, WireError } from "../../webapp/src/wire.ts";

interface Vector {
  name: string;
  wire: string;
  instructions: string[][];
}

const vectors: Vector[] = JSON.parse(readFileSync("../tests/vectors/instructions.json", "utf8"));
const SUPPLEMENTARY = /[\u{10000}-\u{10ffff}]/u;

describe.each(vectors)("$name", ({ wire, instructions }) => {
  test("our codec reads it", () => {
    expect(decode(wire)).toEqual(instructions);
  });

  test("our codec writes it back", () => {
    // Leading zeros are read, never written.
    const canonical = wire.replace(/(^|[;,])0+(?=\d+\.)/g, "$1");
    expect(instructions.map((elements) => encode(...elements)).join("")).toBe(canonical);
  });
});

const [wide, plain] = [true, false].map((is) =>
  vectors.filter(({ wire }) => SUPPLEMENTARY.test(wire) === is),
);

describe("the library's parser", () => {
  test.each(plain ?? [])("agrees, however the text is cut: $name", ({ wire, instructions }) => {
    for (let cut = 0; cut <= wire.length; cut++) {
      expect(libraryReads([wire.slice(0, cut), wire.slice(cut)])).toEqual(instructions);
    }
    expect(libraryReads([...wire])).toEqual(instructions);
  });

  // Should it ever count as we do, our codec has lost its reason.
  test.each(wide ?? [])("counts UTF-16 units: $name", ({ wire, instructions }) => {
    let read: string[][] | null = null;
    try {
      read = libraryReads([wire]);
    } catch {
      // It noticed.
    }
    expect(read).not.toEqual(instructions);
  });
});

describe("encode", () => {
  test("writes numbers and truth in decimal", () => {
    expect(encode("key", 65307, true)).toBe("3.key,5.65307,1.1;");
  });

  test("counts code points", () => {
    expect(encode("put", "😀.txt")).toBe("3.put,5.😀.txt;");
  });
});

describe("decode", () => {
  test.each([
    ["a length without a dot", "3"],
    ["a length that is no number", "x.nop;"],
    ["a negative length", "-1.nop;"],
    ["a missing length", ".nop;"],
    ["a length with more digits than any", "000000003.nop;"],
    ["a wrong terminator", "3.nop!"],
    ["an element that ends early", "3.no;"],
    ["an end inside an instruction", "3.nop,"],
    ["text cut inside an element", "3.nop;4.name,9.abc"],
    ["too many elements", `1.x${",1.y".repeat(128)};`],
  ])("refuses %s", (_, wire) => {
    expect(() => decode(wire)).toThrow(WireError);
  });

  test("nothing is no instruction", () => {
    expect(decode("")).toEqual([]);
  });
});

function libraryReads(parts: string[]): string[][] {
  const parser = new Guacamole.Parser();
  const read: string[][] = [];
  parser.oninstruction = (opcode: string, args: unknown[]) => read.push([opcode, ...(args as string[])]);
  for (const part of parts) {
    parser.receive(part);
  }
  return read;
}
