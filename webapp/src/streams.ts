/** Bytes and text over Guacamole streams: base64 in blobs, UTF-8 inside. */
import type Guacamole from "guacamole-common-js";

/** Bytes in one blob: what every daemon and proxy on the way takes. */
export const BLOB_BYTES = 6048;

/** Bytes of a base64 blob; a broken one counts as empty. */
export function blobBytes(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** The base64 of at most `BLOB_BYTES` bytes. */
export function blobOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Collect the text of a stream; what lies beyond `limit` bytes is left out. */
export function readText(stream: Guacamole.InputStream, limit: number, acknowledge = false): Promise<string> {
  return new Promise((resolve) => {
    const decoder = new TextDecoder();
    let text = "";
    let room = limit;
    stream.onblob = (data) => {
      const bytes = blobBytes(data).subarray(0, room);
      room -= bytes.length;
      text += decoder.decode(bytes, { stream: true });
      if (acknowledge) {
        stream.sendAck("OK", 0);
      }
    };
    stream.onend = () => resolve(text + decoder.decode());
    if (acknowledge) {
      stream.sendAck("OK", 0);
    }
  });
}

/** Send text and end the stream. */
export function sendText(stream: Guacamole.OutputStream, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let offset = 0; offset < bytes.length; offset += BLOB_BYTES) {
    stream.sendBlob(blobOf(bytes.subarray(offset, offset + BLOB_BYTES)));
  }
  stream.sendEnd();
}
