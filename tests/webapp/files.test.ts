// @vitest-environment jsdom
import { File as NodeFile } from "node:buffer";
import Guacamole from "guacamole-common-js";
import { describe, expect, test, vi } from "vitest";
import { Emitter } from "../../webapp/src/emitter.ts";
import { dropped } from "../../webapp/src/files/chosen.ts";
import { crumbs, join, parseIndex } from "../../webapp/src/files/filesystem.ts";
import { TransferList } from "../../webapp/src/files/transfer_list.ts";
import { Transfer, Upload } from "../../webapp/src/files/transfers.ts";
import { OutgoingStreams } from "../../webapp/src/outgoing.ts";
import type { Session } from "../../webapp/src/session.ts";
import { blobBytes, blobOf, readText, sendText } from "../../webapp/src/streams.ts";

const INDEX = "application/vnd.glyptodon.guacamole.stream-index+json";

describe("parseIndex", () => {
  test("sorts folders first, and names as people do", () => {
    const listing = { "/b10": "x/y", "/b9": "x/y", "/Z": INDEX, "/a": INDEX };
    expect(parseIndex("/", JSON.stringify(listing)).map(({ name }) => name)).toEqual(["a", "Z", "b9", "b10"]);
  });

  test("reads sizes and dates where they are told", () => {
    const [entry] = parseIndex("/d", '{"/d/f":"application/octet-stream; size=12;modified=1700000000"}');
    expect(entry).toEqual({
      path: "/d/f",
      name: "f",
      folder: false,
      size: 12,
      modified: new Date(1_700_000_000_000),
    });
  });

  test.each([
    ["another folder", "/other/f"],
    ["a folder below", "/d/sub/f"],
    ["the folder itself", "/d/"],
    ["the folder above", "/d/.."],
    ["no path", "f"],
  ])("leaves out %s", (_, path) => {
    expect(parseIndex("/d", JSON.stringify({ [path]: "x/y" }))).toEqual([]);
  });

  test("control characters may come as they are", () => {
    const [entry] = parseIndex("/", '{"/a\u0007\nb":"x/y"}');
    expect(entry?.path).toBe("/a\u0007\nb");
  });

  test.each(["", "{", "null", "[]", "3"])("%j is an empty folder or an error", (json) => {
    let entries: unknown = [];
    try {
      entries = parseIndex("/", json);
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
    }
    expect(entries).toEqual([]);
  });

  test("is bounded", () => {
    const listing = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`/${n}`, "x/y"]));
    expect(parseIndex("/", JSON.stringify(listing))).toHaveLength(10_000);
  });
});

test("paths", () => {
  expect([join("/", "a"), join("/a", "b")]).toEqual(["/a", "/a/b"]);
  expect(crumbs("/a/b")).toEqual([
    { name: "a", path: "/a" },
    { name: "b", path: "/a/b" },
  ]);
});

/** A client whose instructions the test reads. */
function streams() {
  const sent: (string | number)[][] = [];
  const outgoing = new OutgoingStreams((...elements) => sent.push(elements));
  return { sent, outgoing };
}

