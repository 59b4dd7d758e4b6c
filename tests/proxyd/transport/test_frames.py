"""The words between workers and the transit process."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

from proxyd.transport.frames import MAX_FRAME, encode_frame, receive_frame, send_frame
from tests.cuts import every_cut


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


async def test_a_frame_is_read_however_it_is_cut_and_not_a_byte_more() -> None:
    fields = {"ask": "Kód: ", "echo": False}
    for pieces in every_cut(encode_frame(fields) + b"SSH"):
        ours, theirs = pair()
        with ours, theirs:
            reading = asyncio.create_task(receive_frame(ours), name="read")
            for piece in pieces:
                await asyncio.get_running_loop().sock_sendall(theirs, piece)
            assert await reading == fields
            assert ours.recv(10) == b"SSH"


@pytest.mark.parametrize(
    "data", [(MAX_FRAME + 1).to_bytes(4, "big"), b"\0\0\0\2[]", b"\0\0\0\1{", b"\0\0\0\3\xff\xff\xff"]
)
async def test_what_is_no_frame_is_refused_before_it_is_read(data: bytes) -> None:
    ours, theirs = pair()
    with ours, theirs:
        theirs.sendall(data)
        with pytest.raises(ValueError, match=r".+"):
            await receive_frame(ours)


async def test_an_end_that_is_gone_is_an_error() -> None:
    ours, theirs = pair()
    with ours:
        theirs.close()
        with pytest.raises(ConnectionError):
            await receive_frame(ours)


async def test_frames_have_an_end() -> None:
    ours, theirs = pair()
    with ours, theirs:
        with pytest.raises(ValueError, match="too long"):
            await send_frame(ours, {"ask": "x" * MAX_FRAME})
        await send_frame(ours, {"ok": True})
        assert json.loads(theirs.recv(100)[4:]) == {"ok": True}
