"""A small scripted guacd: any daemon of the protocol, for tests of a broker.

async with Guacd(["hostname", "port"]) as daemon:
    ...connect to daemon.port...
    peer = await daemon.accepted()
    peer.send("sync", 1)
    assert (await peer.next()).opcode == "key"
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import uuid
from typing import TYPE_CHECKING

from proxyd.wire.instruction import Instruction, InstructionParser, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

__all__ = ["Guacd", "Peer"]

SSH_PARAMETERS = ("hostname", "port", "username", "password", "private-key", "enable-sftp", "color-scheme")


class Peer:
    """One connection, after its handshake.

    Attributes:
        selected: what `select` asked for.
        said: the handshake's instructions by opcode.
        parameters: what `connect` gave, by name.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._parser = InstructionParser()
        self._waiting: list[Instruction] = []
        self.selected = ""
        self.said: dict[str, tuple[str, ...]] = {}
        self.parameters: dict[str, str] = {}
        self.connection_id = ""

    async def next(self, deadline: float = 30) -> Instruction | None:
        """The next instruction; None when the broker has closed."""
        async with asyncio.timeout(deadline):
            while not self._waiting:
                try:
                    data = await self._reader.read(65536)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self._waiting = self._parser.feed(data)
        return self._waiting.pop(0)

    async def until(self, opcode: str, deadline: float = 30) -> Instruction:
        """The next instruction with this opcode."""
        async with asyncio.timeout(deadline):
            while (instruction := await self.next(deadline)) is not None:
                if instruction.opcode == opcode:
                    return instruction
        raise AssertionError(f"closed before {opcode}")

    def send(self, *elements: str | int) -> None:
        """Send one instruction."""
        self.writer.write(encode(*elements))

    def send_raw(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    def close(self) -> None:
        """Close the connection."""
        self.writer.close()

    def die(self) -> None:
        """Vanish without a word."""
        self.writer.transport.abort()


class Guacd:
    """The daemon, as an async context manager.

    Attributes:
        port: where it listens; 0 with a path.
    """

    def __init__(
        self,
        parameters: Sequence[str] = SSH_PARAMETERS,
        *,
        version: str = "VERSION_1_5_0",
        path: str = "",
        tls: ssl.SSLContext | None = None,
        instead_of_args: bytes | None = None,
        instead_of_ready: bytes | None = None,
        with_ready: bytes = b"",
    ) -> None:
        """Describe it.

        Args:
            parameters: names in `args`.
            version: the first of them; empty for an old daemon.
            path: a Unix socket instead of a port.
            tls: speak TLS.
            instead_of_args: sent in the place of `args`.
            instead_of_ready: sent in the place of `ready`.
            with_ready: sent together with `ready`.
        """
        self.port = 0
        self.peers: list[Peer] = []
        self._parameters = list(parameters)
        self._version = version
        self._path = path
        self._tls = tls
        self._instead_of_args = instead_of_args
        self._instead_of_ready = instead_of_ready
        self._with_ready = with_ready
        self._accepted: asyncio.Queue[Peer] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        if self._path:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for peer in self.peers:
            peer.die()
        await self._server.wait_closed()

    async def accepted(self, deadline: float = 30) -> Peer:
        """The next connection that completed its handshake."""
        async with asyncio.timeout(deadline):
            return await self._accepted.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        with contextlib.suppress(ConnectionError, TimeoutError):
            select = await peer.next()
            if select is None or select.opcode != "select":
                writer.close()
                return
            peer.selected = select.args[0]
            if self._instead_of_args is not None:
                peer.send_raw(self._instead_of_args)
                return
            version = [self._version] if self._version else []
            peer.send("args", *version, *self._parameters)
            while (instruction := await peer.next()) is not None:
                if instruction.opcode == "connect":
                    values = instruction.args[len(version) :]
                    peer.parameters = dict(zip(self._parameters, values, strict=True))
                    break
                peer.said[instruction.opcode] = instruction.args
            else:
                return
            if self._instead_of_ready is not None:
                peer.send_raw(self._instead_of_ready)
                return
            peer.connection_id = f"${uuid.uuid4()}"
            peer.send_raw(encode("ready", peer.connection_id) + self._with_ready)
            self._accepted.put_nowait(peer)
