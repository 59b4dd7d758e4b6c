"""A model browser on the daemon's socket: handshake, echoes of sync, and what it was told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from typing import TYPE_CHECKING

from proxyd.wire.instruction import Instruction, InstructionParser, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self


class Browser:
    """One connection to proxyd; closes it when the `async with` ends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._parser = InstructionParser()
        self._waiting: list[Instruction] = []
        self._passed: list[Instruction] = []
        self.received: list[Instruction] = []
        self.parameters: tuple[str, ...] = ()
        self.connection_id = ""
        self.echoing = True

    @classmethod
    async def connect(cls, address: tuple[str, int] | str) -> Self:
        if isinstance(address, str):
            return cls(*await asyncio.open_unix_connection(address))
        return cls(*await asyncio.open_connection(*address))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 1)

    def send(self, *elements: str | int) -> None:
        self._writer.write(encode(*elements))

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def next(self, deadline: float = 30) -> Instruction | None:
        """The next instruction; None when the daemon closed the connection."""
        async with asyncio.timeout(deadline):
            if not await self._fill(65536):
                return None
        instruction = self._waiting.pop(0)
        self.received.append(instruction)
        if instruction.opcode == "sync" and self.echoing:
            self.send("sync", instruction.args[0])
        return instruction

    async def batch(self) -> list[Instruction]:
        """All that has come and was not looked at; empty when the daemon closed the connection. Cheap, and not recorded."""
        await self._fill(1 << 20)
        batch, self._waiting = self._waiting, []
        return batch

    async def _fill(self, size: int) -> bool:
        """Wait until an instruction waits; False when the daemon closed the connection."""
        while not self._waiting:
            data = await self._reader.read(size)
            if not data:
                return False
            self._waiting = self._parser.feed(data)
        return True

    async def until(self, wanted: str | Callable[[Instruction], bool], deadline: float = 30) -> Instruction:
        """The first instruction with this opcode, or for which `wanted` holds, among those not looked at yet.

        What is passed over stays to be looked for, so that the order of unrelated things does not matter.
        """
        for instruction in self._passed:
            if instruction.opcode == wanted if isinstance(wanted, str) else wanted(instruction):
                self._passed.remove(instruction)
                return instruction
        async with asyncio.timeout(deadline):
            while (instruction := await self.next(deadline)) is not None:
                if instruction.opcode == wanted if isinstance(wanted, str) else wanted(instruction):
                    return instruction
                self._passed.append(instruction)
        raise AssertionError(f"closed before {wanted}; got {[i.opcode for i in self.received][-20:]}")

    def forget(self) -> None:
        """Whatever was passed over is of no interest: stream indexes are used again."""
        self._passed.clear()

    async def end(self, deadline: float = 30) -> list[Instruction]:
        """Read to the end of the connection."""
        start = len(self.received)
        async with asyncio.timeout(deadline):
            while await self.next(deadline) is not None:
                pass
        return self.received[start:]

    async def open(
        self,
        target: str,
        arguments: Mapping[str, str] | None = None,
        *,
        size: tuple[int, int, int] = (640, 480, 96),
        version: str = "VERSION_1_5_0",
        name: str = "",
    ) -> Self:
        """Complete the handshake."""
        self.send("select", target)
        args = await self.until("args")
        self.parameters = args.args[1:]
        self.send("size", *size)
        self.send("audio")
        self.send("video")
        self.send("image", "image/png", "image/jpeg")
        if name:
            self.send("name", name)
        self.send(
            "connect", version, *[(arguments or {}).get(parameter, "") for parameter in self.parameters]
        )
        self.connection_id = (await self.until("ready")).args[0]
        return self

    async def text_stream(self, opcode: str) -> str:
        """The text of the next inbound stream with this opcode."""
        head = await self.until(opcode)
        index = head.args[0]
        data = b""
        while (
            part := await self.until(lambda i: i.opcode in {"blob", "end"} and i.args[0] == index)
        ).opcode == "blob":
            data += base64.b64decode(part.args[1])
        return data.decode()

    def send_stream(self, head: tuple[str | int, ...], text: str, index: int = 0) -> None:
        """Send a whole text stream; `head` is opcode, index, further arguments."""
        self.send(*head)
        data = text.encode()
        for start in range(0, len(data), 6048):
            self.send("blob", index, base64.b64encode(data[start : start + 6048]).decode())
        self.send("end", index)
