"""Recordings: guacd's rules for names, what is written, and a disk that fails."""

from __future__ import annotations

import asyncio
import errno
import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from proxyd import recording as recording_module
from proxyd.recording import Recording, create_file
from proxyd.wire.instruction import InstructionParser
from proxyd.wire.status import StatusError
from tests.proxyd.test_server import Painting, running

if TYPE_CHECKING:
    from pathlib import Path


def create(
    folder: Path, name: str = "r", *, create_folder: bool = False, write_existing: bool = False
) -> io.IOBase:
    return create_file(str(folder), name, create_folder=create_folder, write_existing=write_existing)


def test_a_taken_name_gets_a_suffix(tmp_path: Path) -> None:
    for expected in ["r", "r.1", "r.2"]:
        with create(tmp_path):
            assert (tmp_path / expected).stat().st_mode & 0o777 == 0o640


def test_an_existing_file_is_written_from_its_start_and_not_cut(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"0123456789")
    with create(tmp_path, write_existing=True) as file:
        file.write(b"abc")
    assert (tmp_path / "r").read_bytes() == b"abc3456789"


def test_only_the_last_folder_is_made(tmp_path: Path) -> None:
    create(tmp_path / "new", create_folder=True).close()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o750
    with pytest.raises(StatusError):
        create(tmp_path / "a" / "b", create_folder=True)
    with pytest.raises(StatusError):
        create(tmp_path / "absent")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../r", "a\\b", "a\0"])
def test_a_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StatusError):
        create(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "r").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StatusError):
        create(tmp_path, write_existing=True)
    assert not (tmp_path / "elsewhere").exists()


async def test_a_session_is_written_as_its_viewers_saw_it(tmp_path: Path) -> None:
    arguments = {
        "recording-path": str(tmp_path),
        "recording-include-keys": "true",
        "recording-include-clipboard": "true",
    }
    async with running() as daemon:
        async with await daemon.browser() as browser:
            await browser.open("ssh", arguments)
            browser.send("key", 97, 1)
            browser.send("mouse", 3, 4, 1)
            browser.send_stream(("clipboard", 0, "text/plain"), "hello")
            await browser.until("rect")
            async with asyncio.timeout(5):
                while len(Painting.built[0].calls) < 3:
                    await asyncio.sleep(0.01)
        await daemon.server.close()
    written = InstructionParser().feed((tmp_path / "recording").read_bytes())
    assert [i.args[:2] for i in written if i.opcode == "key"] == [("97", "1")]
    assert [i.args[:3] for i in written if i.opcode == "mouse"] == [("3", "4", "1")]
    assert [i.args for i in written if i.opcode == "blob"] == [("0", "aGVsbG8=")]
    opcodes = [i.opcode for i in written]
    assert opcodes.index("size") < opcodes.index("rect") < opcodes.index("sync")
    assert not {"ready", "ack", "name", "argv"} & set(opcodes)


async def test_a_recording_that_cannot_begin_refuses_the_session() -> None:
    async with running() as daemon, await daemon.browser() as browser:
        with pytest.raises(AssertionError, match="closed before"):
            await browser.open("ssh", {"recording-path": "/proc/nowhere"})
        assert Painting.built == []


class FullDisk(io.BytesIO):
    def write(self, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_stops_the_recording_only(capsys: pytest.CaptureFixture[str]) -> None:
    with ThreadPoolExecutor(1) as pool:
        recording = Recording(FullDisk(), pool)
        writing = asyncio.create_task(recording.run())
        recording.write(b"3.nop;")
        await writing
        recording.write(b"3.nop;")
    assert "No space left" in capsys.readouterr().out


async def test_people_are_told_that_the_recording_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_module, "create_file", lambda *_, **__: FullDisk())
    async with running() as daemon, await daemon.browser() as browser:
        await browser.open("ssh", {"recording-path": str(tmp_path)})
        assert (await browser.until("msg")).args == (str(0x4000), "recording-stopped")
        browser.send("key", 97, 1)
        await browser.until(lambda i: i.opcode == "rect")


async def test_a_disk_that_is_too_slow_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_module, "MAX_PENDING", 1000)
    with ThreadPoolExecutor(1) as pool:
        recording = Recording(io.BytesIO(), pool)
        for _ in range(10_000):
            recording.write(b"3.nop;")
        assert recording._size <= 1010
        await recording.run()
