"""Files taken out of a tunnel, without a tunnel."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import streams
from broker.streams import MAX_WAITING, WINDOW, Streams
from proxyd.wire.instruction import BLOB_BYTES, Instruction, InstructionParser, encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Daemon:
    """What is sent to it, and what it says."""

    def __init__(self) -> None:
        self.sent: list[Instruction] = []
        self.streams = Streams(self._take)
        self._news = asyncio.Event()

    async def _take(self, data: bytes) -> None:
        self.sent += InstructionParser().feed(data)
        self._news.set()

    async def wait(self, count: int) -> None:
        """Until it was sent so many instructions."""
        async with asyncio.timeout(5):
            while len(self.sent) < count:
                self._news.clear()
                await self._news.wait()

    def say(self, *elements: str | int) -> bytes:
        """What the browser sees of an instruction."""
        return self.streams.filter(encode(*elements))

    def blob(self, index: int, data: bytes) -> bytes:
        return self.say("blob", index, base64.b64encode(data).decode())


async def collect(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def failure(task: asyncio.Task[object]) -> Status:
    with pytest.raises(StatusError) as caught:
        await task
    return caught.value.status


# -- down ------------------------------------------------------------------------------------------------------------


async def test_a_download() -> None:
    daemon = Daemon()
    downloading = asyncio.create_task(collect(daemon.streams.download(3)), name="download")
    await daemon.wait(1)
    assert daemon.sent[0] == Instruction("ack", ("3", "OK", "0"))
    assert daemon.streams.active
    assert daemon.blob(3, b"hello ") == b""
    await daemon.wait(2)
    assert daemon.blob(5, b"another stream") != b""
    assert daemon.say("sync", 1) == encode("sync", 1)
    assert daemon.blob(3, b"world") == b""
    await daemon.wait(3)
    assert daemon.say("end", 3) == encode("end", 3)  # the page is told as well
    assert await downloading == b"hello world"
    assert not daemon.streams.active


async def test_only_what_is_ours_is_taken_out() -> None:
    daemon = Daemon()
    downloading = asyncio.create_task(collect(daemon.streams.download(0)), name="download")
    await daemon.wait(1)
    before, after = encode("copy", 1, 2, 3), encode("name", "d\u00e9j\u00e0 vu") + encode("ack", 0, "OK", 0)
    mine = encode("blob", 0, "AAAA")
    assert daemon.streams.filter(before + mine + after) == before + after
    whole = before + after
    assert daemon.streams.filter(whole) is whole
    daemon.say("end", 0)
    assert await downloading == b"\0\0\0"


async def test_a_daemon_may_send_ahead_but_not_for_ever() -> None:
    daemon = Daemon()
    pieces = daemon.streams.download(0)
    first = asyncio.ensure_future(anext(pieces))
    await daemon.wait(1)
    for _ in range(MAX_WAITING * 2):
        daemon.blob(0, b"x")
    assert await first == b"x"
    with pytest.raises(StatusError) as caught:
        await collect(pieces)
    assert caught.value.status is Status.UPSTREAM_ERROR


async def test_a_broken_piece() -> None:
    daemon = Daemon()
    downloading = asyncio.create_task(collect(daemon.streams.download(0)), name="download")
    await daemon.wait(1)
    assert daemon.say("blob", 0, "A") == b""
    assert await failure(downloading) is Status.UPSTREAM_ERROR


async def test_a_download_that_is_left() -> None:
    """The daemon is told, so that it closes the file."""
    daemon = Daemon()
    pieces = daemon.streams.download(7)
    first = asyncio.ensure_future(anext(pieces))
    await daemon.wait(1)
    daemon.blob(7, b"x")
    assert await first == b"x"
    await pieces.aclose()
    assert daemon.sent[-1] == Instruction("ack", ("7", "Closed", str(Status.RESOURCE_CLOSED.code)))
    assert not daemon.streams.active
    assert daemon.blob(7, b"late") != b""


# -- up --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pieces",
    [[b"hello"], [b"", b"he", b"llo"], [b"x" * 20000], [b"x" * 6048, b"y"], [], [b"x" * 100_000, b"y" * 9]],
)
async def test_an_upload(pieces: list[bytes]) -> None:
    daemon = Daemon()
    uploading = asyncio.create_task(daemon.streams.upload(4, chunks(*pieces)), name="upload")
    data = b"".join(pieces)
    for number in range(-(-len(data) // BLOB_BYTES)):
        await daemon.wait(number + 1)
        assert daemon.say("ack", 4, "OK", 0) == b""
    await uploading
    assert {row.opcode for row in daemon.sent} <= {"blob"}
    blobs = [base64.b64decode(row.args[1]) for row in daemon.sent]
    assert b"".join(blobs) == data
    assert all(len(blob) == BLOB_BYTES for blob in blobs[:-1])
    assert not daemon.streams.active


async def test_an_upload_goes_ahead_a_little() -> None:
    daemon = Daemon()
    uploading = asyncio.create_task(daemon.streams.upload(4, chunks(b"x" * BLOB_BYTES * 50)), name="upload")
    await daemon.wait(WINDOW)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(daemon.sent) == WINDOW
    daemon.say("ack", 4, "OK", 0)
    await daemon.wait(WINDOW + 1)
    uploading.cancel()
    await asyncio.wait({uploading})
    assert not daemon.streams.active


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("512", Status.SERVER_ERROR),
        ("771", Status.CLIENT_FORBIDDEN),
        ("x", Status.SERVER_ERROR),
        ("", Status.SERVER_ERROR),
    ],
)
async def test_an_upload_that_is_refused(code: str, status: Status) -> None:
    daemon = Daemon()
    uploading = asyncio.create_task(daemon.streams.upload(4, chunks(b"x" * 9999)), name="upload")
    await daemon.wait(1)
    assert daemon.say("ack", 5, "OK", 0) == encode("ack", 5, "OK", 0)
    assert daemon.say("ack", 4, "No", code) == b""
    assert await failure(uploading) is status


async def test_more_answers_than_there_were_pieces_pile_up_nowhere() -> None:
    daemon = Daemon()
    uploading = asyncio.create_task(daemon.streams.upload(4, chunks(b"x" * 9999)), name="upload")
    await daemon.wait(1)
    for _ in range(1000):
        assert daemon.say("ack", 4, "OK", 0) == b""
    (waiting,) = daemon.streams._uploads.values()
    assert waiting.qsize() == WINDOW
    await uploading


# -- both ------------------------------------------------------------------------------------------------------------


async def test_one_request_a_stream() -> None:
    daemon = Daemon()
    tasks = [
        asyncio.create_task(collect(daemon.streams.download(0)), name="download"),
        asyncio.create_task(daemon.streams.upload(0, chunks(b"x")), name="upload"),
    ]
    await daemon.wait(2)
    with pytest.raises(StatusError) as caught:
        await collect(daemon.streams.download(0))
    assert caught.value.status is Status.RESOURCE_CONFLICT
    with pytest.raises(StatusError) as caught:
        await daemon.streams.upload(0, chunks(b"x"))
    assert caught.value.status is Status.RESOURCE_CONFLICT
    daemon.streams.close()
    assert [await failure(task) for task in tasks] == [Status.RESOURCE_CLOSED] * 2


async def test_a_daemon_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "ACK_TIMEOUT", 0.02)
    daemon = Daemon()
    with pytest.raises(StatusError) as caught:
        await collect(daemon.streams.download(0))
    assert caught.value.status is Status.UPSTREAM_TIMEOUT
    with pytest.raises(StatusError) as caught:
        await daemon.streams.upload(0, chunks(b"x"))
    assert caught.value.status is Status.UPSTREAM_TIMEOUT
    assert not daemon.streams.active


@given(st.lists(st.binary(max_size=20000), max_size=6))
def test_any_cut_makes_the_same_blobs(pieces: list[bytes]) -> None:
    async def cut() -> list[bytes]:
        return [piece async for piece in streams._cut(chunks(*pieces))]

    blobs = asyncio.run(cut())
    assert b"".join(blobs) == b"".join(pieces)
    assert all(len(blob) == BLOB_BYTES for blob in blobs[:-1])
