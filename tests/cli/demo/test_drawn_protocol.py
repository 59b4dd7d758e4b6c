"""The RFB server core, byte by byte (RFC 6143 section 7)."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.cli.demo.drawn.protocol import (
    Clipboard,
    Event,
    Key,
    PixelFormat,
    Pointer,
    Rect,
    ResizeWanted,
    RfbServer,
    RfbServerError,
    UpdateWanted,
)
from broker.cli.demo.vncauth import response
from tests.cuts import every_cut

CHALLENGE = bytes(range(16))
PASSWORD = "display"
HANDSHAKE = b"RFB 003.008\n\x02" + response(PASSWORD, CHALLENGE) + b"\x01"

MESSAGES: list[tuple[bytes, Event]] = [
    (bytes.fromhex("03 01 0000 0000 0500 0320"), UpdateWanted(whole=False)),
    (bytes.fromhex("03 00 0000 0000 0500 0320"), UpdateWanted(whole=True)),
    (bytes.fromhex("04 01 0000 0000ff0d"), Key(0xFF0D, pressed=True)),
    (bytes.fromhex("04 00 0000 010003bb"), Key(0x010003BB, pressed=False)),
    (bytes.fromhex("05 05 0102 0304"), Pointer(0x102, 0x304, 5)),
    (bytes.fromhex("06 000000 00000003") + b"zo\xeb", Clipboard("zoë")),
    (
        bytes.fromhex("fb 00 0320 0258 01 00 00000001 0000 0000 0320 0258 00000000"),
        ResizeWanted(800, 600),
    ),
]


def server() -> RfbServer:
    return RfbServer(PASSWORD, CHALLENGE, 1280, 800, "demo")


def ready() -> RfbServer:
    made = server()
    made.receive(HANDSHAKE)
    made.take_output()
    return made


def test_handshake_says_what_the_standard_says() -> None:
    viewer = server()
    viewer.receive(HANDSHAKE)
    assert viewer.ready
    assert viewer.take_output() == (
        b"RFB 003.008\n"
        + bytes([1, 2])
        + CHALLENGE
        + bytes(4)
        + bytes.fromhex("0500 0320 20 18 00 01 00ff 00ff 00ff 10 08 00 000000")
        + struct.pack(">I", 4)
        + b"demo"
    )


def test_events_are_the_same_however_the_bytes_are_cut() -> None:
    stream = HANDSHAKE + b"".join(message for message, _ in MESSAGES)
    for pieces in every_cut(stream):
        viewer = server()
        events = [event for piece in pieces for event in viewer.receive(piece)]
        assert events == [event for _, event in MESSAGES]


def test_wrong_password_is_refused_with_a_reason() -> None:
    viewer = server()
    viewer.receive(b"RFB 003.008\n\x02")
    viewer.take_output()
    with pytest.raises(RfbServerError, match="wrong password"):
        viewer.receive(bytes(16))
    assert viewer.take_output() == struct.pack(">II", 1, 14) + b"Wrong password"
    assert not viewer.ready


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"RFB 003.003\n", "3.8"),
        (b"RFB 003.008\n\x01", "not offered"),
        (HANDSHAKE + b"\x63", "unknown message type 99"),
        (HANDSHAKE + bytes.fromhex("06 000000 7fffffff"), "too large"),
        (HANDSHAKE + bytes.fromhex("00 000000 20 18 00 00 00ff 00ff 00ff 10 08 00 000000"), "true colour"),
        (HANDSHAKE + bytes.fromhex("00 000000 18 18 00 01 00ff 00ff 00ff 10 08 00 000000"), "true colour"),
        (
            HANDSHAKE + bytes.fromhex("00 000000 08 08 00 01 0007 0007 0003 00 03 40 000000"),
            "out of the pixel",
        ),
    ],
)
def test_a_viewer_that_breaks_the_protocol_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(RfbServerError, match=reason):
        server().receive(data)


@given(st.binary(max_size=200))
def test_garbage_gives_events_or_the_one_error(data: bytes) -> None:
    viewer = ready()
    try:
        viewer.receive(data)
    except RfbServerError:
        return


def test_update_holds_pixels_in_the_format_the_viewer_chose() -> None:
    viewer = ready()
    colours = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)
    viewer.receive(
        bytes.fromhex("00 000000 10 10 01 01 001f 003f 001f 0b 05 00 000000")
    )  # 16 bits, big-endian
    viewer.send_update(
        [viewer.raw(Rect(3, 4, 2, 1), colours), viewer.copy(Rect(1, 2, 9, 9), Rect(5, 6, 9, 9))]
    )
    assert viewer.take_output() == bytes.fromhex(
        "00 00 0002  0003 0004 0002 0001 00000000 f800 07e0  0005 0006 0009 0009 00000001 0001 0002"
    )


def test_the_default_format_is_little_endian_bgrx() -> None:
    assert PixelFormat().encode(np.array([[[1, 2, 3]]], np.uint8)) == bytes([3, 2, 1, 0])


def test_clipboard_and_size_are_encoded_as_the_standard_says() -> None:
    viewer = ready()
    viewer.send_clipboard("zoë 🙂")
    assert viewer.take_output() == bytes.fromhex("03 000000 00000005") + b"zo\xeb ?"
    assert viewer.desktop_size(800, 600, reason=1, status=3) == bytes.fromhex(
        "0001 0003 0320 0258 fffffecc 01 000000 00000000 0000 0000 0320 0258 00000000"
    )
