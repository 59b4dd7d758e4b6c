"""How fast a file comes from the instance to the browser."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING

import pybase64

from proxyd.wire.instruction import encode
from tests.benchmarks.limited import limited
from tests.benchmarks.rows import Benchmark, Options, Row
from tests.fakes.browser import Browser
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK", "download"]

ROWS = (Row("rate", "download by SFTP", "MB/s", more_is_better=True),)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Fetch a file of random bytes through the filesystem object of a shell."""
    return {"rate": await download(target, options, contextlib.nullcontext())}


async def download(
    target: Target, options: Options, during: contextlib.AbstractContextManager[object], rate: int = 0
) -> float:
    """The rate of such a download in MB/s.

    Args:
        target: the daemon.
        options: of the measurement.
        during: entered for as long as it takes.
        rate: bytes that the link to the instance carries in a second; 0 is any.
    """
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Sshd())
        port = stack.enter_context(limited(server.port, rate)) if rate else server.port
        path = server.folder / "file"
        path.write_bytes(random.Random(1).randbytes(options.megabytes * 1_000_000))
        arguments = {
            "hostname": "127.0.0.1",
            "port": str(port),
            "username": server.user,
            "private-key": server.private_key,
            "enable-sftp": "true",
            **options.parameters,
        }
        async with await Browser.connect(target.address) as browser:
            await browser.open("ssh", arguments)
            filesystem = await browser.until("filesystem")
            with during:
                begun = time.perf_counter()
                browser.send("get", filesystem.args[0], str(path))
                size = await _receive(browser)
                elapsed = time.perf_counter() - begun
            browser.send("disconnect")
    if size != options.megabytes * 1_000_000:
        raise RuntimeError(f"{size} bytes came")
    return size / elapsed / 1e6


async def _receive(browser: Browser) -> int:
    """Acknowledge a download as a browser does, yet cheaply: a browser has a processor of its own. How many bytes came."""
    index = (await browser.until("body")).args[1]
    acknowledgement = encode("ack", index, "OK", 0)
    browser.send_raw(acknowledgement)
    size = 0
    while instructions := await browser.batch():
        blobs = [row.args[1] for row in instructions if row.opcode == "blob" and row.args[0] == index]
        size += sum(len(pybase64.b64decode(text)) for text in blobs)
        if any(row.opcode == "end" and row.args[0] == index for row in instructions):
            return size
        browser.send_raw(acknowledgement * len(blobs))
    raise ConnectionResetError("closed during the download")


BENCHMARK = Benchmark("sftp", ROWS, measure)