describe("Upload", () => {
  const file = (bytes: number) => new NodeFile([new Uint8Array(bytes).fill(7)], "data.bin") as File;
  /** What is under way has had its turn. */
  const settled = async () => {
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  };
  const opcodes = (sent: unknown[][]) => sent.map(([opcode]) => opcode);

  test("waits for its turn and for the instance, and is done when the end was acknowledged", async () => {
    const { sent, outgoing } = streams();
    const upload = new Upload(file(10_000), () => outgoing.open(["file"], ["x/y", "data.bin"]));
    expect(upload.state).toBe("waiting");
    upload.start();
    await settled();
    expect(sent).toEqual([["file", 256, "x/y", "data.bin"]]);
    outgoing.acknowledged(256, 0);
    await vi.waitFor(() => expect(opcodes(sent)).toEqual(["file", "blob", "blob"]));
    expect(sent.slice(1).map(([, , data]) => blobBytes(String(data)).length)).toEqual([6048, 3952]);
    outgoing.acknowledged(256, 0);
    expect(upload.done).toBe(6048);
    outgoing.acknowledged(256, 0);
    await vi.waitFor(() => expect(sent.at(-1)).toEqual(["end", 256]));
    expect(upload.state).toBe("running");
    outgoing.acknowledged(256, 0);
    expect(upload.state).toBe("done");
  });

  test("keeps no more on the way than the window", async () => {
    const { sent, outgoing } = streams();
    const upload = new Upload(file(6048 * 100), () => outgoing.open(["put", 0], ["x/y", "/data.bin"]));
    upload.start();
    outgoing.acknowledged(256, 0);
    await vi.waitFor(() => expect(opcodes(sent)).toHaveLength(1 + 32));
    await settled();
    expect(opcodes(sent)).toHaveLength(1 + 32);
    outgoing.acknowledged(256, 0);
    await vi.waitFor(() => expect(opcodes(sent)).toHaveLength(1 + 33));
  });

  test("a refusal, at once or at the end, is a failure with its status", async () => {
    const { outgoing } = streams();
    const refused = new Upload(file(5), () => outgoing.open(["file"], ["x/y", "a"]));
    refused.start();
    outgoing.acknowledged(256, 771);
    expect([refused.state, refused.status]).toEqual(["failed", 771]);
    const { sent, outgoing: others } = streams();
    const full = new Upload(file(0), () => others.open(["file"], ["x/y", "b"]));
    full.start();
    others.acknowledged(256, 0);
    await vi.waitFor(() => expect(opcodes(sent)).toEqual(["file", "end"]));
    others.acknowledged(256, 512);
    expect([full.state, full.status]).toEqual(["failed", 512]);
  });

  test("cancelled, it tells the instance to remove what came, and its stream is free after the answer", async () => {
    const { sent, outgoing } = streams();
    const upload = new Upload(file(50_000_000), () => outgoing.open(["file"], ["x/y", "a"]));
    upload.start();
    outgoing.acknowledged(256, 0);
    await settled();
    upload.cancel();
    expect(sent.at(-1)).toEqual(["end", 256, 518]);
    outgoing.acknowledged(256, 0);
    await settled();
    expect(sent.at(-1)).toEqual(["end", 256, 518]);
    outgoing.open(["file"], ["x/y", "b"]);
    expect(sent.at(-1)?.[1]).toBe(257);
    outgoing.acknowledged(256, 518);
    outgoing.open(["file"], ["x/y", "c"]);
    expect(sent.at(-1)?.[1]).toBe(256);
  });

  test("too many open streams fail the transfer, not the page", () => {
    const { outgoing } = streams();
    for (let index = 256; index < 512; index++) {
      outgoing.open(["file"], ["x/y", "a"]);
    }
    const upload = new Upload(file(1), () => outgoing.open(["file"], ["x/y", "a"]));
    upload.start();
    expect([upload.state, upload.status]).toEqual(["failed", 797]);
  });
});

describe("text streams", () => {
  test("text arrives as it was sent, emoji across blobs included", async () => {
    const blobs: string[] = [];
    let ended = false;
    const output = { sendBlob: (data: string) => blobs.push(data), sendEnd: () => (ended = true) };
    const text = "😀ż".repeat(3000);
    sendText(output as unknown as Guacamole.OutputStream, text);
    expect([blobs.length > 2, ended]).toEqual([true, true]);
    const input = new Guacamole.InputStream(null as never, 0);
    const read = readText(input, 1_000_000);
    for (const blob of blobs) {
      input.onblob?.(blob);
    }
    input.onend?.();
    expect(await read).toBe(text);
  });

  test("what lies beyond the limit is left out", async () => {
    const input = new Guacamole.InputStream(null as never, 0);
    const read = readText(input, 5);
    input.onblob?.(blobOf(new TextEncoder().encode("abcdefgh")));
    input.onblob?.("%%% not base64");
    input.onend?.();
    expect(await read).toBe("abcde");
  });
});

test("a dropped folder is all that lies in it, whole paths and all", async () => {
  const file = (name: string) => ({
    isFile: true,
    name,
    file: (give: (file: File) => void) => give(new File(["x"], name)),
  });
  const folder = (name: string, ...children: unknown[]) => ({
    isDirectory: true,
    name,
    createReader: () => ({ readEntries: (give: (some: unknown[]) => void) => give(children.splice(0, 2)) }),
  });
  const entries = [folder("run", file("a"), folder("raw", file("b")), file("c"), folder("empty")), file("d")];
  const data = { items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })), files: [] };
  const found = await dropped(data as unknown as DataTransfer);
  expect(found.map(({ path }) => path)).toEqual(["run/a", "run/raw/b", "run/c", "d"]);
});

/** A transfer that goes on when the test says so. */
class Stepped extends Transfer {
  protected override begin(): void {}
  override cancel(): void {}
  arrived(bytes: number): void {
    this.progress(bytes);
  }
}

test("a transfer that stalls at once shows what arrived", () => {
  vi.useFakeTimers();
  document.body.innerHTML = '<div id="file-transfer-dialog"><ul id="transfers"></ul></div>';
  const list = new TransferList({ events: new Emitter(), live: true } as unknown as Session);
  const transfer = new Stepped("reads.gz", "download", 1000);
  list.add(transfer);
  transfer.arrived(100);
  transfer.arrived(200);
  vi.advanceTimersByTime(250);
  expect(document.querySelector("#transfers .text")?.textContent).toMatch(/^30\s?% · /);
  expect(document.querySelector("progress")?.value).toBe(300);
  vi.useRealTimers();
});
