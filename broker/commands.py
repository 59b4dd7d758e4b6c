"""One command on several of a person's connections at once; what becomes of it is told while it happens."""

from __future__ import annotations

import asyncio
import binascii
import codecs
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from proxyd.wire.instruction import Instruction, InstructionParser, WireError
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from broker.auth.base import Connection
    from broker.gateway import Gateway
    from broker.sessions import Session

    Tell = Callable[[dict[str, Any]], Awaitable[None]]

__all__ = ["EXEC", "Order", "Outcome", "parse_order", "run_everywhere", "runnable"]

EXEC = "exec"
"""What proxyd calls a command without a terminal."""
MAX_AT_ONCE = 16
"""Connections at a time."""
MAX_CONNECTIONS = 256
MAX_COMMAND = 8192
"""Characters."""
MAX_SECONDS = 86_400
MAX_WORD = 64
"""Characters of what a daemon tells of a command, beside its output."""
MAX_STREAMS = 16
OUTPUTS = frozenset({"stdout", "stderr"})


@dataclass(frozen=True)
class Order:
    """What a person wants to run.

    Attributes:
        connections: identifiers, each once.
        command: for the shell of the person on each instance.
        limit: how many at a time.
        seconds: how long it may take on each; 0 is for ever.
    """

    connections: tuple[str, ...]
    command: str
    limit: int = MAX_AT_ONCE
    seconds: int = 0


