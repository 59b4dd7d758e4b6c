"""Recordings of real servers, decoded to the screens that those servers had."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image as PillowImage

from proxyd.display.ops import Copy, Fill, Image, Indexed, Pixels, Size
from proxyd.rfb.encodings import Encoding
from tests.captures.rfb.record import HERE, TAKES, agree, picture_of
from tests.fakes.canvas import Canvas
from tests.rfb_replay import Drawn, Replay


def replayed(name: str) -> tuple[Replay, list[Drawn]]:
    replay = Replay((HERE / f"{name}.rfb").read_bytes())
    return replay, [drawn for update in replay.updates() for drawn in update]


@pytest.mark.parametrize("name", TAKES)
def test_a_recording_ends_with_the_screen_of_its_server(name: str) -> None:
    replay, rectangles = replayed(name)
    canvas = Canvas()
    canvas.apply(Size(replay.screen.width, replay.screen.height))
    for drawn in rectangles:
        for op in drawn.ops:
            canvas.apply(op)
    with PillowImage.open(picture_of(name)) as screen:
        assert agree(np.asarray(screen.convert("RGB")), canvas.picture(), TAKES[name])


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("xvnc-tight", {Fill, Indexed, Pixels, Copy}),
        ("xvnc-tight-jpeg", {Fill, Indexed, Image, Copy}),
        ("x11vnc-tight-jpeg", {Image}),
        ("qemu-tightpng", {Image}),
        ("qemu-tight", {Fill, Indexed}),
        ("qemu-zrle", {Indexed}),
        ("qemu-hextile", {Indexed}),
    ],
)
def test_what_needs_no_pixel_work_gets_none(name: str, kinds: set[type]) -> None:
    _, rectangles = replayed(name)
    assert kinds <= Counter(type(op) for drawn in rectangles for op in drawn.ops).keys()


def test_every_encoding_that_servers_here_speak_was_recorded() -> None:
    seen = {drawn.encoding for name in TAKES for drawn in replayed(name)[1]}
    assert seen == {
        Encoding.RAW, Encoding.COPYRECT, Encoding.RRE, Encoding.HEXTILE, Encoding.ZLIB, Encoding.TIGHT,
        Encoding.TIGHT_PNG, Encoding.ZRLE,
    }  # fmt: skip
