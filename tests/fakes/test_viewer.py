"""The model browser draws the same from instructions as from the operations they were made of."""

from __future__ import annotations

import numpy as np
import pytest

from proxyd.display.emit import emit, sync
from proxyd.display.encode import encode
from proxyd.display.ops import (
    Copy,
    Cursor,
    Dispose,
    Fill,
    Image,
    Indexed,
    Mask,
    Move,
    Op,
    Pixels,
    Shade,
    Size,
)
from tests.fakes.canvas import Canvas
from tests.fakes.viewer import Viewer

NOISE = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8).tobytes()
OPS: list[Op] = [
    Size(100, 80),
    Fill(0, 0, 100, 80, 10, 20, 30),
    Pixels(5, 6, 30, 20, NOISE),
    Indexed(50, 6, 9, 2, 1, bytes(4), b"\1\2\3\4\5\6"),
    Copy(5, 6, 30, 20, 20, 15),
    Size(40, 40, 3),
    Fill(0, 0, 40, 40, 200, 0, 0, 128, layer=3),
    Move(3, 0, 10, 10, 1),
    Shade(3, 200),
    Fill(2, 2, 9, 9, 0, 0, 0, layer=3, mask=Mask.ROUT),
    Size(8, 8, -2),
    Fill(0, 0, 8, 8, 9, 9, 200, layer=-2),
    Copy(0, 0, 8, 8, 90, 70, source=-2),
    Cursor(1, 2, 3, 2, bytes(range(231, 255))),
    Dispose(-2),
]


def encoded(op: Op) -> Op:
    return encode(op, accepts=frozenset()) if isinstance(op, Pixels | Indexed) else op


def test_instructions_draw_what_operations_draw() -> None:
    canvas, viewer = Canvas(), Viewer()
    for op in OPS:
        canvas.apply(op)
    data = b"".join(emit(encoded(op)) for op in OPS) + sync(77, 1)
    for start in range(0, len(data), 100):
        assert viewer.feed(data[start : start + 100]) == []
    assert np.array_equal(viewer.canvas.picture(), canvas.picture())
    assert viewer.canvas.pointer is not None
    assert canvas.pointer is not None
    assert viewer.canvas.pointer[:4] == canvas.pointer[:4]
    assert viewer.syncs == [77]
    assert [mimetype for mimetype, _ in viewer.pictures] == ["image/png"] * 3


def test_what_is_not_drawing_is_handed_on() -> None:
    viewer = Viewer()
    others = viewer.feed(b"4.name,3.abc;9.clipboard,1.0,10.text/plain;4.blob,1.0,4.YWJj;3.end,1.0;")
    assert [other.opcode for other in others] == ["name", "clipboard"]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"3.img,1.1,2.14,1.0,9.image/png,1.0,1.0;4.sync,1.5;", id="a frame ends inside an image"),
        pytest.param(b"4.rect,1.0,1.0,1.0,1.5,1.5;4.sync,1.5;", id="a frame ends inside a path"),
        pytest.param(emit(Image(0, 0, 1, 1, "image/jpeg", encoded(Pixels(0, 0, 1, 1, b"abc")).data)), id="a PNG says JPEG"),
    ],
)  # fmt: skip
def test_what_stalls_a_browser_fails(data: bytes) -> None:
    with pytest.raises(AssertionError):
        Viewer().feed(data)
