"""The way to proxyd, or to any daemon of the protocol: connect, shake hands, hand back a stream of instructions."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from proxyd.wire.framing import Splitter
from proxyd.wire.instruction import Instruction, InstructionParser, WireError, encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from pathlib import Path

    from proxyd.wire.handshake import ClientHandshake

__all__ = [
    "Address",
    "Load",
    "Upstream",
    "answers",
    "ask",
    "ask_load",
    "connect",
    "end_session",
    "open_relay",
]

READ_SIZE = 262144
"""Bytes read at once, and bytes that wait before reading from the socket pauses."""
WRITE_LIMIT = 262144
"""Bytes that wait for the daemon before whoever writes has to wait."""
HANDSHAKE_TIMEOUT = 15.0
PROBE_TIMEOUT = 2.0
FAREWELL = 5.0
"""Seconds that a daemon has to take the last bytes of a closed connection."""
MAX_ANSWER = 4096
"""Bytes of an answer to a single instruction."""
SECRET_PARAMETERS = ("private-key", "sftp-private-key")
GATEWAY_SECRETS = '"private-key"'
"""What stands in `jump-hosts` where it holds a key."""


@dataclass(frozen=True)
class Address:
    """Where the daemon listens.

    Attributes:
        host: name or address; empty with a socket path.
        port: its port.
        path: a Unix socket instead.
        tls: how to verify it; None speaks plainly.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    tls: ssl.SSLContext | None = None

    @classmethod
    def several(
        cls,
        hostnames: str,
        port: int,
        *,
        secure: bool,
        authority: Path | None,
        identity: tuple[Path, Path] | None = None,
    ) -> list[Address]:
        """Read a list of hosts, each of them as `of` takes it or with a port of its own: `one:4822, two`.

        Raises:
            OSError: a file cannot be read.
        """
        found = []
        for name in filter(None, (part.strip() for part in hostnames.split(","))):
            host, colon, own = name.rpartition(":")
            has_port = bool(colon) and own.isdigit() and (":" not in host or host.endswith("]"))
            found.append(
                cls.of(
                    host.strip("[]") if has_port else name,
                    int(own) if has_port else port,
                    secure=secure,
                    authority=authority,
                    identity=identity,
                )
            )
        return found

    @classmethod
    def of(
        cls,
        hostname: str,
        port: int,
        *,
        secure: bool,
        authority: Path | None,
        identity: tuple[Path, Path] | None = None,
    ) -> Address:
        """Read `guacd-hostname` and its companions; a path or `unix:PATH` is a Unix socket.

        Args:
            hostname: where.
            port: its port.
            secure: speak TLS.
            authority: file that the daemon's certificate must descend from; the system's where not given.
            identity: files with our own certificate and key, for daemons that want to know who calls.

        Raises:
            OSError: the authority's file cannot be read.
        """
        path = hostname.removeprefix("unix:") if hostname.startswith(("unix:", "/")) else ""
        if path:
            return cls(path=path)
        tls = ssl.create_default_context(cafile=str(authority) if authority else None) if secure else None
        if tls is not None and identity is not None:
            tls.load_cert_chain(*identity)
        return cls(host=hostname, port=port, tls=tls)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Upstream:
    """A connection to the daemon after its handshake.

    Attributes:
        connection_id: `$` and a UUID, as the daemon named the connection.
        waiting_since: the loop's clock when somebody began to wait for the daemon's word; None while nobody does.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        splitter: Splitter,
        connection_id: str,
        early: bytes,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._splitter = splitter
        self._early = early
        self.connection_id = connection_id
        self.waiting_since: float | None = None
        self._clock = asyncio.get_running_loop().time

    async def read(self) -> bytes:
        """The next whole instructions; empty once the daemon has closed.

        Raises:
            StatusError: the daemon broke the protocol (UPSTREAM_ERROR).
        """
        whole, self._early = self._early, b""
        while not whole:
            self.waiting_since = self._clock()
            try:
                data = await self._reader.read(READ_SIZE)
            except OSError:
                return b""
            finally:
                self.waiting_since = None
            if not data:
                return b""
            try:
                whole = self._splitter.split(data)
                if not whole.isascii():
                    whole.decode()
            except (WireError, UnicodeDecodeError):
                raise StatusError(Status.UPSTREAM_ERROR, "The daemon broke the protocol.") from None
        return whole

    async def write(self, data: bytes) -> None:
        """Send instructions; waits while the daemon is slow. A closed connection is for `read` to notice."""
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    def write_soon(self, data: bytes) -> None:
        """Send a few bytes without waiting; dropped where the daemon is so slow that others wait already."""
        transport = self._writer.transport
        if not transport.is_closing() and transport.get_write_buffer_size() < WRITE_LIMIT:
            transport.write(data)

    def close(self, goodbye: bytes = b"") -> None:
        """Close the connection: what was written is still delivered, for a while; `read` sees the end.

        Args:
            goodbye: a last instruction.
        """
        transport = self._writer.transport
        if transport.is_closing():  # a TLS transport bears no second close
            return
        transport.write(goodbye)
        transport.close()
        if transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(FAREWELL, transport.abort)


async def connect(address: Address, handshake: ClientHandshake, *, allow_insecure: bool = False) -> Upstream:
    """Open a connection and shake hands.

    Args:
        address: where the daemon listens.
        handshake: what is asked of it.
        allow_insecure: let a private key cross plain TCP to another host.

    Raises:
        StatusError: the daemon is not there, refused, or would get a private key in clear text.
    """
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT):
            reader, writer = await _open(address)
            try:
                if not allow_insecure:
                    _check_privacy(address, writer, handshake)
                return await _shake_hands(reader, writer, handshake)
            except BaseException:
                writer.transport.abort()
                raise
    except TimeoutError:
        raise StatusError(Status.UPSTREAM_TIMEOUT, "The session daemon did not answer in time.") from None
    except ssl.SSLError:
        raise StatusError(Status.UPSTREAM_ERROR, "The session daemon's certificate is not trusted.") from None
    except OSError:
        raise StatusError(Status.UPSTREAM_UNAVAILABLE, "The session daemon is not answering.") from None


async def answers(address: Address) -> bool:
    """Whether something accepts connections there, within `PROBE_TIMEOUT`."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_TIMEOUT):
            _, writer = await _open(address)
            writer.transport.abort()
            return True
    return False


