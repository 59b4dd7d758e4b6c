"""One command on an instance, for whoever reads what it wrote: nothing is drawn, nothing is typed.

Standard output and error travel as named streams, what becomes of the command as arguments (docs/reference/shell.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from proxyd.instances import ssh_parameters
from proxyd.instances.parameters import Parameter
from proxyd.instances.ssh_command import Stream, run_command
from proxyd.instances.ssh_connection import connected
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proxyd.display.ops import Rect
    from proxyd.files import Pipe
    from proxyd.instances.base import Desk
    from proxyd.instances.parameters import Arguments
    from proxyd.streams import Sink

__all__ = ["CommandInstance"]

DAY = 86_400


class CommandInstance:
    """See `proxyd.instances.base.Instance`."""

    PARAMETERS: ClassVar[Sequence[Parameter]] = (
        *ssh_parameters.PARAMETERS,
        Parameter("command-timeout", 0, 0, DAY, clamp=True),
    )
    """A shell's, and the seconds that the command may take; 0 is for ever."""
    EDITABLE: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, arguments: Arguments, desk: Desk) -> None:
        self._arguments = arguments
        self._desk = desk
        self._pipes: dict[Stream, Pipe | None] = {}

    async def run(self) -> None:
        """See `Instance.run`. Cancelled, it tells the command to stop.

        Raises:
            StatusError: see `Instance.run`; or the instance asks something, which nobody can answer here.
        """
        desk = self._desk
        await desk.transport.ready(Unasked())
        async with connected(
            self._arguments,
            desk.transport,
            Unasked(),
            desk.host_key_files,
            desk.connection_id,
            known_as=desk.transport.known_as(self._arguments.text("hostname")),
        ) as opened:
            desk.argument("state", "running")
            ended = await run_command(
                opened.connection,
                self._arguments.text("command"),
                self._take,
                seconds=self._arguments.number("command-timeout"),
            )
        for pipe in self._pipes.values():
            if pipe is not None:
                pipe.close()
        told = {
            "exit-status": "" if ended.status is None else str(ended.status),
            "exit-signal": ended.signal,
            "cut": "true" if ended.cut else "false",
            "state": ended.how.value,
        }
        for name, value in told.items():
            desk.argument(name, value)

    def _take(self, stream: Stream, data: bytes) -> None:
        if stream not in self._pipes:
            self._pipes[stream] = self._desk.open_pipe(stream.value)
        pipe = self._pipes[stream]
        if pipe is not None:
            pipe.write(data)

    # -- Instance: there is nothing to look at and nothing to type into ------------------------------------------------

    def request_frame(self, region: Rect | None) -> None:
        """See `Instance.request_frame`: none ever comes."""

    def key(self, keysym: int, pressed: bool) -> None:
        """See `Instance.key`."""

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """See `Instance.pointer`."""

    def resize(self, width: int, height: int) -> None:
        """See `Instance.resize`."""

    def paste(self, text: str) -> None:
        """See `Instance.paste`."""

    def change(self, name: str, value: str) -> None:
        """See `Instance.change`."""

    def open_input(self, name: str) -> Sink:
        """See `Instance.open_input`: the command's input is empty."""
        raise StatusError(Status.RESOURCE_NOT_FOUND, "No such input stream.")


class Unasked:
    """An `Asker` where nobody sits at a terminal."""

    async def ask(self, prompt: str, *, secret: bool) -> str:
        """See `Asker.ask`: it gives up."""
        words = " ".join(prompt.split())[:120]
        raise StatusError(
            Status.CLIENT_UNAUTHORIZED,
            f"It needs input: it asks {words!r} before it lets this person in.",
            Hop.SIGN_IN,
        )

    def show(self, text: str) -> None:
        """See `Asker.show`: nobody looks."""
