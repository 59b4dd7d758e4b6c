"""What a machine says first, through whatever leads there: SSH and VNC servers greet before they are spoken to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncssh

if TYPE_CHECKING:
    from proxyd.transport import Transport

__all__ = ["greeting"]

MAX_BANNER = 4096
"""Bytes before the line that says SSH; servers may greet first (RFC 4253 section 4.2)."""
GREETINGS = (b"SSH-", b"RFB ")


async def greeting(transport: Transport, host: str, port: int) -> str:
    """The line with which an SSH or VNC server begins; empty where something else answers. Waits as long as it takes.

    Raises:
        StatusError: nothing answers.
    """
    banner = _Banner()
    opened, _ = await transport.create_connection(lambda: banner, host, port)
    try:
        return await banner.line
    finally:
        opened.close()


class _Banner(asyncssh.SSHTCPSession[bytes], asyncio.Protocol):
    """Waits for that line, on a socket or on another machine's stream."""

    def __init__(self) -> None:
        self.line: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._data = b""

    def connection_made(self, transport: object) -> None:
        """See `asyncio.Protocol`."""

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """See `asyncio.Protocol`."""
        self._data += data[:MAX_BANNER]
        for line in self._data.split(b"\n")[:-1]:
            if line.startswith(GREETINGS):
                self._tell("".join(filter(str.isprintable, line[:255].decode("ascii", "replace"))))
        if len(self._data) >= MAX_BANNER:
            self._tell("")

    def eof_received(self) -> bool:
        """See `asyncio.Protocol`."""
        self._tell("")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._tell("")

    def _tell(self, line: str) -> None:
        if not self.line.done():
            self.line.set_result(line)
