"""TLS in front of the workers: the supervisor takes it off, and a worker gets one end of a socket pair.

The state of a TLS connection cannot be passed to another process, and only what is inside says which worker it is for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proxyd.settings import Settings

__all__ = ["TlsError", "server_context", "unwrap"]

READ_SIZE = 262144
"""Bytes taken at a time; as many may wait in either direction before reading stops."""


class TlsError(Exception):
    """A certificate or key cannot be used. The text names the setting."""


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """How peers are spoken to; None where no certificate is set.

    Raises:
        TlsError: a file cannot be read, or does not hold what it should.
    """
    certificate, key = settings.server_certificate, settings.server_key
    if certificate is None:
        if settings.client_authority is not None:
            raise TlsError("client-authority: needs server-certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _try("server-certificate", certificate, lambda: context.load_cert_chain(certificate, key))
    authority = settings.client_authority
    if authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        _try("client-authority", authority, lambda: context.load_verify_locations(authority))
    return context


def _try(setting: str, path: Path, load: Callable[[], None]) -> None:
    try:
        load()
    except OSError as error:  # ssl.SSLError is one
        raise TlsError(f"{setting}: {path} cannot be used: {error.strerror or error}") from None


async def unwrap(
    connection: socket.socket, context: ssl.SSLContext, timeout: float
) -> tuple[socket.socket, asyncio.Task[None]]:
    """Shake hands, and give back what is inside as a plain socket, with the task that carries it.

    Args:
        connection: an accepted socket; the caller may close its copy.
        context: see `server_context`.
        timeout: seconds for the handshake.

    Raises:
        OSError: the handshake failed.
    """
    loop = asyncio.get_running_loop()
    outer_reader = asyncio.StreamReader(limit=READ_SIZE)
    protocol = asyncio.StreamReaderProtocol(outer_reader)
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol, connection.dup(), ssl=context, ssl_handshake_timeout=timeout
    )
    outer = asyncio.StreamWriter(transport, protocol, outer_reader, loop)
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    inner_reader, inner = await asyncio.open_unix_connection(sock=ours, limit=READ_SIZE)
    carrying = asyncio.create_task(_carry((outer_reader, outer), (inner_reader, inner)), name="tls")
    return theirs, carrying


async def _carry(
    outer: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    inner: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Carry both ways until both directions have ended, or one of them broke."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(outer[0], inner[1]), name="tls in")
            group.create_task(_pump(inner[0], outer[1]), name="tls out")
    except* OSError:
        pass  # a peer is gone
    finally:
        for _, writer in (outer, inner):
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(READ_SIZE):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()
