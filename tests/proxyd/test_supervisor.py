"""Supervisor and workers as real processes, with sessions on a real Xvnc."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from proxyd.wire.status import Status
from tests.fakes.browser import Browser
from tests.servers.proxyd import ROOT, Proxyd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def xvnc() -> Iterator[Xvnc]:
    with Xvnc(320, 240) as server:
        yield server


async def until(fact: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(30):
        while not fact():
            await asyncio.sleep(0.02)
    assert fact(), what


async def desktop(daemon: Proxyd, xvnc: Xvnc) -> Browser:
    browser = await Browser.connect(daemon.address)
    await browser.open("vnc", {"hostname": "127.0.0.1", "port": str(xvnc.port)})
    await browser.until("sync")
    return browser


def serving(daemon: Proxyd, port: int) -> list[int]:
    """For each worker, its connections to the instance."""
    return [
        sum(c.raddr != () and c.raddr.port == port for c in worker.net_connections())
        for worker in daemon.workers()
    ]


async def test_sessions_are_spread_over_the_workers(xvnc: Xvnc) -> None:
    async with Proxyd(workers=2) as daemon:
        browsers = [await desktop(daemon, xvnc) for _ in range(4)]
        assert serving(daemon, xvnc.port) == [2, 2]
        for browser in browsers:
            await browser.close()
        await until(lambda: serving(daemon, xvnc.port) == [0, 0], "every session ended")


async def test_who_asks_is_told_how_much_each_worker_has(xvnc: Xvnc) -> None:
    async with Proxyd(workers=2) as daemon:
        owners = [await desktop(daemon, xvnc) for _ in range(3)]
        asker = await Browser.connect(daemon.address)
        asker.send("status")
        sessions, room, draining, *each = (await asker.until("status")).args
        assert (sessions, draining, sorted(each)) == ("3", "0", ["1", "2"])
        assert int(room) > 3
        for browser in [*owners, asker]:
            await browser.close()


async def test_an_id_finds_its_worker(xvnc: Xvnc) -> None:
    async with Proxyd(workers=2) as daemon:
        owners = [await desktop(daemon, xvnc) for _ in range(4)]
        for owner in owners:
            joiner = await Browser.connect(daemon.address)
            await joiner.open(owner.connection_id)
            assert joiner.connection_id == owner.connection_id
            await joiner.until("sync")
            await joiner.close()
            await owner.close()


async def test_a_killed_worker_takes_its_own_sessions_only_and_is_replaced(xvnc: Xvnc) -> None:
    async with Proxyd(workers=2) as daemon:
        first, second = await desktop(daemon, xvnc), await desktop(daemon, xvnc)
        before = daemon.workers()
        victim, survivor = before
        victim.kill()
        lost, kept = first, second
        ended = {asyncio.create_task(b.end(20), name=str(i)): b for i, b in enumerate((first, second))}
        done, pending = await asyncio.wait(ended, timeout=15, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1, "exactly the victim's session ended"
        lost, kept = ended[done.pop()], ended[task := pending.pop()]
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        kept.send("size", 400, 300)
        kept.send("mouse", 5, 5, 0)
        joiner = await Browser.connect(daemon.address)
        await joiner.open(kept.connection_id)
        await joiner.until("sync")
        await until(lambda: len(daemon.workers()) == 2 and victim not in daemon.workers(), "a new worker")
        assert survivor in daemon.workers()
        late = await Browser.connect(daemon.address)
        late.send("select", lost.connection_id)
        assert (await late.until("error")).args[1] == str(Status.RESOURCE_NOT_FOUND.code)
        again = [await desktop(daemon, xvnc) for _ in range(2)]
        await until(lambda: min(serving(daemon, xvnc.port)) >= 1, "the new worker serves")
        for browser in [first, second, joiner, late, *again]:
            await browser.close()


async def test_sigterm_tells_everybody_and_leaves_no_process(xvnc: Xvnc) -> None:
    async with Proxyd(workers=2) as daemon:
        browser = await desktop(daemon, xvnc)
        family = [psutil.Process(daemon.pid), *psutil.Process(daemon.pid).children(recursive=True)]
        stopping = asyncio.create_task(daemon.stop())
        error = await browser.until("error")
        assert error.args[1] == str(Status.SESSION_CLOSED.code)
        await stopping
        assert daemon.returncode == 0, daemon.log
        assert not [process for process in family if process.is_running()]
        await browser.close()


async def test_draining_waits_for_the_last_session(xvnc: Xvnc) -> None:
    """People are told and may leave and come back; nobody begins anything; then it is gone by itself."""
    async with Proxyd(workers=2, FANLIGHT_DRAIN_TIMEOUT="600") as daemon:
        owner = await Browser.connect(daemon.address)
        keeping = {
            "hostname": "127.0.0.1",
            "port": str(xvnc.port),
            "detach-timeout": "60",
            "session-owner": "w",
        }
        await owner.open("vnc", keeping)
        await owner.until("sync")
        psutil.Process(daemon.pid).terminate()
        notice = await owner.until("msg")
        assert notice.args[1:] == ("restarting", "600")

        late = await Browser.connect(daemon.address)
        late.send("select", "vnc")
        assert (await late.until("error")).args[1] == str(Status.SERVER_BUSY.code)
        asker = await Browser.connect(daemon.address)
        asker.send("status")
        assert (await asker.until("status")).args[0:3:2] == ("1", "1")

        await owner.close()
        again = await Browser.connect(daemon.address)
        await again.open(owner.connection_id, {"session-owner": "w"})
        await again.until("sync")
        assert daemon.returncode is None
        again.send("disconnect")
        await again.end()
        await until(lambda: daemon.returncode == 0, "it is gone")
        for browser in (late, asker, again):
            await browser.close()


async def test_draining_ends_at_its_deadline(xvnc: Xvnc) -> None:
    async with Proxyd(workers=1, FANLIGHT_DRAIN_TIMEOUT="0.5") as daemon:
        browser = await desktop(daemon, xvnc)
        psutil.Process(daemon.pid).terminate()
        assert (await browser.until("error")).args[1] == str(Status.SESSION_CLOSED.code)
        await until(lambda: daemon.returncode == 0, "it is gone")
        await browser.close()


async def test_a_killed_supervisor_leaves_no_worker(xvnc: Xvnc) -> None:
    async with Proxyd(workers=2) as daemon:
        workers = daemon.workers()
        psutil.Process(daemon.pid).send_signal(signal.SIGKILL)
        await until(lambda: not any(worker.is_running() for worker in workers), "the workers went too")


NONSENSE = {
    b"3.nop;": Status.CLIENT_BAD_REQUEST,
    b"6.select,3.rdp;": Status.UNSUPPORTED,
    b"6.select,5.$nope;": Status.RESOURCE_NOT_FOUND,
    b"\x16\x03\x01\x02\x00\x01": Status.CLIENT_BAD_REQUEST,
    b"GET / HTTP/1.1\r\n\r\n": Status.CLIENT_BAD_REQUEST,
}


async def test_nonsense_is_answered_and_nobody_else_notices(xvnc: Xvnc) -> None:
    async with Proxyd(workers=1) as daemon:
        neighbour = await desktop(daemon, xvnc)
        for wire, status in NONSENSE.items():
            async with await Browser.connect(daemon.address) as stranger:
                stranger.send_raw(wire)
                await stranger.end()
                assert [i.args[1] for i in stranger.received if i.opcode == "error"] == [str(status.code)], (
                    wire
                )
        assert "Traceback" not in daemon.log
        neighbour.send("mouse", 5, 5, 0)
        neighbour.send("nop")
        await neighbour.close()


async def test_a_unix_socket_serves_as_well(tmp_path: Path, xvnc: Xvnc) -> None:
    path = tmp_path / "proxyd.sock"
    command = [sys.executable, "-m", "proxyd", "--bind", f"unix:{path}", "--workers", "1"]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        await until(path.exists, "the socket is there")
        assert path.stat().st_mode & 0o007 == 0
        async with await Browser.connect(str(path)) as browser:
            await browser.open("vnc", {"hostname": "127.0.0.1", "port": str(xvnc.port)})
            await browser.until("sync")
        taken = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        assert taken.returncode == 98
        assert "cannot listen on" in taken.stderr
        assert len(taken.stderr.strip().splitlines()) == 1
    finally:
        process.terminate()
        await process.wait()
    assert not path.exists()