def parse_order(body: bytes) -> Order:
    """Read `{"connections": [...], "command": "...", "limit": 16, "timeout": 60}`.

    Raises:
        ValueError: it is something else; the text is for the requester.
    """
    try:
        value = json.loads(body)
        connections, command = value["connections"], value["command"]
        limit, seconds = value.get("limit", MAX_AT_ONCE), value.get("timeout", 0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("A list of connections and a command are expected.") from None
    if not isinstance(command, str) or not command.strip() or len(command) > MAX_COMMAND or "\0" in command:
        raise ValueError(f"The command is a text of up to {MAX_COMMAND} characters.")
    if (
        not isinstance(connections, list)
        or not 0 < len(connections) <= MAX_CONNECTIONS
        or not all(isinstance(one, str) for one in connections)
    ):
        raise ValueError(f"The connections are a list of 1 to {MAX_CONNECTIONS} identifiers.")
    return Order(
        tuple(dict.fromkeys(connections)),
        command,
        _number(limit, "limit", 1, MAX_AT_ONCE),
        _number(seconds, "timeout", 0, MAX_SECONDS),
    )


def _number(value: object, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is a number from {low} to {high}.")
    return value


_RESTRICTED = {
    "read-only": "This connection may be looked at, not typed into.",
    "disable-copy": "What this connection shows may not be copied.",
    "command": "This connection runs a command of its own.",
    "recording-path": "This connection is recorded: open it to work in it.",
    "typescript-path": "This connection is recorded: open it to work in it.",
}
"""Parameters that say more of a connection than a command could keep to."""


def runnable(connection: Connection, command: str, seconds: int) -> Connection:
    """A connection as one that runs a command, without a terminal.

    Raises:
        StatusError: it is no shell of the person's own, or is restricted (CLIENT_FORBIDDEN).
    """
    if connection.protocol != "ssh" or connection.share or connection.join or connection.follows:
        raise StatusError(
            Status.CLIENT_FORBIDDEN, "A command runs on a shell of one's own only.", Hop.FANLIGHT
        )
    for name, reason in _RESTRICTED.items():
        if connection.parameters.get(name, "") not in {"", "false"}:
            raise StatusError(Status.CLIENT_FORBIDDEN, reason, Hop.FANLIGHT)
    parameters = {
        **connection.parameters,
        "command": command,
        "command-timeout": str(seconds),
        "detach-timeout": "0",
    }
    return replace(connection, protocol=EXEC, parameters=parameters)


class _Stream:
    """A stream that a daemon has open towards us: output, or a word on what became of the command."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self, base64: str, *, final: bool = False) -> str:
        """The text of a blob."""
        try:
            data = binascii.a2b_base64(base64, strict_mode=True) if base64 else b""
        except (binascii.Error, ValueError):
            data = b""
        return self._decoder.decode(data, final)


class Outcome:
    """Reads what a daemon tells of a command. No I/O."""

    def __init__(self) -> None:
        self._parser = InstructionParser()
        self._streams: dict[str, _Stream] = {}
        self._told: dict[str, str] = {}
        self._error = ""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """What instructions tell: `{"state": "running"}`, and output as `{"stdout": "…"}`.

        Raises:
            WireError: they are none.
        """
        for instruction in self._parser.feed(data):
            yield from self._take(instruction)

    def _take(self, instruction: Instruction) -> Iterator[dict[str, Any]]:
        match instruction.opcode, *instruction.args:
            case ("pipe" | "argv", index, _, name) if len(self._streams) < MAX_STREAMS:
                self._streams[index] = _Stream(name)
            case ("blob", index, base64) if index in self._streams:
                stream = self._streams[index]
                yield from self._read(stream, stream.read(base64))
            case ("end", index, *_) if index in self._streams:
                stream = self._streams.pop(index)
                yield from self._read(stream, stream.read("", final=True))
                if stream.name not in OUTPUTS:
                    self._told[stream.name] = stream.text
                    if (stream.name, stream.text) == ("state", "running"):
                        yield {"state": "running"}
            case ("error", text, *_):
                self._error = text

    @staticmethod
    def _read(stream: _Stream, text: str) -> Iterator[dict[str, Any]]:
        if stream.name in OUTPUTS:
            if text:
                yield {stream.name: text}
        else:
            stream.text = (stream.text + text)[:MAX_WORD]

    def end(self) -> dict[str, Any]:
        """What became of it."""
        state, status = self._told.get("state", ""), self._told.get("exit-status", "")
        if state in {"", "running"}:
            return {"state": "refused", "error": self._error or "The connection to the instance was lost."}
        return {
            "state": state,
            "exit": int(status) if status.isascii() and status.isdigit() else None,
            "signal": self._told.get("exit-signal", ""),
            "cut": self._told.get("cut") == "true",
        }


async def run_everywhere(gateway: Gateway, session: Session, order: Order, address: str, tell: Tell) -> None:
    """Run a command on each connection, some at a time. Cancelled, it is told to stop everywhere.

    Args:
        gateway: opens the tunnels.
        session: whose connections.
        order: what shall run where.
        address: the browser's.
        tell: given what happens, each with its `connection`; may wait.
    """
    places = asyncio.Semaphore(order.limit)

    async def one(identifier: str) -> None:
        async with places:
            await _run(gateway, session, identifier, order, address, tell)

    async with asyncio.TaskGroup() as group:
        for identifier in order.connections:
            group.create_task(one(identifier), name=f"command on {identifier}")


async def _run(
    gateway: Gateway, session: Session, identifier: str, order: Order, address: str, tell: Tell
) -> None:
    await tell({"connection": identifier, "state": "starting"})
    started = time.monotonic()
    try:
        tunnel = await gateway.run(session, identifier, order.command, order.seconds, address)
    except StatusError as error:
        await tell({"connection": identifier, "state": "refused", "error": error.message})
        return
    outcome = Outcome()
    try:
        while data := await tunnel.receive():
            for event in outcome.feed(data):
                await tell({"connection": identifier, **event})
    except WireError:
        tunnel.end(Status.UPSTREAM_ERROR)
    finally:
        end = outcome.end()
        tunnel.outcome = "cancelled" if tunnel.status is None else _words(end)
        gateway.close(tunnel, Status.SUCCESS)
    await tell({"connection": identifier, **end, "seconds": round(time.monotonic() - started, 3)})


def _words(end: dict[str, Any]) -> str:
    """An outcome as the history has it."""
    if end["state"] == "exited":
        return f"exit {end['exit']}"
    return f"SIG{end['signal']}" if end["state"] == "signalled" else str(end["state"])
