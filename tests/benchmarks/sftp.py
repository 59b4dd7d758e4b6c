"""How fast a file comes from the instance to the browser."""

from __future__ import annotations

import base64
import random
import time
from typing import TYPE_CHECKING

from tests.benchmarks.rows import Benchmark, Options, Row
from tests.fakes.browser import Browser
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from tests.benchmarks.target import Target

__all__ = ["BENCHMARK"]

ROWS = (Row("rate", "download by SFTP", "MB/s", more_is_better=True),)


async def measure(target: Target, options: Options) -> dict[str, float]:
    """Fetch a file of random bytes through the filesystem object of a shell."""
    with Sshd() as server:
        path = server.folder / "file"
        path.write_bytes(random.Random(1).randbytes(options.megabytes * 1_000_000))
        arguments = {
            "hostname": "127.0.0.1",
            "port": str(server.port),
            "username": server.user,
            "private-key": server.private_key,
            "enable-sftp": "true",
            **options.parameters,
        }
        async with await Browser.connect(target.address) as browser:
            await browser.open("ssh", arguments)
            filesystem = await browser.until("filesystem")
            begun = time.perf_counter()
            browser.send("get", filesystem.args[0], str(path))
            size = await _receive(browser)
            elapsed = time.perf_counter() - begun
            browser.send("disconnect")
    if size != options.megabytes * 1_000_000:
        raise RuntimeError(f"{size} bytes came")
    return {"rate": size / elapsed / 1e6}


async def _receive(browser: Browser) -> int:
    """Acknowledge a download as a browser does; how many bytes came."""
    index = (await browser.until("body")).args[1]
    browser.send("ack", index, "OK", 0)
    size = 0
    while (instruction := await browser.next()) is not None:
        if instruction.opcode == "end" and instruction.args[0] == index:
            return size
        if instruction.opcode == "blob" and instruction.args[0] == index:
            size += len(base64.b64decode(instruction.args[1]))
            browser.send("ack", index, "OK", 0)
    raise ConnectionResetError("closed during the download")


BENCHMARK = Benchmark("sftp", ROWS, measure)
