"""Real programs over a real sshd: whatever they wrote, the screen is the one that tmux and pyte make of it."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pyte
import pytest

from proxyd.instances.console import CLEAR
from proxyd.instances.parameters import Arguments
from proxyd.instances.ssh import SshInstance
from tests.captures.terminal.record import COLUMNS, PROGRAMS, ROWS, SETUP, Program, tmux_screen
from tests.fakes.desk import FakeDesk
from tests.proxyd.terminal.screens import picture, shown
from tests.proxyd.terminal.test_captures import PYTE_DIFFERS
from tests.servers import processes
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real

WIDTH, HEIGHT = 816, 472
"""Pixels for 80 columns and 24 rows of the packaged font."""
QUIET = 0.15
"""Seconds without output after which the next keys are typed."""
LONGEST = 20.0
AT_ONCE = 4


class Seen(NamedTuple):
    """What a program wrote, and what was on our screen then."""

    data: bytes
    rows: list[str]
    cursor: tuple[int, int]


class Watch:
    """One program in a session of its own."""

    def __init__(self, server: Sshd, home: Path, program: Program) -> None:
        command = f"cd {home}/project && exec env HOME={home} LANG=C.UTF-8 TZ=UTC sh -c {shlex.quote(program.command)}"
        arguments = {
            "hostname": "127.0.0.1",
            "port": str(server.port),
            "username": server.user,
            "private-key": server.private_key,
            "command": command,
        }
        self._desk = FakeDesk(WIDTH, HEIGHT)
        self._instance = SshInstance(Arguments(SshInstance.PARAMETERS, arguments), self._desk)
        self._keys = program.keys
        self._data = b""
        self._wrote = asyncio.Event()
        console = self._instance._console
        feed = console.feed

        def tap(data: bytes, work: int = 0) -> bool:
            self._data += data
            self._wrote.set()
            return feed(data, work)

        console.feed = tap  # type: ignore[method-assign]

    async def run(self) -> Seen:
        console = self._instance._console
        async with asyncio.timeout(LONGEST), self._desk.running(self._instance):
            await self._rest()
            for keys in self._keys:
                console.type(keys.encode())
                await self._rest()
            screen = console.terminal.screen
            assert (screen.columns, screen.rows) == (COLUMNS, ROWS)
            return Seen(self._data, picture(console.terminal), (screen.x, screen.y))

    async def _rest(self) -> None:
        """Wait until the program wrote something at all, and then nothing for a while."""
        while True:
            self._wrote.clear()
            try:
                await asyncio.wait_for(self._wrote.wait(), QUIET)
            except TimeoutError:
                if self._data.removeprefix(CLEAR):
                    return


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Seen]]:
    """All programs, a few at a time."""
    home = tmp_path_factory.mktemp("home")
    environment = os.environ | {"HOME": str(home)}
    subprocess.run(["sh", "-ec", SETUP], env=environment, check=True, stdout=subprocess.DEVNULL)
    with Sshd() as server:
        yield asyncio.run(_watch_all(server, home))
    subprocess.run(["tmux", "-S", home / "socket", "kill-server"], check=False, capture_output=True)


async def _watch_all(server: Sshd, home: Path) -> dict[str, Seen]:
    room = asyncio.Semaphore(AT_ONCE)

    async def one(program: Program) -> Seen:
        async with room:
            return await Watch(server, home, program).run()

    programs = {name: program for name, program in PROGRAMS.items() if _is_there(program)}
    found = await asyncio.gather(*map(one, programs.values()))
    return dict(zip(programs, found, strict=True))


def _is_there(program: Program) -> bool:
    """Its name stands at the beginning or behind `exec`."""
    words = program.command.rpartition("exec ")[2].split()
    builtin = words[0] in {"printf", "for"}
    there = builtin or shutil.which(words[0]) is not None
    assert there or os.environ.get("CI") != "true", words[0]
    return there


def test_the_screens_are_those_of_tmux(seen: dict[str, Seen]) -> None:
    processes.require("tmux")
    for name, (data, rows, cursor) in seen.items():
        *lines, place = tmux_screen(data).removesuffix("\n").split("\n")
        expected = shown(COLUMNS, ROWS, "".join(f"\x1b[{y + 1}H{line}" for y, line in enumerate(lines)))
        assert rows == picture(expected), name
        assert f"{cursor[0]} {cursor[1]}" == place, name


def test_the_screens_are_those_of_pyte(seen: dict[str, Seen]) -> None:
    for name, (data, rows, _) in seen.items():
        if name not in PYTE_DIFFERS:
            screen = pyte.Screen(COLUMNS, ROWS)
            pyte.ByteStream(screen).feed(data)
            assert rows == [line.rstrip() for line in screen.display], name


def test_something_was_there_to_compare(seen: dict[str, Seen]) -> None:
    for name, (_, rows, _) in seen.items():
        assert len("".join(rows).split()) > 3, name
