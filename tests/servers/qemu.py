"""QEMU's built-in VNC server: a machine without a disk, which stays in its firmware's text screen.

with Qemu(password="display") as server:
    connect("127.0.0.1", server.port)
"""

from __future__ import annotations

import json
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["Qemu"]


class Qemu:
    """qemu-system-x86_64 on a free loopback port, as a context manager.

    Attributes:
        port: where it speaks RFB.
    """

    def __init__(self, *, password: str = "", vnc: str = "", options: Sequence[str] = ()) -> None:
        """Describe the machine; it starts on entering.

        Args:
            password: for VncAuth; none means no authentication.
            vnc: more of the `-vnc` options, e.g. `,lossy=on`.
            options: more of its options.
        """
        self.port = 0
        self._password = password
        self._vnc = vnc
        self._options = list(options)

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="qemu-")
        try:
            self._start(Path(self._folder.name) / "monitor")
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def _start(self, monitor: Path) -> None:
        self.port = processes.free_port()
        while self.port < 5900:
            self.port = processes.free_port()
        secret = ",password=on" if self._password else ""
        self._process = processes.start(
            "qemu-system-x86_64", "-M", "pc", "-m", "64", "-nodefaults", "-vga", "std", "-accel", "tcg",
            "-boot", "menu=on,splash-time=60000", "-device", "usb-ehci", "-device", "usb-tablet",
            "-qmp", f"unix:{monitor},server=on,wait=off",
            "-vnc", f"127.0.0.1:{self.port - 5900}{secret}{self._vnc}", *self._options,
        )  # fmt: skip
        processes.wait_for_port(self.port, self._process)
        self._monitor = socket.socket(socket.AF_UNIX)
        self._monitor.settimeout(10)
        self._monitor.connect(str(monitor))
        self._answers = self._monitor.makefile("r")
        self._answers.readline()
        self.ask("qmp_capabilities")
        if self._password:
            self.ask("set_password", protocol="vnc", password=self._password)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answers.close()
        self._monitor.close()
        processes.stop(self._process)
        self._folder.cleanup()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Run a command of QEMU's monitor (QMP) and return its answer."""
        self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self._answers.readline())
            if "event" not in answer:
                return answer["return"]

    def screenshot(self) -> NDArray[np.uint8]:
        """The screen's pixels: (height, width, 3), R G B."""
        path = Path(self._folder.name) / "screen.ppm"
        self.ask("screendump", filename=str(path))
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
