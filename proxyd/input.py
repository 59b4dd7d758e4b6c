"""What a viewer sends during a session: one table from opcode to handler (sheet section 3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from proxyd.instances.base import Notice
from proxyd.streams import TextSink, ack
from proxyd.wire.handshake import MAX_SIDE, number
from proxyd.wire.instruction import WireError
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxyd.session import Session
    from proxyd.viewer import Viewer
    from proxyd.wire.instruction import Instruction

__all__ = ["handle"]

MAX_ARGUMENT = 16383
"""Bytes of an argument changed in session; guacd drops the excess too."""
MAX_KEYSYM = 0x0110FFFF
MAX_COORDINATE = 65535


class Row(NamedTuple):
    """A handler, the arguments it needs at least, and whether a viewer who may only look may send it."""

    handler: Callable[[Session, Viewer, tuple[str, ...]], None]
    arguments: int
    harmless: bool = False


def handle(session: Session, viewer: Viewer, instruction: Instruction) -> None:
    """Act on one instruction; unknown opcodes are ignored, as guacd does.

    Raises:
        StatusError: an argument is missing or absurd (CLIENT_BAD_REQUEST).
    """
    row = _TABLE.get(instruction.opcode)
    if row is None:
        return
    if len(instruction.args) < row.arguments:
        raise WireError(f"{instruction.opcode} needs {row.arguments} arguments")
    if row.harmless or not viewer.read_only:
        row.handler(session, viewer, instruction.args)
    elif instruction.opcode in _REFUSALS:
        _refuse(viewer, instruction.opcode, instruction.args)


def _sync(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    timestamp = args[0]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 20):
        raise WireError("sync has no timestamp")
    if int(timestamp) > session.pump.last_timestamp:
        raise WireError("sync names a frame that was never sent")
    session.pump.shown(viewer, int(timestamp))


def _nop(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    """Keep-alive: having arrived is all it does."""


def _key(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    keysym = number(args[0], "keysym", 0, MAX_KEYSYM)
    session.key(viewer, keysym, args[1] == "1")


def _mouse(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    x = number(args[0], "x", -MAX_COORDINATE, MAX_COORDINATE)
    y = number(args[1], "y", -MAX_COORDINATE, MAX_COORDINATE)
    mask = number(args[2], "mask", 0, 0xFFFF)
    session.pointer(viewer, max(x, 0), max(y, 0), mask)


def _size(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    width = number(args[0], "width", 0, MAX_SIDE)
    height = number(args[1], "height", 0, MAX_SIDE)
    if width and height:
        viewer.size = width, height
        session.follow_size()


def _clipboard(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    limit = session.arguments.number("clipboard-buffer-size")
    sink = TextSink(limit, session.paste, lambda: session.notice(Notice.CLIPBOARD_CUT))
    viewer.inbound.open(args[0], sink)


def _argv(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    index, _, name = args[:3]
    if not session.may_change(name):
        viewer.send(ack(index, "Not allowed.", Status.CLIENT_FORBIDDEN))
        return
    viewer.inbound.open(index, TextSink(MAX_ARGUMENT, lambda text: session.change(name, text)))
    viewer.send(ack(index, "Ready for updated parameter.", Status.SUCCESS))


def _blob(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.send(viewer.inbound.blob(args[0], args[1]))


def _end(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.send(viewer.inbound.end(*args[:2]))


def _ack(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.transfers.ack(args[0], args[2])


def _get(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.transfers.get(args[0], args[1])


def _put(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.transfers.put(args[0], args[1], args[3])


def _file(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.transfers.file(args[0], args[2])


def _disconnect(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    viewer.close(None, session.reference)
    session.leave(viewer, on_purpose=True)


def _pipe(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    index, _, name = args[:3]
    try:
        viewer.inbound.open(index, session.instance.open_input(name))
    except StatusError as error:
        viewer.send(ack(index, error.message, error.status))
    else:
        viewer.send(ack(index, "Now reading from stream.", Status.SUCCESS))


def _audio(session: Session, viewer: Viewer, args: tuple[str, ...]) -> None:
    _refuse(viewer, "audio", args)


def _refuse(viewer: Viewer, opcode: str, args: tuple[str, ...]) -> None:
    """Refuse a stream that this viewer may not open, or that nobody here serves."""
    index = args[1] if opcode == "put" else args[0]
    viewer.send(ack(index, _REFUSALS[opcode], Status.UNSUPPORTED))


_REFUSALS = {
    "clipboard": "Clipboard unsupported",
    "argv": "Reconfiguring in-progress connections unsupported",
    "file": "File transfer unsupported",
    "put": "Object write unsupported",
    "pipe": "Named pipes unsupported",
    "audio": "Audio input unsupported",
}

_TABLE: dict[str, Row] = {
    "sync": Row(_sync, 1, harmless=True),
    "nop": Row(_nop, 0, harmless=True),
    "disconnect": Row(_disconnect, 0, harmless=True),
    "key": Row(_key, 2),
    "mouse": Row(_mouse, 3),
    "size": Row(_size, 2),
    "clipboard": Row(_clipboard, 2),
    "argv": Row(_argv, 3),
    "blob": Row(_blob, 2),
    "end": Row(_end, 1),
    "ack": Row(_ack, 3, harmless=True),
    "get": Row(_get, 2),
    "put": Row(_put, 4),
    "file": Row(_file, 3),
    "pipe": Row(_pipe, 3),
    "audio": Row(_audio, 1),
}
