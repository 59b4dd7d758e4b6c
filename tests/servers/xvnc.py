"""A real TigerVNC server.

with Xvnc(password="display") as server:
    connect("127.0.0.1", server.port)
    server.spawn("xterm")
    server.screenshot()
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import processes
from tests.servers.xdisplay import XDisplay

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

__all__ = ["Xvnc"]


class Xvnc(XDisplay):
    """Xvnc on a free display and a free loopback port.

    Attributes:
        port: where it speaks RFB.
    """

    program = "Xvnc"

    def __init__(
        self,
        width: int = 800,
        height: int = 600,
        depth: int = 24,
        *,
        password: str = "",
        security: str = "",
        options: Sequence[str] = (),
    ) -> None:
        """Describe the server; it starts on entering.

        Args:
            width, height: pixels.
            depth: bits of colour.
            password: for the VNC types; without one the default security is None.
            security: `SecurityTypes`, e.g. `X509Vnc,TLSNone`.
            options: more of its options.
        """
        self.port = processes.free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="xvnc-")
        self._security = security or ("VncAuth" if password else "None")
        self._password = password
        self._options = list(options)
        super().__init__(width, height, depth)

    def command(self, width: int, height: int, depth: int) -> list[str]:
        """See `XDisplay.command`."""
        return [
            self.program, "-geometry", f"{width}x{height}", "-depth", str(depth), "-rfbport", str(self.port),
            "-interface", "127.0.0.1", "-SecurityTypes", self._security, "-nolisten", "tcp", "-noreset",
            "-UseBlacklist=0", *self._secret(), *self._options,
        ]  # fmt: skip

    def __enter__(self) -> Self:
        super().__enter__()
        processes.wait_for_port(self.port, self._processes[0])
        return self

    def close(self) -> None:
        """See `XDisplay.close`."""
        super().close()
        self._folder.cleanup()

    def _secret(self) -> list[str]:
        if not self._password:
            return []
        path = Path(self._folder.name) / "passwd"
        obscured = subprocess.run(
            [processes.require("tigervncpasswd"), "-f"],
            input=self._password.encode(), capture_output=True, check=True,
        ).stdout  # fmt: skip
        path.write_bytes(obscured)
        return ["-PasswordFile", str(path)]
