"""Filesystem objects and their streams, on a filesystem in memory."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxyd import files
from proxyd.files import MAX_QUEUED, Entry, Transfers, normal_path
from proxyd.streams import InboundStreams, OutboundStreams
from proxyd.wire.instruction import BLOB_BYTES, Instruction, InstructionParser
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

INDEX = "application/vnd.glyptodon.guacamole.stream-index+json"


class MemoryFile:
    def __init__(self, filesystem: MemoryFilesystem, path: str, data: bytes = b"") -> None:
        self.filesystem, self.path, self.data = filesystem, path, data
        self.closed = False
        self.position = 0

    async def read(self, size: int) -> bytes:
        if self.filesystem.failing:
            raise StatusError(Status.UPSTREAM_ERROR, "The connection broke.")
        piece = self.data[self.position : self.position + size]
        self.position += len(piece)
        return piece

    async def close(self) -> None:
        self.closed = True

    async def write(self, data: bytes) -> None:
        await self.filesystem.writable.wait()
        if self.filesystem.failing:
            raise StatusError(Status.UPSTREAM_ERROR, "The disk is full.")
        self.data += data

    async def commit(self) -> None:
        self.filesystem.content[self.path] = self.data

    async def abort(self) -> None:
        self.closed = True


class MemoryFilesystem:
    name = "/home"

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.downloads = self.uploads = True
        self.failing = False
        self.opened: list[MemoryFile] = []
        self.writable = asyncio.Event()
        self.writable.set()

    async def list(self, path: str) -> AsyncIterator[Entry]:
        prefix = path.rstrip("/") + "/"
        for name in sorted(
            {p.removeprefix(prefix).split("/")[0] for p in self.content if p.startswith(prefix)}
        ):
            yield Entry(name, await self.is_directory(prefix + name))

    async def is_directory(self, path: str) -> bool:
        return path not in self.content

    async def read(self, path: str) -> MemoryFile:
        self.opened.append(MemoryFile(self, path, self.content[path]))
        return self.opened[-1]

    async def write(self, path: str) -> MemoryFile:
        if path.startswith("/forbidden"):
            raise StatusError(Status.CLIENT_FORBIDDEN, "Permission denied.")
        self.opened.append(MemoryFile(self, path))
        return self.opened[-1]

    def drop_path(self, filename: str) -> str:
        return f"/home/{filename}"


class Viewer:
    """A browser that saves downloads, acknowledging blobs until `refuse_after` of them."""

    def __init__(self, refuse_after: int | None = None) -> None:
        self.inbound = InboundStreams()
        self.outbound = OutboundStreams()
        self.transfers = Transfers(self)
        self.received: list[Instruction] = []
        self.saved: dict[str, bytes] = {}
        self.ended: set[str] = set()
        self._refuse_after = refuse_after

    def send(self, data: bytes) -> None:
        for instruction in InstructionParser().feed(data):
            self.received.append(instruction)
            opcode, args = instruction
            index = args[0] if opcode in {"blob", "end", "file"} else args[1] if opcode == "body" else ""
            if opcode in {"file", "body"}:
                self.saved[index] = b""
                self._ack(index)
            elif opcode == "blob":
                self.saved[index] += base64.b64decode(args[1])
                self._ack(index)
            elif opcode == "end":
                self.ended.add(index)

    def _ack(self, index: str) -> None:
        if self._refuse_after is not None:
            self._refuse_after -= 1
        code = "0" if self._refuse_after is None or self._refuse_after >= 0 else "781"
        asyncio.get_running_loop().call_soon(self.transfers.ack, index, code)

    def acks(self, stream: str) -> list[int]:
        return [int(i.args[2]) for i in self.received if i.opcode == "ack" and i.args[0] == stream]


async def until(fact: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not fact():
            await asyncio.sleep(0)


def exposed(content: dict[str, bytes], **options: int) -> tuple[Viewer, MemoryFilesystem]:
    viewer, filesystem = Viewer(**options), MemoryFilesystem(content)
    viewer.transfers.expose(filesystem)
    return viewer, filesystem


def send_blobs(viewer: Viewer, stream: str, data: bytes) -> None:
    for start in range(0, len(data), BLOB_BYTES):
        text = base64.b64encode(data[start : start + BLOB_BYTES]).decode()
        viewer.send(viewer.inbound.blob(stream, text))


async def test_the_object_is_announced() -> None:
    viewer, _ = exposed({})
    assert viewer.received == [Instruction("filesystem", ("0", "/home"))]


@pytest.mark.parametrize(("path", "prefix"), [("/", "/"), ("/a", "/a/"), ("/a/", "/a/")])
async def test_a_listing_repeats_the_path_as_asked(path: str, prefix: str) -> None:
    viewer, _ = exposed({"/a/b": b"", "/a/c/d": b"", '/a/"q\\': b"", "/a/zoë 😀": b""})
    viewer.transfers.get("0", path)
    await until(lambda: viewer.ended)
    body = next(i for i in viewer.received if i.opcode == "body")
    assert body.args == ("0", "0", INDEX, path)
    listing = json.loads(viewer.saved["0"])
    if path == "/":
        assert listing == {"/a": INDEX}
    else:
        expected = {"b": False, "c": True, '"q\\': False, "zoë 😀": False}
        assert listing == {
            prefix + name: INDEX if folder else "application/octet-stream"
            for name, folder in expected.items()
        }


async def test_an_empty_directory_is_an_empty_object() -> None:
    viewer, _ = exposed({})
    viewer.transfers.get("0", "/")
    await until(lambda: viewer.ended)
    assert viewer.saved["0"] == b"{}"


async def test_a_large_directory_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "READ_SIZE", 1000)
    viewer, _ = exposed({f"/{number:05}": b"" for number in range(2000)})
    viewer.transfers.get("0", "/")
    await until(lambda: viewer.ended)
    assert list(json.loads(viewer.saved["0"])) == [f"/{number:05}" for number in range(2000)]


@pytest.mark.parametrize("size", [0, 1, BLOB_BYTES, 40 * BLOB_BYTES + 17])
async def test_a_download_arrives_byte_for_byte(size: int) -> None:
    data = bytes(i * 31 % 251 for i in range(size))
    viewer, filesystem = exposed({"/f": data})
    viewer.transfers.get("0", "/f")
    await until(lambda: viewer.ended)
    assert viewer.saved["0"] == data
    await until(lambda: filesystem.opened[0].closed)


async def test_downloads_stop_when_the_browser_stops() -> None:
    viewer, filesystem = exposed({"/f": bytes(100 * BLOB_BYTES)}, refuse_after=5)
    viewer.transfers.get("0", "/f")
    await until(lambda: filesystem.opened and filesystem.opened[0].closed)
    assert not viewer.ended
    assert len(viewer.saved["0"]) < 40 * BLOB_BYTES


async def test_a_browser_that_does_not_acknowledge_gets_a_window_only() -> None:
    viewer, filesystem = exposed({"/f": bytes(1000 * BLOB_BYTES)})
    viewer._ack = lambda index: None
    viewer.transfers.get("0", "/f")
    await until(lambda: "0" in viewer.saved)
    viewer.transfers.ack("0", "0")
    await until(lambda: len(viewer.saved["0"]) == files.WINDOW * BLOB_BYTES)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(viewer.saved["0"]) == files.WINDOW * BLOB_BYTES
    viewer.transfers.close()
    await until(lambda: filesystem.opened[0].closed)


@pytest.mark.parametrize(
    ("index", "path"), [("1", "/f"), ("x", "/f"), ("0", "relative"), ("0", "/" + "a" * 3000)]
)
async def test_what_cannot_be_had_is_not_answered(index: str, path: str) -> None:
    viewer, _ = exposed({"/f": b""})
    viewer.transfers.get(index, path)
    for _ in range(20):
        await asyncio.sleep(0)
    assert [i.opcode for i in viewer.received] == ["filesystem"]


async def test_downloads_can_be_switched_off() -> None:
    viewer, filesystem = exposed({"/f": b"secret"})
    filesystem.downloads = False
    viewer.transfers.get("0", "/f")
    for _ in range(20):
        await asyncio.sleep(0)
    assert not viewer.saved


async def test_an_upload_appears_when_it_is_whole() -> None:
    data = bytes(i * 7 % 256 for i in range(20 * BLOB_BYTES + 5))
    viewer, filesystem = exposed({})
    viewer.transfers.put("0", "3", "/a/../b")
    await until(lambda: viewer.acks("3"))
    send_blobs(viewer, "3", data)
    await until(lambda: len(viewer.acks("3")) == 22)
    assert filesystem.content == {}
    viewer.send(viewer.inbound.end("3"))
    await until(lambda: filesystem.content)
    assert filesystem.content == {"/b": data}
    assert viewer.acks("3") == [0] * 23


@pytest.mark.parametrize("early", [True, False])
async def test_an_upload_that_is_stopped_leaves_nothing_behind(early: bool) -> None:
    viewer, filesystem = exposed({})
    viewer.transfers.put("0", "3", "/b")
    if not early:
        await until(lambda: viewer.acks("3"))
        send_blobs(viewer, "3", b"half of it")
    viewer.send(viewer.inbound.end("3", "771"))
    await until(lambda: viewer.acks("3")[-1:] == [Status.RESOURCE_CLOSED.code])
    assert filesystem.opened[0].closed
    assert filesystem.content == {}


async def test_a_plain_file_goes_to_the_drop_directory() -> None:
    viewer, filesystem = exposed({})
    viewer.transfers.file("1", "report.csv")
    await until(lambda: viewer.acks("1"))
    send_blobs(viewer, "1", b"x")
    viewer.send(viewer.inbound.end("1"))
    await until(lambda: filesystem.content)
    assert filesystem.content == {"/home/report.csv": b"x"}


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b"])
async def test_illegal_names_are_refused(name: str) -> None:
    viewer, filesystem = exposed({})
    viewer.transfers.file("1", name)
    assert viewer.acks("1") == [Status.CLIENT_BAD_REQUEST.code]
    assert not filesystem.opened


async def test_an_upload_that_may_not_be_is_refused_with_its_status() -> None:
    viewer, filesystem = exposed({})
    viewer.transfers.put("0", "2", "/forbidden/f")
    await until(lambda: viewer.acks("2"))
    assert viewer.acks("2") == [Status.CLIENT_FORBIDDEN.code]
    filesystem.uploads = False
    viewer.transfers.put("0", "3", "/f")
    assert viewer.acks("3") == [Status.CLIENT_FORBIDDEN.code]
    viewer.transfers.put("7", "4", "/f")
    assert viewer.acks("4") == [Status.RESOURCE_NOT_FOUND.code]


async def test_a_failed_write_leaves_nothing() -> None:
    viewer, filesystem = exposed({})
    viewer.transfers.put("0", "3", "/f")
    await until(lambda: viewer.acks("3"))
    filesystem.failing = True
    send_blobs(viewer, "3", b"x")
    await until(lambda: viewer.acks("3")[-1] != 0)
    assert viewer.acks("3")[-1] == Status.UPSTREAM_ERROR.code
    assert filesystem.opened[0].closed
    assert filesystem.content == {}


async def test_a_browser_that_leaves_leaves_nothing() -> None:
    viewer, filesystem = exposed({})
    viewer.transfers.put("0", "3", "/f")
    await until(lambda: viewer.acks("3"))
    send_blobs(viewer, "3", b"half")
    viewer.transfers.close()
    await until(lambda: filesystem.opened[0].closed)
    assert filesystem.content == {}


async def test_a_sender_that_does_not_wait_is_stopped() -> None:
    viewer, filesystem = exposed({})
    filesystem.writable.clear()
    viewer.transfers.put("0", "3", "/f")
    await until(lambda: viewer.acks("3"))
    send_blobs(viewer, "3", bytes((2 * MAX_QUEUED + 2) * BLOB_BYTES))
    await until(lambda: Status.CLIENT_OVERRUN.code in viewer.acks("3"))
    filesystem.writable.set()
    await until(lambda: filesystem.opened[0].closed)
    assert filesystem.content == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("/a//b/./c", "/a/b/c"),
        ("/../../etc", "/etc"),
        ("/a/../..", "/"),
        ("\\a\\b", "/a/b"),
        ("/a/b/../c/", "/a/c"),
    ],
)
def test_paths_are_made_normal(path: str, expected: str) -> None:
    assert normal_path(path) == expected


@given(st.text(alphabet="/\\.ab", min_size=1, max_size=40))
def test_no_path_climbs_above_the_root(path: str) -> None:
    try:
        normal = normal_path(path)
    except StatusError:
        assert path[0] not in "/\\"
    else:
        assert normal.startswith("/")
        assert ".." not in normal.split("/")
        assert normal_path(normal) == normal
