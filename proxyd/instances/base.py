"""What an instance can do, and what its session offers it. The two sides meet here and nowhere else.

A session pulls: it calls `Instance.request_frame` when its viewers can show another picture, and the instance answers
with `Desk.draw(..., last=True)` as soon as it has something new. One request, one frame; nothing is drawn unasked.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxyd.display.ops import Op, Rect
    from proxyd.files import BinaryReader, Filesystem, Pipe
    from proxyd.instances.host_keys import HostKeyFiles
    from proxyd.instances.parameters import Arguments, Parameter
    from proxyd.streams import Sink
    from proxyd.transport import Way

__all__ = ["Desk", "Instance", "Notice", "Prompt"]


class Notice(Enum):
    """What people should know though the session goes on. The value is what the browser is told."""

    CLIPBOARD_CUT = "clipboard-cut"
    RECORDING_STOPPED = "recording-stopped"
    RESUMED = "resumed"
    """The seconds that the owner was away follow."""
    RESTARTING = "restarting"
    """The seconds that are left follow."""
    GATEWAY_ASKS = "gateway-asks"
    """The person is asked for a gateway's code in another window; this session waits for it."""
    WAY_LOST = "way-lost"
    """What leads to the desktop was lost; it is looked for again."""


class Prompt(NamedTuple):
    """A question in somebody else's words.

    Attributes:
        text: theirs; nothing in it is trusted.
        secret: the answer is not shown.
    """

    text: str
    secret: bool


class Desk(Protocol):
    """What a session offers its instance. All calls are made on the worker's event loop."""

    width: int
    """Width wanted by the owner, pixels."""
    height: int
    """Height wanted by the owner, pixels."""
    dpi: int
    """Resolution of the owner's screen, pixels an inch; 96 is 1x."""
    timezone: str
    """The owner's IANA time zone; empty where unknown."""
    connection_id: str
    """`$` and a UUID."""
    host_key_files: HostKeyFiles
    """What is known of instances' host keys."""
    transport: Way
    """How a byte stream to the instance is opened."""

    @property
    def lag(self) -> float:
        """Seconds that the picture is behind at the worst live viewer, beyond the path's own delay."""

    def draw(self, ops: Iterable[Op], *, last: bool = True, merged: int = 0) -> None:
        """Append to the frame that was requested; `last` ends it.

        Args:
            ops: drawing operations in order.
            last: the frame is complete.
            merged: how many frames of the remote side went into this one; 0 is unknown.
        """

    def accepts(self, mimetype: str) -> bool:
        """Whether every viewer can show images of this type."""

    def hurry(self) -> None:
        """A person waits for the answer to a key: let the next request come without the frame tick."""

    def title(self, text: str) -> None:
        """Name the session."""

    def clipboard(self, text: str) -> None:
        """Text copied on the instance, for all viewers."""

    def notice(self, what: Notice) -> None:
        """Tell the viewers something in passing."""

    def link(self, uri: str) -> None:
        """A person followed a link: their browser may open it."""

    def argument(self, name: str, value: str) -> None:
        """Announce the current value of a parameter that can be changed during the session."""

    def expose(self, filesystem: Filesystem) -> None:
        """Offer files to the owner, while there."""

    def offer(self, reader: BinaryReader, name: str) -> bool:
        """Offer one file to the owner, who may save it; the session closes it. False where nobody can take it."""

    def open_pipe(self, name: str) -> Pipe | None:
        """Begin a named stream of text to the owner; None where nobody is there."""

    async def ask(self, names: Sequence[str], prompt: Prompt | None = None) -> dict[str, str]:
        """Ask the owner for missing parameters (`required`).

        Args:
            names: of them.
            prompt: what to ask, where the names do not say it.

        Raises:
            StatusError: the owner's protocol version has no `required`.
        """


class Instance(Protocol):
    """One connection to an instance; nothing happens before `run`."""

    PARAMETERS: ClassVar[Sequence[Parameter]]
    """Connection parameters, in guacd's order."""
    EDITABLE: ClassVar[frozenset[str]]
    """Parameters that `change` accepts during the session."""

    def __init__(self, arguments: Arguments, desk: Desk) -> None:
        """Prepare a connection with these parameters for this session."""

    async def run(self) -> None:
        """Connect and serve. Returns when the instance ended the session normally.

        Cancelled when the session ends for another reason: everything opened here is closed before it returns.

        Raises:
            StatusError: connecting failed, or the connection broke; `hop` says where.
        """

    def request_frame(self, region: Rect | None) -> None:
        """Ask for the next frame; answered by one `Desk.draw(..., last=True)`, now or when something changes.

        Args:
            region: a part to draw in full even if nothing changed there (a joiner, a viewer that fell behind).
                A frame with a region answers at once and covers it: whatever was under way before is drawn with
                `last=False`. A second request before the answer adds its region to the first. It may reach past
                the picture. Its viewers may know nothing yet: layers, their content and cached glyphs are drawn
                anew (sizes, places and the pointer's shape are remembered by the session).
        """

    def key(self, keysym: int, pressed: bool) -> None:
        """A key went down or up; `keysym` as X11 numbers it, Unicode as 0x01000000 + code point."""

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """The pointer, pixels of layer 0; buttons: 1 left, 2 middle, 4 right, 8/16 wheel up/down, 32/64 left/right."""

    def resize(self, width: int, height: int) -> None:
        """The owner's window has another size, pixels."""

    def paste(self, text: str) -> None:
        """Text that a viewer put on the clipboard."""

    def change(self, name: str, value: str) -> None:
        """Change one of `EDITABLE`."""

    def open_input(self, name: str) -> Sink:
        """A viewer opens a named stream towards the instance.

        Raises:
            StatusError: there is no stream of this name (RESOURCE_NOT_FOUND), it is taken (RESOURCE_CONFLICT), or this
                instance has none (UNSUPPORTED).
        """
