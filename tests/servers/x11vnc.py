"""A real x11vnc (libvncserver) on an Xvfb.

with X11Vnc(password="display") as server:
    connect("127.0.0.1", server.port)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers import processes
from tests.servers.xdisplay import XDisplay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

__all__ = ["X11Vnc"]


class X11Vnc(XDisplay):
    """Xvfb on a free display and x11vnc on a free loopback port.

    Attributes:
        port: where it speaks RFB.
    """

    def __init__(
        self, width: int = 800, height: int = 600, *, password: str = "", options: Sequence[str] = ()
    ) -> None:
        super().__init__(width, height)
        self.port = processes.free_port()
        self._password = password
        self._options = list(options)

    def __enter__(self) -> Self:
        super().__enter__()
        secret = ["-passwd", self._password] if self._password else ["-nopw"]
        server = self.spawn(
            "x11vnc", "-display", self.display, "-rfbport", str(self.port), "-listen", "127.0.0.1", "-no6",
            "-forever", "-shared", "-quiet", "-noipv6", "-wait", "10", "-defer", "10", *secret, *self._options,
        )  # fmt: skip
        processes.wait_for_port(self.port, server)
        return self