class Load(NamedTuple):
    """What a proxyd says of itself.

    Attributes:
        sessions: that run.
        room: that may run.
        draining: whether it takes no new ones.
        workers: sessions of each worker process, -1 for one that is down; empty where it does not say.
    """

    sessions: int
    room: int
    draining: bool
    workers: tuple[int, ...] = ()


async def open_relay(
    address: Address, words: bytes, answer: bytes, *, allow_insecure: bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection that carries other bytes than instructions after its first one.

    Args:
        address: where the daemon listens.
        words: the first instruction; it holds a secret.
        answer: what the daemon says if it agrees.
        allow_insecure: let the secret cross plain TCP to another host.

    Raises:
        StatusError: the daemon is not there, does not agree, or would get a secret in clear text.
    """
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT):
            reader, writer = await _open(address)
            try:
                if not allow_insecure:
                    _check_way(address, writer)
                writer.write(words)
                if await reader.readexactly(len(answer)) != answer:
                    raise StatusError(Status.UPSTREAM_ERROR, "The session daemon takes no connectors.")
            except BaseException:
                writer.transport.abort()
                raise
            return reader, writer
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        raise StatusError(Status.UPSTREAM_UNAVAILABLE, "The session daemon takes no connectors.") from None


async def ask(address: Address, words: bytes, limit: int, seconds: float) -> list[Instruction]:
    """What a daemon answers to an instruction, up to so many bytes.

    Raises:
        OSError: nothing in time, or no instructions.
    """
    try:
        return await _say(address, words, limit, seconds)
    except WireError:
        raise ConnectionResetError("no instructions") from None


async def ask_load(address: Address) -> Load | None:
    """How a daemon is; None for one that answers but has no word for it.

    Raises:
        OSError: it does not answer within `PROBE_TIMEOUT`, or its certificate is not trusted.
    """
    try:
        match await _say(address, encode("status")):
            case [Instruction("status", (sessions, room, draining, *workers)), *_]:
                return Load(int(sessions), int(room), draining == "1", tuple(map(int, workers)))
    except OSError:  # that of a certificate is a ValueError, too
        raise
    except (WireError, ValueError):
        pass
    return None


async def end_session(address: Address, connection_id: str, reason: str) -> bool:
    """Have a daemon end a session, telling who looks why; False where it did not."""
    with contextlib.suppress(OSError, WireError):
        return await _say(address, encode("end", connection_id, reason)) == [Instruction("disconnect")]
    return False


async def _say(
    address: Address, words: bytes, limit: int = MAX_ANSWER, seconds: float = PROBE_TIMEOUT
) -> list[Instruction]:
    """What a daemon answers to an instruction, until it closes.

    Raises:
        OSError: nothing in time.
        WireError: no instructions.
    """
    async with asyncio.timeout(seconds):
        reader, writer = await _open(address)
        try:
            writer.write(words)
            answer = b""
            while len(answer) < limit and (data := await reader.read(limit)):
                answer += data
            return InstructionParser().feed(answer)
        except ConnectionResetError:
            return []
        finally:
            writer.transport.abort()


async def _open(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.path:
        reader, writer = await asyncio.open_unix_connection(address.path, limit=READ_SIZE)
    else:
        reader, writer = await asyncio.open_connection(
            address.host, address.port, limit=READ_SIZE, ssl=address.tls
        )
    writer.transport.set_write_buffer_limits(WRITE_LIMIT)
    return reader, writer


def _check_privacy(address: Address, writer: asyncio.StreamWriter, handshake: ClientHandshake) -> None:
    parameters = handshake.parameters
    if GATEWAY_SECRETS in parameters.get("jump-hosts", "") or any(
        parameters.get(name) for name in SECRET_PARAMETERS
    ):
        _check_way(address, writer)


def _check_way(address: Address, writer: asyncio.StreamWriter) -> None:
    """Let a secret pass to this host, or to any by TLS.

    Raises:
        StatusError: it would cross plain TCP to another host.
    """
    if address.path or address.tls is not None:
        return
    peer = ipaddress.ip_address(writer.get_extra_info("peername")[0].partition("%")[0])
    if not (getattr(peer, "ipv4_mapped", None) or peer).is_loopback:
        raise StatusError(
            Status.SERVER_ERROR, "A private key may not cross plain TCP to another host: set guacd-ssl."
        )


async def _shake_hands(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handshake: ClientHandshake
) -> Upstream:
    writer.write(handshake.start())
    splitter, parser = Splitter(), InstructionParser()
    while True:
        data = await reader.read(READ_SIZE)
        if not data:
            raise StatusError(Status.UPSTREAM_ERROR, "The session daemon closed during the handshake.")
        try:
            instructions = parser.feed(splitter.split(data))
        except WireError:
            raise StatusError(Status.UPSTREAM_ERROR, "The session daemon broke the protocol.") from None
        for index, instruction in enumerate(instructions):
            writer.write(handshake.receive(instruction))
            if handshake.connection_id:
                early = b"".join(later.encode() for later in instructions[index + 1 :])
                return Upstream(reader, writer, splitter, handshake.connection_id, early)
