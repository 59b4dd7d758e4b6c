from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxyd.instances import typescript as module
from proxyd.instances.parameters import Arguments
from proxyd.instances.ssh_parameters import PARAMETERS
from proxyd.instances.typescript import Typescript
from proxyd.wire.status import Status, StatusError
from tests.servers import processes

if TYPE_CHECKING:
    from typing import BinaryIO


def wanted(folder: Path, **given: str) -> Typescript | None:
    arguments = {
        "typescript-path": str(folder),
        **{name.replace("_", "-"): value for name, value in given.items()},
    }
    return Typescript.wanted(Arguments(PARAMETERS, arguments))


async def written(typescript: Typescript | None, pieces: list[tuple[bytes, float]]) -> None:
    assert typescript
    task = asyncio.create_task(typescript.run())
    await asyncio.sleep(0)
    typescript.begin(80, 24, "xterm-256color")
    start = typescript._format._last  # type: ignore[attr-defined]
    for data, at in pieces:
        typescript.write(data, start + at)
    task.cancel()
    await asyncio.wait([task])


def test_none_is_wanted_without_a_folder() -> None:
    assert Typescript.wanted(Arguments(PARAMETERS, {})) is None


async def test_output_and_timing_are_as_scriptreplay_reads_them(tmp_path: Path) -> None:
    await written(wanted(tmp_path), [(b"one\r\n", 0.25), (b"", 0.5), (b"\xffthree", 2.0)])
    assert (tmp_path / "typescript").read_bytes() == (
        b"[BEGIN TYPESCRIPT]\none\r\n\xffthree\n[END TYPESCRIPT]\n"
    )
    assert (tmp_path / "typescript.timing").read_text() == "0.250000 5\n1.750000 6\n"


async def test_the_clock_may_jump(tmp_path: Path) -> None:
    await written(wanted(tmp_path), [(b"a", -5.0), (b"b", 1e9)])
    assert (tmp_path / "typescript.timing").read_text() == "0.000000 1\n86400.000000 1\n"


async def test_folders_are_made_and_names_taken_as_guacd_does(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with pytest.raises(StatusError):
        wanted(folder)
    await written(wanted(folder, create_typescript_path="true", typescript_name="me"), [(b"1", 0.1)])
    await written(wanted(folder, typescript_name="me"), [(b"2", 0.1)])
    assert sorted(path.name for path in folder.iterdir()) == ["me", "me.1", "me.timing", "me.timing.1"]


async def test_a_session_that_must_be_recorded_does_not_begin_otherwise(tmp_path: Path) -> None:
    with pytest.raises(StatusError) as caught:
        wanted(tmp_path, typescript_name="../escape")
    assert caught.value.status is Status.CLIENT_BAD_REQUEST


async def test_a_disk_that_is_too_slow_ends_the_typescript_not_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 1000)
    typescript = wanted(tmp_path)
    await written(typescript, [(b"x" * 2000, 0.1), (b"y", 0.2)])
    assert b"y" not in (tmp_path / "typescript").read_bytes()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
async def test_a_full_disk_ends_the_typescript_not_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: str, **__: bool) -> BinaryIO:
        return Path("/dev/full").open("wb", buffering=0)

    monkeypatch.setattr(module, "create_file", full)
    monkeypatch.setattr(module, "FLUSH_EVERY", 0.01)
    typescript = wanted(tmp_path)
    assert typescript
    typescript.begin(80, 24, "xterm-256color")
    await asyncio.wait_for(typescript.run(), 5)
    typescript.write(b"nobody minds", 0.2)


def test_a_format_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatusError) as caught:
        wanted(tmp_path, typescript_format="video")
    assert caught.value.status is Status.CLIENT_BAD_REQUEST
    assert list(tmp_path.iterdir()) == []


async def test_an_asciicast_is_one_file_and_replaces_a_longer_one(tmp_path: Path) -> None:
    (tmp_path / "typescript").write_text("x" * 5000)
    typescript = wanted(tmp_path, typescript_format="asciicast", typescript_write_existing="true")
    assert typescript
    task = asyncio.create_task(typescript.run())
    await asyncio.sleep(0)
    typescript.begin(80, 24, "xterm-256color")
    typescript.write(b"one\r\n", time.monotonic())
    typescript.resize(100, 50)
    task.cancel()
    await asyncio.wait([task])
    header, *events = (json.loads(line) for line in (tmp_path / "typescript").read_text().splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert [event[1:] for event in events] == [["o", "one\r\n"], ["r", "100x50"]]
    assert [path.name for path in tmp_path.iterdir()] == ["typescript"]


async def test_nothing_is_written_of_a_session_that_never_began(tmp_path: Path) -> None:
    typescript = wanted(tmp_path)
    assert typescript
    task = asyncio.create_task(typescript.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert (tmp_path / "typescript").read_bytes() == b""


async def test_scriptreplay_shows_the_same(tmp_path: Path) -> None:
    processes.require("scriptreplay")
    await written(wanted(tmp_path), [(b"hello ", 0.001), (b"world\r\n", 0.002)])
    done = subprocess.run(
        ["scriptreplay", "--timing", "typescript.timing", "--typescript", "typescript"],
        cwd=tmp_path, capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    assert b"hello world\r\n" in done.stdout
