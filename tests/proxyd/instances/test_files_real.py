"""Files of a real instance: over the shell's connection, beside a desktop, and by escape sequences."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.browser import Browser
from tests.servers.proxyd import Proxyd
from tests.servers.sshd import Sshd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with Sshd() as server:
        yield server


@pytest.fixture
async def daemon() -> AsyncIterator[Proxyd]:
    async with Proxyd() as running:
        yield running


def shell(sshd: Sshd, **more: str) -> dict[str, str]:
    given = {
        "hostname": "127.0.0.1",
        "port": str(sshd.port),
        "username": sshd.user,
        "private-key": sshd.private_key,
    }
    return given | {"enable-sftp": "true"} | {name.replace("_", "-"): value for name, value in more.items()}


async def opened(daemon: Proxyd, protocol: str, arguments: dict[str, str]) -> Browser:
    browser = await Browser.connect(daemon.address)
    await browser.open(protocol, arguments)
    await browser.until("sync")
    return browser


async def download(browser: Browser, path: str) -> tuple[str, bytes]:
    browser.forget()
    browser.send("get", 0, path)
    body = await browser.until("body")
    assert body.args[3] == path
    return body.args[2], await content(browser, body.args[1])


async def content(browser: Browser, stream: str) -> bytes:
    browser.send("ack", stream, "OK", 0)
    data = b""
    while (
        part := await browser.until(lambda i: i.opcode in {"blob", "end"} and i.args[0] == stream)
    ).opcode == "blob":
        data += base64.b64decode(part.args[1])
        browser.send("ack", stream, "OK", 0)
    return data


async def upload(browser: Browser, path: str, data: bytes) -> str:
    """Send a file, waiting for each acknowledgement; returns the last status."""
    browser.send("put", 0, 5, "application/octet-stream", path)
    status = (await browser.until("ack")).args[2]
    for start in range(0, len(data), 6048):
        if status != "0":
            return status
        browser.send("blob", 5, base64.b64encode(data[start : start + 6048]).decode())
        status = (await browser.until("ack")).args[2]
    browser.send("end", 5)
    return (await browser.until("ack")).args[2]


DATA = bytes(i * 7919 % 256 for i in range(300_000))


async def test_a_shell_lists_downloads_and_uploads(daemon: Proxyd, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(DATA)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    async with await opened(daemon, "ssh", shell(sshd)) as browser:
        assert (await browser.until("filesystem")).args == ("0", "/")
        mimetype, listing = await download(browser, str(tmp_path))
        assert mimetype.endswith("stream-index+json")
        kinds = {path.removeprefix(f"{tmp_path}/"): kind for path, kind in json.loads(listing).items()}
        assert {name for name, kind in kinds.items() if kind.endswith("json")} == {"folder", "link"}
        assert kinds["data.bin"].startswith(f"application/octet-stream;size={len(DATA)};modified=")
        assert (await download(browser, f"{tmp_path}/data.bin"))[1] == DATA
        assert await upload(browser, f"{tmp_path}/new.bin", DATA) == "0"
        assert (tmp_path / "new.bin").read_bytes() == DATA
        assert (tmp_path / "new.bin").stat().st_mode & 0o777 == 0o600
        (tmp_path / "data.bin").chmod(0o644)
        assert await upload(browser, f"{tmp_path}/data.bin", b"short") == "0"
        assert (tmp_path / "data.bin").read_bytes() == b"short"
        assert (tmp_path / "data.bin").stat().st_mode & 0o777 == 0o644
        assert await upload(browser, str(tmp_path), b"x") == "517"
        assert not list(tmp_path.glob("*.part"))


async def test_several_files_travel_side_by_side(daemon: Proxyd, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(DATA)
    async with await opened(daemon, "ssh", shell(sshd)) as browser:
        await browser.until("filesystem")
        parts = [DATA[start : start + 6000] for start in range(0, 60_000, 6000)]
        for stream in (5, 6, 7):
            browser.send("put", 0, stream, "application/octet-stream", f"{tmp_path}/new{stream}")
            await browser.until("ack")
        for part in parts:
            for stream in (5, 6, 7):
                browser.send("blob", stream, base64.b64encode(part[stream:]).decode())
                assert (await browser.until("ack")).args[2] == "0"
        assert (await download(browser, f"{tmp_path}/there"))[1] == DATA
        for stream in (5, 6, 7):
            browser.send("end", stream)
            assert (await browser.until(lambda i: i.opcode == "ack")).args[2] == "0"
            assert (tmp_path / f"new{stream}").read_bytes() == b"".join(part[stream:] for part in parts)


async def test_a_broken_upload_leaves_nothing(daemon: Proxyd, sshd: Sshd, tmp_path: Path) -> None:
    browser = await opened(daemon, "ssh", shell(sshd))
    await browser.until("filesystem")
    browser.send("put", 0, 5, "application/octet-stream", f"{tmp_path}/half")
    await browser.until("ack")
    browser.send("blob", 5, base64.b64encode(DATA[:6000]).decode())
    await browser.until("ack")
    assert list(tmp_path.iterdir())
    await browser.close()
    async with asyncio.timeout(30):
        while list(tmp_path.iterdir()):
            await asyncio.sleep(0.05)


async def test_a_stopped_upload_leaves_nothing_and_folders_are_made(
    daemon: Proxyd, sshd: Sshd, tmp_path: Path
) -> None:
    browser = await opened(daemon, "ssh", shell(sshd))
    await browser.until("filesystem")
    browser.send("put", 0, 5, "application/octet-stream", f"{tmp_path}/stopped")
    await browser.until("ack")
    browser.send("blob", 5, base64.b64encode(b"half").decode())
    browser.send("end", 5, 518)
    while (await browser.until("ack")).args[2] == "0":
        browser.forget()
    async with asyncio.timeout(30):
        while list(tmp_path.iterdir()):
            await asyncio.sleep(0.02)
    assert await upload(browser, f"{tmp_path}/run 1/data/a.csv", b"1,2") == "0"
    assert (tmp_path / "run 1" / "data" / "a.csv").read_bytes() == b"1,2"
    await browser.close()


async def test_a_root_confines_and_switches_hold(daemon: Proxyd, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    arguments = shell(sshd, sftp_root_directory=str(tmp_path), sftp_disable_upload="true")
    async with await opened(daemon, "ssh", arguments) as browser:
        assert (await browser.until("filesystem")).args == ("0", str(tmp_path))
        assert list(json.loads((await download(browser, "/../.."))[1])) == ["/../../f"]
        assert await upload(browser, "/g", b"x") == "771"


async def test_programs_offer_files_name_folders_and_write_pipes(
    daemon: Proxyd, sshd: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "report.csv").write_bytes(DATA[:20_000])
    async with await opened(daemon, "ssh", shell(sshd)) as browser:
        await browser.until("filesystem")

        def run(command: str) -> None:
            for character in command + "\n":
                browser.send("key", 0xFF0D if character == "\n" else ord(character), 1)

        run(f"printf '\\033]482200;{tmp_path}/report.csv\\a'")
        browser.forget()
        file = await browser.until("file")
        assert file.args[1:] == ("application/octet-stream", "report.csv")
        assert await content(browser, file.args[0]) == DATA[:20_000]

        run(f"printf '\\033]482201;{tmp_path}\\a\\033]2;marked\\a'")
        await browser.until(lambda i: i.opcode == "name" and i.args[0] == "marked")
        browser.send("file", 6, "application/octet-stream", "dropped.txt")
        assert (await browser.until("ack")).args[2] == "0"
        browser.send("blob", 6, base64.b64encode(b"hello").decode())
        browser.send("end", 6)
        async with asyncio.timeout(30):
            while not (tmp_path / "dropped.txt").exists():
                await asyncio.sleep(0.05)
        assert (tmp_path / "dropped.txt").read_bytes() == b"hello"

        run("printf '\\033]482202;2;log\\a'; seq 1 3; printf '\\033]482203;\\a'")
        browser.forget()
        pipe = await browser.until("pipe")
        assert pipe.args[1:] == ("text/plain", "log")
        assert b"1\r\n2\r\n3\r\n" in await content(browser, pipe.args[0])

        browser.send("pipe", 7, "text/plain", "STDIN")
        opened_pipe = await browser.until(lambda i: i.opcode == "ack" and i.args[0] == "7")
        assert opened_pipe.args == ("7", "Now reading from stream.", "0")
        browser.send("blob", 7, base64.b64encode(f"touch {tmp_path}/by-pipe\n".encode()).decode())
        async with asyncio.timeout(30):
            while not (tmp_path / "by-pipe").exists():
                await asyncio.sleep(0.05)


async def test_a_desktop_has_files_beside_it(daemon: Proxyd, sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(DATA)
    with Xvnc(320, 240) as xvnc:
        arguments = {
            "hostname": "127.0.0.1",
            "port": str(xvnc.port),
            "enable-sftp": "true",
            "sftp-port": str(sshd.port),
            "sftp-username": sshd.user,
            "sftp-private-key": sshd.private_key,
            "sftp-directory": str(tmp_path),
        }
        async with await opened(daemon, "vnc", arguments) as browser:
            await browser.until("filesystem")
            assert (await download(browser, f"{tmp_path}/data.bin"))[1] == DATA
            browser.send("file", 6, "application/octet-stream", "dropped")
            assert (await browser.until("ack")).args[2] == "0"
            browser.send("blob", 6, base64.b64encode(b"hello").decode())
            browser.send("end", 6)
            async with asyncio.timeout(30):
                while not (tmp_path / "dropped").exists():
                    await asyncio.sleep(0.05)
        async with await opened(daemon, "vnc", arguments | {"sftp-private-key": "nonsense"}) as browser:
            browser.send("mouse", 1, 1, 0)  # the desktop works without files
            async with asyncio.timeout(30):
                while "no file transfer" not in daemon.log:
                    await asyncio.sleep(0.05)
        assert sshd.private_key.splitlines()[2] not in daemon.log
