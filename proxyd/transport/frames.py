"""What workers and the transit process say before a stream's bytes: JSON objects with their length before them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

__all__ = ["MAX_FRAME", "encode_frame", "receive_frame", "send_frame"]

LENGTH_BYTES = 4
MAX_FRAME = 65536
"""Bytes of one object. Connection parameters are shorter, and servers' texts are cut."""

Frame = dict[str, Any]


def encode_frame(fields: Frame) -> bytes:
    """A U32 with the length, then the object.

    Raises:
        ValueError: it is too long.
    """
    data = json.dumps(fields).encode()
    if len(data) > MAX_FRAME:
        raise ValueError("the frame is too long")
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


async def send_frame(end: socket.socket, fields: Frame) -> None:
    """Write one object to a non-blocking socket.

    Raises:
        OSError: nobody reads.
    """
    await asyncio.get_running_loop().sock_sendall(end, encode_frame(fields))


async def receive_frame(end: socket.socket) -> Frame:
    """Read one object and not a byte more: what follows may be a stream.

    Raises:
        ConnectionError: the other end closed.
        ValueError: what came is no such object.
    """
    length = int.from_bytes(await _exactly(end, LENGTH_BYTES), "big")
    if length > MAX_FRAME:
        raise ValueError("the frame is too long")
    fields = json.loads(await _exactly(end, length))
    if not isinstance(fields, dict):
        raise ValueError("the frame is no object")  # noqa: TRY004 - it is what came that is wrong
    return fields


async def _exactly(end: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        chunk = await loop.sock_recv(end, size - len(data))
        if not chunk:
            raise ConnectionResetError("the other end closed")
        data += chunk
    return data
