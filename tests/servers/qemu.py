"""QEMU's built-in VNC server: a machine without a disk, which stays in its firmware's text screen.

with Qemu(password="display") as server:
    connect("127.0.0.1", server.port)
"""

from __future__ import annotations

import json
import socket
import tempfile
from contextlib import ExitStack
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
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qemu-")))
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def _start(self, stack: ExitStack) -> None:
        monitor = self._folder / "monitor"
        self.port = processes.free_port()
        while self.port < 5900:
            self.port = processes.free_port()
        secret = ",password=on" if self._password else ""
        process = processes.start(
            "qemu-system-x86_64", "-M", "pc", "-m", "64", "-nodefaults", "-vga", "std", "-accel", "tcg",
            "-boot", "menu=on,splash-time=60000", "-device", "usb-ehci", "-device", "usb-tablet",
            "-qmp", f"unix:{monitor},server=on,wait=off",
            "-vnc", f"127.0.0.1:{self.port - 5900}{secret}{self._vnc}", *self._options,
        )  # fmt: skip
        stack.callback(processes.stop, process)
        processes.wait_for_port(self.port, process)
        self._monitor = stack.enter_context(socket.socket(socket.AF_UNIX))
        self._monitor.settimeout(10)
        self._monitor.connect(str(monitor))
        self._answers = stack.enter_context(self._monitor.makefile("r"))
        self.ask("qmp_capabilities")
        if self._password:
            self.ask("set_password", protocol="vnc", password=self._password)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Run a command of QEMU's monitor (QMP) and return its answer.

        What else it says is passed over: events, and a second greeting to who connects while it starts.
        """
        self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self._answers.readline())
            assert "error" not in answer, f"{command}: {answer['error']}"
            if "return" in answer:
                return answer["return"]

    def screenshot(self) -> NDArray[np.uint8]:
        """The screen's pixels: (height, width, 3), R G B."""
        path = self._folder / "screen.ppm"
        self.ask("screendump", filename=str(path))
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
