"""`python -m tests.benchmarks.relay_daemon`: a daemon that echoes and floods, to measure what stands before it.

Prints its port. `echo` comes back as it is; `flood` with a number of bytes is answered by about as many.
"""

from __future__ import annotations

import asyncio
import sys
import uuid

from proxyd.wire.instruction import InstructionParser, encode

__all__ = ["CHUNK", "chunk"]

CHUNK_SIZE = 65536


def chunk() -> bytes:
    """About 64 KB as a desktop sends it: images in blobs, a tenth of the bytes in short drawing instructions."""
    image = encode("img", 1, 14, 0, "image/png", 0, 0) + encode("blob", 1, "A" * 8064) * 7 + encode("end", 1)
    drawing = b"".join(encode("copy", -1, x, 340, 8, 17, 14, 0, x, 17) for x in range(0, 1280, 8))
    return image + drawing + encode("sync", 123456789, 1)


CHUNK = chunk()


class Daemon(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._parser = InstructionParser()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._flood: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for instruction in self._parser.feed(data):
            match instruction.opcode:
                case "select":
                    self._transport.write(encode("args", "VERSION_1_5_0", "hostname", "port"))
                case "connect":
                    self._transport.write(encode("ready", f"${uuid.uuid4()}"))
                case "echo":
                    self._transport.write(instruction.encode())
                case "flood":
                    flooding = self._pour(int(instruction.args[0]))
                    self._flood = asyncio.get_running_loop().create_task(flooding, name="flood")

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def _pour(self, size: int) -> None:
        for _ in range(size // len(CHUNK)):
            await self._may_write.wait()
            self._transport.write(CHUNK)
            await asyncio.sleep(0)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Daemon, "127.0.0.1", 0, backlog=2000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
