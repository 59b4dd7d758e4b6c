"""Streams to hosts inside the network: names resolved here, the list enforced here, and the stages of a test."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.permits import Permits

__all__ = ["DeniedError", "Inside", "NotReachedError"]

MAX_NAME = 253
SHORTEST = 1.0
"""Seconds that one of many addresses gets at least."""
BANNER = 64
"""Bytes of a banner that are looked at."""
BANNER_TIMEOUT = 3.0


class DeniedError(Exception):
    """The connector's list does not permit the target."""


class NotReachedError(Exception):
    """The host inside is unknown or does not answer. The text names it and says which."""


class Inside:
    """Opens what may be opened."""

    def __init__(self, permits: Permits, timeout: float) -> None:
        """Set the rules.

        Args:
            permits: what may be opened.
            timeout: seconds for name and connection together.
        """
        self.permits = permits
        self._timeout = timeout

    async def open(self, make: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """Open a stream; returns (transport, protocol).

        Raises:
            DeniedError: not permitted.
            NotReachedError: no such name, or nothing answers.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._dial(make, await self._addresses(host, port), host, port)
        except TimeoutError:
            raise self._silent(host, port) from None

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Those addresses of the host that may be dialled."""
        permitted = self.permits.permitted(host, port, await resolve(host))
        if not permitted:
            raise DeniedError(f"{host}:{port} is not in the connector's allowed-targets")
        return permitted

    async def _dial(
        self, make: Callable[[], Any], addresses: Sequence[str], host: str, port: int
    ) -> tuple[Any, Any]:
        loop = asyncio.get_running_loop()
        failure = NotReachedError(f"{host} cannot be reached on port {port}")
        share = max(self._timeout / len(addresses), SHORTEST)  # one that is silent leaves time for the others
        for address in addresses:
            try:
                async with asyncio.timeout(share):
                    return await loop.create_connection(make, address, port)
            except ConnectionRefusedError:
                failure = NotReachedError(f"{host} refused the connection on port {port}")
            except TimeoutError:
                failure = self._silent(host, port)
            except OSError:
                continue
        raise failure

    def _silent(self, host: str, port: int) -> NotReachedError:
        return NotReachedError(f"{host} timed out on port {port}, after {self._timeout:g} seconds")

    async def stages(self, host: str, port: int) -> list[dict[str, Any]]:
        """Try a target stage by stage: name, permit, TCP, banner; the first failure is the last stage."""
        found: list[dict[str, Any]] = []

        def note(stage: str, began: float, detail: str, *, passed: bool = True) -> None:
            milliseconds = round((time.monotonic() - began) * 1000, 1)
            found.append({"stage": stage, "passed": passed, "detail": detail, "milliseconds": milliseconds})

        stage, began = "name", time.monotonic()
        try:
            async with asyncio.timeout(self._timeout + BANNER_TIMEOUT):
                addresses = await resolve(host)
                note(stage, began, ", ".join(addresses))
                stage, began = "permit", time.monotonic()
                permitted = await self._addresses(host, port)
                note(stage, began, ", ".join(permitted))
                stage, began = "tcp", time.monotonic()
                transport, protocol = await self._dial(_Listening, permitted, host, port)
                note(stage, began, f"port {port} is open")
                stage, began = "banner", time.monotonic()
                try:
                    note(stage, began, await protocol.said())
                finally:
                    transport.abort()
        except TimeoutError:
            note(stage, began, "no answer in time", passed=False)
        except (DeniedError, NotReachedError) as error:
            note(stage, began, str(error), passed=False)
        return found


async def resolve(host: str) -> list[str]:
    """The addresses of a name or of an address, as this network knows them.

    Raises:
        NotReachedError: there is none.
    """
    unknown = NotReachedError(f"The name {host[:MAX_NAME]} is not known in the private network")
    if not host or len(host) > MAX_NAME or not host.isprintable():
        raise unknown
    with contextlib.suppress(ValueError):
        return [str(ipaddress.ip_address(host))]  # names that nobody answers for keep the resolver's threads
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise unknown from None
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


class _Listening(asyncio.Protocol):
    """Hears the first bytes of a server."""

    def __init__(self) -> None:
        self._heard = b""
        self._enough = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._heard = (self._heard + data)[:BANNER]
        self._enough.set()

    def connection_lost(self, _: Exception | None) -> None:
        self._enough.set()

    async def said(self) -> str:
        """What kind of server it seems to be; an HTTP server, say, waits for us to speak first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BANNER_TIMEOUT):
                await self._enough.wait()
        line = self._heard.partition(b"\n")[0].decode("ascii", "replace").strip()
        shown = "".join(character if character.isprintable() else "?" for character in line)
        for begin, kind in (("SSH-", "SSH"), ("RFB ", "VNC")):
            if line.startswith(begin):
                return f"{kind}: {shown}"
        return f"unknown: {shown}" if shown else "the server waits for the client to speak"
