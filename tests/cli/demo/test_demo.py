"""`fanlight demo` as a process: links that work, and nothing left behind however it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import psutil
import pytest

from broker.cli.outcome import Exit
from proxyd.wire.instruction import InstructionParser
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]


class Demo:
    """One demo; `real_desktop` leaves Xvnc where it can be found."""

    def __init__(self, folder: Path, *, real_desktop: bool = False) -> None:
        self.folder = folder / "state"
        self.port = processes.free_port()
        self.environment = dict(os.environ)
        if not real_desktop:
            (folder / "bin").mkdir()
            for tool in ("bash", "sh", "sleep", "env"):
                found = shutil.which(tool)
                assert found is not None
                (folder / "bin" / tool).symlink_to(found)
            self.environment["PATH"] = str(folder / "bin")
        self.process: psutil.Popen[str] | None = None
        self.links: dict[str, str] = {}

    def command(self, *options: str) -> list[str]:
        start = "from broker.cli import main; main()"
        return [
            sys.executable,
            "-c",
            start,
            "demo",
            "--port",
            str(self.port),
            "--state",
            str(self.folder),
            *options,
        ]

    def start(self) -> dict[str, str]:
        self.process = psutil.Popen(
            self.command("--json"), env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )  # fmt: skip
        text = ""
        while not text.rstrip().endswith("}"):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            text += line
        self.links = json.loads(text)
        return self.links

    def family(self) -> list[psutil.Process]:
        """The demo and everything below it."""
        assert self.process is not None
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]

    def finish(self) -> tuple[int, str]:
        """Wait for the end; returns exit code and what was complained."""
        assert self.process is not None
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    yield made
    if made.process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            made.process.kill()
        made.finish()


def assert_gone(family: list[psutil.Process]) -> None:
    assert psutil.wait_procs(family, timeout=10)[1] == []


class Page:
    """What the page does with a link: open the tunnel and acknowledge frames."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._parser = InstructionParser()
        self.seen: list[Any] = []

    async def until(self, opcode: str) -> Any:
        """Read instructions until one of this opcode."""
        async with asyncio.timeout(20):
            while True:
                message = await self._socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, (message, self.seen[-5:])
                for instruction in self._parser.feed(message.data.encode()):
                    self.seen.append(instruction)
                    if instruction.opcode == "sync":
                        await self._socket.send_str(instruction.encode().decode())
                found = [instruction for instruction in self.seen if instruction.opcode == opcode]
                if found:
                    return found[0]


@contextlib.asynccontextmanager
async def opened(link: str):
    base, _, rest = link.partition("#/client/")
    identifier, _, query = rest.partition("?")
    padded = identifier + "=" * (-len(identifier) % 4)
    connection, kind, source = base64.urlsafe_b64decode(padded).decode().split("\0")
    parameters = {
        "token": query.removeprefix("token="), "GUAC_DATA_SOURCE": source, "GUAC_ID": connection, "GUAC_TYPE": kind,
        "GUAC_WIDTH": "800", "GUAC_HEIGHT": "600", "GUAC_DPI": "96", "GUAC_IMAGE": "image/png",
    }  # fmt: skip
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{base}websocket-tunnel", params=parameters, protocols=["guacamole"]) as socket,
    ):
        yield Page(socket)


async def test_both_links_open_a_session_that_draws(demo: Demo) -> None:
    links = await asyncio.to_thread(demo.start)
    for name in ("shell", "desktop"):
        async with opened(links[name]) as page:
            assert (await page.until("size")).args
            await page.until("sync")
            assert "error" not in {instruction.opcode for instruction in page.seen}
    family = demo.family()
    demo.process.send_signal(signal.SIGINT)
    code, errors = await asyncio.to_thread(demo.finish)
    assert (code, errors) == (0, "")
    assert_gone(family)


async def test_nothing_is_left_while_sessions_are_open(demo: Demo) -> None:
    links = await asyncio.to_thread(demo.start)
    async with opened(links["shell"]) as shell, opened(links["desktop"]) as desktop:
        await shell.until("sync")
        await desktop.until("sync")
        family = demo.family()
        demo.process.send_signal(signal.SIGTERM)
        code, errors = await asyncio.to_thread(demo.finish)
    assert (code, errors) == (0, "")
    assert_gone(family)


@pytest.mark.parametrize("victim", ["broker", "proxyd"])
def test_when_a_part_dies_all_stop_and_it_is_named(demo: Demo, victim: str) -> None:
    demo.start()
    family = demo.family()
    (died,) = [process for process in family[0].children() if process.cmdline()[3:4] == [victim]]
    died.kill()
    code, errors = demo.finish()
    assert code == Exit.FAILED
    assert errors.startswith(f"fanlight: {victim} ended with code -9")
    assert errors.count("\n") == 1
    assert_gone(family)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_even_a_demo_that_is_killed_leaves_nothing(demo: Demo) -> None:
    demo.start()
    family = demo.family()
    demo.process.kill()
    demo.finish()
    assert_gone(family)


def test_a_second_demo_takes_other_ports_and_another_folder(demo: Demo, tmp_path: Path) -> None:
    first = demo.start()
    (tmp_path / "second").mkdir()
    other = Demo(tmp_path / "second")
    other.folder = demo.folder
    try:
        second = other.start()
        assert second["folder"] != first["folder"]
    finally:
        other.process.terminate()
        assert other.finish()[0] == 0


def test_a_taken_port_is_named_with_its_holder_and_the_way_out(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", demo.port)):
        done = subprocess.run(demo.command(), capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == Exit.IN_USE
    assert done.stderr.count("\n") == 1
    assert f"port {demo.port} of 127.0.0.1 is taken by " in done.stderr
    assert f"process {os.getpid()}" in done.stderr
    assert "--port" in done.stderr


def test_on_a_terminal_enter_prints_fresh_links_and_ctrl_c_stops(demo: Demo) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        demo.command(), env=demo.environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )  # fmt: skip
    os.close(slave)
    seen = ""
    pattern = re.compile(r"token=([0-9A-F]{64})")

    def read_until(count: int) -> None:
        nonlocal seen
        while len(set(pattern.findall(seen))) < count or not seen.rstrip().endswith("─"):
            seen += os.read(master, 4096).decode(errors="replace")

    read_until(2)
    assert "Enter prints fresh links" in seen
    os.write(master, b"\n")
    read_until(4)
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    os.write(master, b"\x03")
    assert process.wait(timeout=30) == 0
    os.close(master)
    assert_gone(family)


async def test_where_there_is_an_x_server_the_desktop_is_a_real_one(tmp_path: Path) -> None:
    processes.require("Xvnc")
    processes.require("xterm")
    demo = Demo(tmp_path, real_desktop=True)
    links = await asyncio.to_thread(demo.start)
    family = demo.family()
    try:
        assert "Xvnc" in {process.name() for process in family}
        async with opened(links["desktop"]) as page:
            await page.until("sync")
    finally:
        demo.process.terminate()
        await asyncio.to_thread(demo.finish)
    assert_gone(family)
