"""Instances that are no servers: for the session core, and for endings that are hard to get from real ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from proxyd.display.ops import Fill, Size
from proxyd.instances.gateway_asker import GatewayAsker
from proxyd.instances.parameters import KEEPING, RECORDING, WAYS, Parameter
from proxyd.streams import TextSink
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from proxyd.display.ops import Rect
    from proxyd.instances.base import Desk
    from proxyd.instances.parameters import Arguments


class Painting:
    """Draws one rectangle for each key that went down; remembers everything it was told."""

    PARAMETERS = (
        Parameter("hostname"),
        Parameter("port", 22, 1, 65535),
        Parameter("password", secret=True),
        Parameter("read-only", False),
        Parameter("clipboard-buffer-size", 262144, 262144, 52428800, clamp=True),
        *RECORDING,
        *WAYS,
        *KEEPING,
    )
    EDITABLE = frozenset({"color-scheme"})
    built: list[Painting] = []
    """Instances made since a test cleared the list."""

    def __init__(self, arguments: Arguments, desk: Desk) -> None:
        self.arguments = arguments
        self.desk = desk
        self.calls: list[tuple[object, ...]] = []
        self.over = asyncio.Event()
        self.failure: Exception | None = None
        self.cleaned_up = False
        self._requested = False
        self._dirty = False
        Painting.built.append(self)

    async def run(self) -> None:
        self.desk.title("painting")
        self.desk.argument("color-scheme", "gray-black")
        try:
            await self.over.wait()
            if self.failure is not None:
                raise self.failure
        finally:
            self.cleaned_up = True

    def request_frame(self, region: Rect | None) -> None:
        self._requested = True
        if region is not None:
            self.desk.draw([Size(self.desk.width, self.desk.height)], last=False)
        if region is not None or self._dirty:
            self._draw()

    def _draw(self) -> None:
        self._requested = self._dirty = False
        self.desk.draw([Fill(0, 0, 10, 10, 1, 2, 3)])

    def key(self, keysym: int, pressed: bool) -> None:
        self.calls.append(("key", keysym, pressed))
        self.desk.hurry()
        if self._requested:
            self._draw()
        else:
            self._dirty = True

    def pointer(self, x: int, y: int, buttons: int) -> None:
        self.calls.append(("pointer", x, y, buttons))

    def resize(self, width: int, height: int) -> None:
        self.calls.append(("resize", width, height))

    def paste(self, text: str) -> None:
        self.calls.append(("paste", text))

    def change(self, name: str, value: str) -> None:
        self.calls.append(("change", name, value))

    def open_input(self, name: str) -> TextSink:
        if name != "STDIN":
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such input stream.")
        return TextSink(1000, lambda text: self.calls.append(("input", text)))


class Asking(Painting):
    """Asks for its password when none was given."""

    async def run(self) -> None:
        answers = await self.desk.ask(["password"])
        self.calls.append(("answers", answers))
        await super().run()


class Gated(Painting):
    """Stands behind a gateway that another session signs in at first, and then asks here."""

    async def run(self) -> None:
        asker = GatewayAsker(self.desk)
        asker.wait()
        asker.show("Staff only\n")
        self.calls.append(("answer", await asker.ask("Code: ", secret=True)))
        await super().run()


class Refusing(Painting):
    """Cannot be reached."""

    async def run(self) -> None:
        raise StatusError(
            Status.UPSTREAM_UNAVAILABLE, "Nothing listens on port 5905 of 10.1.2.3.", Hop.DESKTOP
        )


class Changed(Painting):
    """Is not the machine it was."""

    async def run(self) -> None:
        failure = StatusError(Status.SERVER_ERROR, "Another host key.", Hop.HOST_KEY)
        failure.evidence = "ssh-ed25519 AAAA"
        raise failure


class Broken(Painting):
    """Has a bug."""

    async def run(self) -> None:
        raise ZeroDivisionError
