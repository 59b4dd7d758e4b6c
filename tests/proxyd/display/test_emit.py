"""Operations to bytes, against the argument orders of the sheet."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image as PillowImage

from proxyd.display.emit import CURSOR_BUFFER, emit, stream, sync
from proxyd.display.ops import Copy, Cursor, Dispose, Fill, Image, Mask, Move, Op, Shade, Size
from proxyd.wire.instruction import BLOB_BYTES, InstructionParser


@pytest.mark.parametrize(
    ("op", "wire"),
    [
        (Size(1024, 768), b"4.size,1.0,4.1024,3.768;"),
        (Size(8, 17, -1), b"4.size,2.-1,1.8,2.17;"),
        (Fill(1, 2, 3, 4, 10, 20, 30), b"4.rect,1.0,1.1,1.2,1.3,1.4;5.cfill,2.14,1.0,2.10,2.20,2.30,3.255;"),
        (Copy(1, 2, 3, 4, 5, 6), b"4.copy,1.0,1.1,1.2,1.3,1.4,2.14,1.0,1.5,1.6;"),
        (
            Copy(8, 0, 8, 17, 16, 34, source=-1, layer=2, mask=Mask.SRC),
            b"4.copy,2.-1,1.8,1.0,1.8,2.17,2.12,1.2,2.16,2.34;",
        ),
        (
            Image(7, 8, 1, 1, "image/png", b"abc"),
            b"3.img,1.1,2.14,1.0,9.image/png,1.7,1.8;4.blob,1.1,4.YWJj;3.end,1.1;",
        ),
        (Move(1, 0, 16, 34, 2), b"4.move,1.1,1.0,2.16,2.34,1.2;"),
        (Shade(1, 0), b"5.shade,1.1,1.0;"),
        (Dispose(-3), b"7.dispose,2.-3;"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_bytes(op: Op, wire: bytes) -> None:
    assert emit(op) == wire


def test_sync_ends_a_frame() -> None:
    assert sync(12345, 2) == b"4.sync,5.12345,1.2;"


@pytest.mark.parametrize("size", [0, 1, BLOB_BYTES - 1, BLOB_BYTES, BLOB_BYTES + 1, 3 * BLOB_BYTES + 5])
def test_a_stream_carries_every_byte_in_blobs_that_peers_take(size: int) -> None:
    data = bytes(i * 7 % 256 for i in range(size))
    *blobs, end = InstructionParser().feed(stream(100, data))
    assert end == ("end", ("100",))
    assert all(
        blob.opcode == "blob" and blob.args[0] == "100" and len(blob.args[1]) <= 8064 for blob in blobs
    )
    assert b"".join(base64.b64decode(blob.args[1]) for blob in blobs) == data


@pytest.mark.parametrize(("width", "height"), [(2, 2), (0, 0)])
def test_a_pointer_is_drawn_into_its_buffer_first(width: int, height: int) -> None:
    data = bytes([255, 0, 0, 128] * (width * height))
    size, img, *blobs, _, cursor = InstructionParser().feed(emit(Cursor(1, 1, width, height, data)))
    shown = max(width, 1), max(height, 1)
    assert size == ("size", (str(CURSOR_BUFFER), str(shown[0]), str(shown[1])))
    assert img.args[2] == str(CURSOR_BUFFER)
    picture = PillowImage.open(io.BytesIO(b"".join(base64.b64decode(blob.args[1]) for blob in blobs)))
    assert picture.size == shown
    assert picture.convert("RGBA").getpixel((0, 0)) == ((255, 0, 0, 128) if width else (0, 0, 0, 0))
    hot = ("1", "1") if width else ("0", "0")
    assert cursor == ("cursor", (*hot, str(CURSOR_BUFFER), "0", "0", str(shown[0]), str(shown[1])))
