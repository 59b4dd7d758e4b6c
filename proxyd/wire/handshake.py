"""The handshake of both sides, without I/O (sheet section 2).

`select` → `args` → `size audio video image timezone name` → `connect` → `ready`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxyd.wire.instruction import Instruction, WireError, encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["VERSION", "ClientHandshake", "ClientInfo", "ServerHandshake", "parse_version"]

VERSION = "VERSION_1_5_0"
"""The newest protocol version that both sides speak."""
KNOWN_VERSIONS = {
    "VERSION_1_0_0": (1, 0, 0),
    "VERSION_1_1_0": (1, 1, 0),
    "VERSION_1_3_0": (1, 3, 0),
    "VERSION_1_5_0": (1, 5, 0),
}
_VERSION_PATTERN = re.compile(r"VERSION_(\d{1,4})_(\d{1,4})_(\d{1,4})", re.ASCII)
_NUMBER = re.compile(r"\s*(-?\d{1,9})", re.ASCII)

MIN_SIDE, MAX_SIDE = 1, 16384
"""Pixels of a client's area."""
MIN_DPI, MAX_DPI = 1, 2400
"""Pixels an inch."""
_MAX_TYPES = 64


def parse_version(text: str) -> tuple[int, int, int] | None:
    """The numbers of a version element; None where it is an ordinary parameter name."""
    match = _VERSION_PATTERN.fullmatch(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def number(text: str, name: str, low: int, high: int) -> int:
    """An integer argument, read by prefix as C peers do: `1280.5` is 1280.

    Raises:
        WireError: no number, or outside `low`..`high`.
    """
    match = _NUMBER.match(text)
    if match is None:
        raise WireError(f"{name} is not a number")
    value = int(match[1])
    if not low <= value <= high:
        raise WireError(f"{name} is {value}, outside {low} to {high}")
    return value


@dataclass
class ClientInfo:
    """What a client says of itself during the handshake."""

    width: int = 1024
    height: int = 768
    dpi: int = 96
    audio: tuple[str, ...] = ()
    video: tuple[str, ...] = ()
    image: tuple[str, ...] = ("image/png", "image/jpeg")
    timezone: str = ""
    name: str = ""
    version: tuple[int, int, int] = (1, 0, 0)


class ServerHandshake:
    """proxyd's side. Feed instructions to `receive` until it returns True.

    Attributes:
        client: what the client said.
        arguments: parameter name to value, once finished.
    """

    def __init__(self, parameters: Sequence[str]) -> None:
        self._parameters = parameters
        self._handlers = {
            "size": self._size,
            "audio": self._audio,
            "video": self._video,
            "image": self._image,
            "timezone": self._timezone,
            "name": self._name,
        }
        self.client = ClientInfo()
        self.arguments: dict[str, str] = {}

    def args(self) -> bytes:
        """The `args` instruction that answers `select`."""
        return encode("args", VERSION, *self._parameters)

    def receive(self, instruction: Instruction) -> bool:
        """Take the next instruction; True when `connect` has come.

        Raises:
            StatusError: sizes or dpi are absurd, or the number of arguments is wrong (CLIENT_BAD_REQUEST).
        """
        if instruction.opcode == "connect":
            self._connect(instruction.args)
            return True
        handler = self._handlers.get(instruction.opcode)
        if handler is not None:  # unknown ones are skipped: newer clients say more
            handler(instruction.args)
        return False

    def _size(self, args: tuple[str, ...]) -> None:
        if len(args) < 2:
            raise WireError("size needs a width and a height")
        # guacamole-lite leaves all three blank when it was not told (sheet 13, no. 16)
        if args[0]:
            self.client.width = number(args[0], "width", MIN_SIDE, MAX_SIDE)
        if args[1]:
            self.client.height = number(args[1], "height", MIN_SIDE, MAX_SIDE)
        if len(args) > 2 and args[2]:
            self.client.dpi = number(args[2], "dpi", MIN_DPI, MAX_DPI)

    def _audio(self, args: tuple[str, ...]) -> None:
        self.client.audio = args[:_MAX_TYPES]

    def _video(self, args: tuple[str, ...]) -> None:
        self.client.video = args[:_MAX_TYPES]

    def _image(self, args: tuple[str, ...]) -> None:
        if args:
            self.client.image = args[:_MAX_TYPES]

    def _timezone(self, args: tuple[str, ...]) -> None:
        self.client.timezone = args[0] if args else ""

    def _name(self, args: tuple[str, ...]) -> None:
        self.client.name = args[0] if args else ""

    def _connect(self, args: tuple[str, ...]) -> None:
        wanted = len(self._parameters) + 1
        if len(args) != wanted:
            raise WireError(f"connect has {len(args)} arguments, expected {wanted}")
        self.client.version = KNOWN_VERSIONS.get(args[0], (1, 0, 0) if not args[0] else (0, 0, 0))
        self.arguments = dict(zip(self._parameters, args[1:], strict=True))


@dataclass
class ClientHandshake:
    """The broker's side: `start`, then feed instructions to `receive` and send what it returns.

    Attributes:
        target: a protocol name, or the id of a connection to join.
        parameters: values by parameter name; names the daemon does not ask for are listed in `unused`.
        connection_id: set by `ready`.
    """

    target: str
    parameters: Mapping[str, str]
    client: ClientInfo
    connection_id: str = ""
    unused: list[str] = field(default_factory=list)

    def start(self) -> bytes:
        """The first instruction to send."""
        return encode("select", self.target)

    def receive(self, instruction: Instruction) -> bytes:
        """Take the next instruction and return the answer; finished once `connection_id` is set.

        Raises:
            StatusError: the daemon answered `error` or `disconnect`, or something unexpected.
        """
        match instruction.opcode:
            case "args":
                return self._answer(instruction.args)
            case "ready" if instruction.args:
                self.connection_id = instruction.args[0]
                return b""
            case "error":
                raise _refusal(instruction.args)
            case "disconnect":
                raise StatusError(Status.UPSTREAM_UNAVAILABLE, "The daemon closed the connection.")
            case "nop":
                return b""
            case other:
                raise StatusError(
                    Status.SERVER_ERROR, f"The daemon sent {other[:32]!r} during the handshake."
                )

    def _answer(self, names: tuple[str, ...]) -> bytes:
        theirs = parse_version(names[0]) if names else None
        version: tuple[int, int, int] | None = None
        if theirs is not None:
            version = min(theirs, KNOWN_VERSIONS[VERSION])
            names = names[1:]
        self.unused = sorted(set(self.parameters) - set(names))
        client = self.client
        said = [
            encode("size", client.width, client.height, client.dpi),
            encode("audio", *client.audio),
            encode("video", *client.video),
            encode("image", *client.image),
        ]
        values = [self.parameters.get(name, "") for name in names]
        if version is not None:
            if version >= (1, 1, 0) and client.timezone:
                said.append(encode("timezone", client.timezone))
            if version >= (1, 5, 0) and client.name:
                said.append(encode("name", client.name))
            values.insert(0, "VERSION_{}_{}_{}".format(*version))
        return b"".join(said) + encode("connect", *values)


def _refusal(args: tuple[str, ...]) -> StatusError:
    message = args[0] if args else "The daemon refused."
    code = args[1] if len(args) > 1 else ""
    status = (
        Status.from_code(int(code))
        if code.isascii() and code.isdigit() and len(code) < 6
        else Status.SERVER_ERROR
    )
    return StatusError(status, message)
