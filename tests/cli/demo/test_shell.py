"""The demo's SSH server, from the side of an SSH client."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import psutil
import pytest

from broker.cli.demo.shell import ShellServer
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KEY = asyncssh.generate_private_key("ssh-ed25519", comment="demo")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = ShellServer("demo", KEY)
    yield await server.start()
    await server.stop()


def connect(port: int, user: str = "demo", key: asyncssh.SSHKey = KEY) -> asyncssh.misc._ACMWrapper:
    return asyncssh.connect(
        "127.0.0.1", port, username=user, client_keys=[key], known_hosts=None, config=None
    )


async def read_until(stream: asyncssh.SSHReader[str], pattern: str) -> re.Match[str]:
    text = ""
    async with asyncio.timeout(30):
        while (found := re.search(pattern, text)) is None:
            text += await stream.read(4096)
            assert not stream.at_eof(), text
    return found


async def gone(children: list[psutil.Process]) -> None:
    """Wait for processes to end; `psutil.wait_procs` would take their exit codes away from the server."""
    async with asyncio.timeout(30):
        while any(runs(child) for child in children):
            await asyncio.sleep(0.02)


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("user", "key"), [("demo", asyncssh.generate_private_key("ssh-ed25519")), ("root", KEY)]
)
async def test_only_the_one_key_of_the_one_user_comes_in(port: int, user: str, key: asyncssh.SSHKey) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(port, user, key)


@pytest.fixture(params=[signal.SIG_DFL, signal.SIG_IGN], ids=["in the foreground", "in the background"])
def interrupt(request: pytest.FixtureRequest) -> Iterator[None]:
    """As shells begin programs: those in the background hear no Ctrl-C, and neither would what they begin."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupt")
async def test_a_login_shell_runs_in_a_terminal_that_follows_the_clients_size(port: int) -> None:
    async with connect(port) as connection:
        shell = await connection.create_process(term_type="xterm-256color", term_size=(91, 37))
        shell.stdin.write("echo [$(stty size)] $TERM $0 $(tty)\n")
        seen = await read_until(shell.stdout, r"\[37 91\] xterm-256color (-\S+) (/dev/\S+)")
        assert seen[1].startswith("-")
        shell.change_terminal_size(55, 22)
        shell.stdin.write("echo [$(stty size)]\n")
        await read_until(shell.stdout, r"\[22 55\]")
        shell.stdin.write("PS1='ready> '; sh -c 'echo is-$((6*7)); exec sleep 60'\n")
        await read_until(shell.stdout, "is-42")
        shell.stdin.write("\x03")
        # what is typed before the shell is back may be thrown away with what was interrupted
        await read_until(shell.stdout, r"\^C[^$]*ready> ")
        shell.stdin.write("exit 7\n")
        assert (await shell.wait(timeout=30)).exit_status == 7


async def test_a_command_without_a_terminal_keeps_its_streams_apart(port: int) -> None:
    async with connect(port) as connection:
        done = await connection.run("wc -c; echo problem >&2; exit 3", input="x" * 300_000, timeout=30)
    assert (done.stdout, done.stderr, done.exit_status) == ("300000\n", "problem\n", 3)


async def test_a_signal_that_ends_the_command_is_told(port: int) -> None:
    async with connect(port) as connection:
        done = await connection.run("kill -TERM $$", timeout=30)
    assert done.exit_signal is not None
    assert done.exit_signal[0] == "TERM"


async def test_a_flood_arrives_whole(port: int) -> None:
    async with connect(port) as connection:
        done = await connection.run(
            "head -c 2000000 /dev/zero | tr '\\0' x", term_type="xterm", encoding=None, timeout=30
        )
    assert done.stdout == b"x" * 2_000_000


async def test_files_begin_in_the_home_folder(port: int, tmp_path: Path) -> None:
    async with connect(port) as connection, connection.start_sftp_client() as files:
        assert await files.realpath(".") == str(Path.home().resolve())
        assert await files.realpath("/home/demo/x") == str(Path.home().resolve() / "x")
        await files.put(__file__, str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == Path(__file__).read_bytes()


async def test_stopping_hangs_up_and_leaves_no_process() -> None:
    server = ShellServer("demo", KEY)
    port = await server.start()
    ours = psutil.Process()
    async with connect(port) as connection:
        shell = await connection.create_process(term_type="xterm")
        shell.stdin.write("sleep 61 & echo is-$((6*7))\n")
        await read_until(shell.stdout, "is-42")
        quiet = await connection.create_process("sleep 62")
        children = ours.children(recursive=True)
        assert len(children) >= 2
        await server.stop()
        await asyncio.gather(shell.wait_closed(), quiet.wait_closed())
    await gone(children)


async def test_a_client_that_leaves_takes_its_shell_along(port: int) -> None:
    async with connect(port) as connection:
        shell = await connection.create_process("cat", term_type="xterm")
        shell.stdin.write("hello\n")
        await read_until(shell.stdout, "hello")
        children = psutil.Process().children(recursive=True)
        assert children
    await gone(children)


@pytest.mark.real
async def test_openssh_accepts_it(port: int, tmp_path: Path) -> None:
    ssh = processes.require("ssh")
    key = tmp_path / "key"
    key.write_bytes(KEY.export_private_key())
    key.chmod(0o600)
    client = await asyncio.create_subprocess_exec(
        ssh, "-F", "none", "-i", str(key), "-p", str(port), "-o", "StrictHostKeyChecking=no",
        "-o", f"UserKnownHostsFile={os.devnull}", "-tt", "demo@127.0.0.1",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(client.communicate(b"echo $((6*7)); exit 5\n"), 20)
    assert b"\r42\r\n" in output
    assert client.returncode == 5
