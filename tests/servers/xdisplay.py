"""A real X display: programs run on it, its picture is read by `xwd`, a path that knows nothing of VNC."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.servers import processes

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["XDisplay"]


class XDisplay:
    """An X server on a free display, as a context manager.

    Attributes:
        display: `:7`.
        environment: for programs that shall appear on it.
    """

    program = "Xvfb"

    def __init__(self, width: int = 800, height: int = 600, depth: int = 24) -> None:
        self._command = self.command(width, height, depth)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._terminals: list[Terminal] = []
        self.display = ""
        self.environment: dict[str, str] = {}

    def command(self, width: int, height: int, depth: int) -> list[str]:
        """The server's command line, without `-displayfd`."""
        return [self.program, "-screen", "0", f"{width}x{height}x{depth}", "-nolisten", "tcp", "-noreset"]

    def __enter__(self) -> Self:
        readable, writable = os.pipe()
        server = processes.start(*self._command, "-displayfd", str(writable), pass_fds=[writable])
        self._processes.append(server)
        os.close(writable)
        with open(readable) as announced:  # noqa: PTH123
            number = announced.readline().strip()
        if not number:
            self.close()
            pytest.fail(f"{self.program} did not start")
        self.display = f":{number}"
        self.environment = {**os.environ, "DISPLAY": self.display}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The server's process, for those who measure it."""
        return self._processes[0].pid

    def close(self) -> None:
        """Stop every program on the display, then the display."""
        while self._processes:
            processes.stop(self._processes.pop())
        while self._terminals:
            self._terminals.pop().close()

    def spawn(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on the display; it is stopped with it."""
        process = processes.start(*command, env=self.environment, **options)
        self._processes.append(process)
        return process

    def run(self, *command: str, text: str = "") -> str:
        """Run a program to its end and return its output."""
        done = subprocess.run(
            [processes.require(command[0]), *command[1:]],
            env=self.environment, input=text, capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        return done.stdout

    def screenshot(self) -> NDArray[np.uint8]:
        """The screen's pixels: (height, width, 3), R G B."""
        dump = subprocess.run(
            [processes.require("xwd"), "-root", "-silent"],
            env=self.environment, capture_output=True, timeout=20, check=True,
        ).stdout  # fmt: skip
        return _pixels(dump)

    def pointer(self) -> tuple[int, int]:
        """Where the pointer is."""
        said = dict(
            line.split("=", 1) for line in self.run("xdotool", "getmouselocation", "--shell").splitlines()
        )
        return int(said["X"]), int(said["Y"])

    def size(self) -> tuple[int, int]:
        """The screen's size."""
        width, height = self.run("xdotool", "getdisplaygeometry").split()
        return int(width), int(height)

    def copy(self, text: str) -> None:
        """Put text on the clipboard, as a program here would."""
        owner = self.spawn("xclip", "-selection", "clipboard", "-quiet", stdin=subprocess.PIPE)
        assert owner.stdin
        owner.stdin.write(text.encode())
        owner.stdin.close()

    def pasted(self) -> str:
        """What a program here would paste; empty while there is nothing. Waits for the owner: call it in a thread."""
        done = subprocess.run(
            [processes.require("xclip"), "-selection", "clipboard", "-o", "-t", "UTF8_STRING"],
            env=self.environment, capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        return done.stdout.decode("utf-8", "replace")

    def typed(self) -> Terminal:
        """A window over the whole screen that notes what is typed into it."""
        terminal = Terminal(self)
        self._terminals.append(terminal)
        return terminal


class Terminal:
    """An xterm that has the focus and notes what is typed into it."""

    def __init__(self, screen: XDisplay) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="typed-")
        self._file = Path(self._folder.name) / "text"
        self._file.touch()
        screen.spawn(
            "xterm", "-u8", "-class", "Typed", "-geometry", "200x100+0+0",
            "-e", "sh", "-c", f"stty raw -echo; echo ready; exec cat >{self._file}",
        )  # fmt: skip
        processes.wait_for(lambda: self._focus(screen), "an xterm on the screen")

    @staticmethod
    def _focus(screen: XDisplay) -> bool:
        found = subprocess.run(
            [processes.require("xdotool"), "search", "--onlyvisible", "--class", "Typed", "windowfocus", "--sync"],
            env=screen.environment, capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        return found.returncode == 0

    def close(self) -> None:
        """Forget what was typed."""
        self._folder.cleanup()

    def text(self) -> str:
        """Everything typed so far."""
        return self._file.read_bytes().decode("utf-8", "replace")


def _pixels(dump: bytes) -> NDArray[np.uint8]:
    header = np.frombuffer(dump, ">u4", 25)
    start = int(header[0]) + 12 * int(header[19])
    width, height, bits, stride = (int(header[i]) for i in (4, 5, 11, 12))
    assert bits == 32, f"xwd gave {bits} bits a pixel"
    order = "<u4" if header[7] == 0 else ">u4"
    rows = np.frombuffer(dump, order, height * stride // 4, start).reshape(height, stride // 4)[:, :width]
    channels = [
        (rows & mask) >> (int(mask) & -int(mask)).bit_length() - 1
        for mask in (header[14], header[15], header[16])
    ]
    return np.stack(channels, axis=-1).astype(np.uint8)
