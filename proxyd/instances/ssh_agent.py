"""An SSH agent that holds the one key of a connection, for programs on the instance (draft-ietf-sshm-ssh-agent)."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncssh

__all__ = ["answer", "serving"]

MAX_MESSAGE = 256 * 1024
"""Bytes, as OpenSSH has it."""
FAILURE, REQUEST_IDENTITIES, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE = 5, 11, 12, 13, 14
_RSA = {2: b"rsa-sha2-256", 4: b"rsa-sha2-512"}
"""Flags of a request for an RSA key's signature."""


def answer(message: bytes, pair: asyncssh.SSHKeyPair) -> bytes:
    """The agent's answer to one message, both without their lengths.

    Args:
        message: from a program on the instance; nothing in it is trusted.
        pair: the key.
    """
    if message[:1] == bytes([REQUEST_IDENTITIES]):
        return bytes([IDENTITIES_ANSWER]) + struct.pack(">I", 1) + _string(pair.public_data) + _string(b"")
    if message[:1] == bytes([SIGN_REQUEST]):
        try:
            blob, rest = _take_string(message[1:])
            data, rest = _take_string(rest)
            (flags,) = struct.unpack(">I", rest)
        except (struct.error, ValueError):
            return bytes([FAILURE])
        if blob == pair.public_data:
            wanted = _RSA.get(flags, pair.sig_algorithms[0])
            if wanted in pair.sig_algorithms:
                pair.set_sig_algorithm(wanted)
            return bytes([SIGN_RESPONSE]) + _string(pair.sign(data))
    return bytes([FAILURE])


@contextlib.asynccontextmanager
async def serving(pair: asyncssh.SSHKeyPair) -> AsyncIterator[str]:
    """Serve a key on a socket that only this process's user can reach; gives its path."""
    with tempfile.TemporaryDirectory(prefix="fanlight-agent-") as folder:
        path = Path(folder) / "agent"
        server = await asyncio.start_unix_server(lambda reader, writer: _serve(reader, writer, pair), path)
        try:
            yield str(path)
        finally:
            server.close()


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: asyncssh.SSHKeyPair
) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
        while True:
            (length,) = struct.unpack(">I", await reader.readexactly(4))
            if length > MAX_MESSAGE:
                return
            writer.write(_string(answer(await reader.readexactly(length), pair)))
            await writer.drain()


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _take_string(data: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">I", data)
    if length > len(data) - 4:
        raise ValueError("a string is cut off")
    return data[4 : 4 + length], data[4 + length :]
