"""Which framebuffer update answers which frame: one request, one frame, nothing drawn unasked.

A server may consume a request with an update that draws nothing, answer an older request first, or send an update that
nobody asked for; the session on the other side sees none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.display.ops import Cursor, Op, Rect, Size
from proxyd.rfb.events import PictureDrawn
from proxyd.rfb.messages import framebuffer_update_request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Frames"]

MAX_UPDATES = 16
"""Updates that one frame may take: a server that never draws what was asked for shall not fill memory."""


class Frames:
    """Pairs requests with updates. Regions and sizes are pixels of the framebuffer."""

    def __init__(self, send: Callable[[bytes], None], report: Callable[[PictureDrawn], None]) -> None:
        self._send = send
        self._report = report
        self._screen = Rect(0, 0, 0, 0)
        self._wanted = False
        self._region: Rect | None = None  # to be drawn in full before the frame is complete
        self._covered = 0  # pixels drawn since it was asked for
        self._updates = 0  # that went into this frame
        self._stale = True  # the content is unknown: nothing was drawn yet, or the size changed
        self._held: list[Op] = []  # drawn before anybody asked
        self._whole_update_held = False
        self._updating = False

    @property
    def held(self) -> bool:
        """Whether an update waits to be asked for: read nothing more until then."""
        return self._whole_update_held

    def request(self, region: Rect | None) -> None:
        """The session wants the next frame; see `Instance.request_frame`."""
        self._wanted = True
        if region is not None:
            self._whole_update_held = False
            self._flush(last=False)
            self._ask_in_full(self._screen if self._stale else region)
        elif self._whole_update_held:
            self._whole_update_held = False
            self._flush(last=True)
        elif self._stale:
            self._ask_in_full(self._screen)
        elif not self._updating:
            self._ask_for_changes()

    def resized(self, width: int, height: int) -> None:
        """The framebuffer has another size; what it shows is unknown."""
        self._screen = Rect(0, 0, width, height)
        self._held.append(Size(width, height))
        self._stale = True
        if self._wanted and not self._updating:
            self._ask_in_full(self._screen)

    def began(self) -> None:
        """An update begins."""
        self._updating = True

    def drew(self, ops: Sequence[Op], rect: Rect) -> None:
        """A rectangle of the update was read; `rect` is the part of the picture it replaced, may be empty."""
        self._held.extend(ops)
        if self._region is not None:
            self._covered += _overlap(rect, self._region)

    def ended(self) -> None:
        """The update is complete."""
        self._updating = False
        self._updates += 1
        if not self._wanted:
            if self._stale:
                self._held = _lasting(self._held)
            self._whole_update_held = not self._stale and bool(self._held)
        elif self._answers():
            self._region = None
            self._flush(last=True)
        elif self._stale:
            self._flush(last=False)
            self._ask_in_full(self._screen)
        else:
            # the server remembers what it owes: asking again in full could go on for ever (TigerVNC answers every
            # full request with its screen layout, which consumes the request)
            self._flush(last=False)
            self._ask_for_changes()

    def settle(self) -> None:
        """The server has been silent for a while: what it drew of the region that was asked for has to do."""
        if self._wanted and self._updates and not self._updating:
            self._region = None
            self._flush(last=True)

    def _answers(self) -> bool:
        if self._updates >= MAX_UPDATES:
            return True
        if self._stale:
            return False
        if self._region is not None:
            return self._covered >= self._region.width * self._region.height
        return bool(self._held)

    def _flush(self, *, last: bool) -> None:
        ops, self._held = self._held, []
        if ops or last:
            self._report(PictureDrawn(ops, last))
        if last:
            self._wanted = False
            self._updates = 0

    def _ask_in_full(self, region: Rect) -> None:
        self._region = region if self._region is None else _union(self._region, region)
        if not self._screen.width:
            return  # the size is not known yet: `resized` asks
        self._region = _clipped(self._region, self._screen)
        if self._region == self._screen:
            self._stale = False
        self._covered = 0
        self._send(framebuffer_update_request(self._region, incremental=False))

    def _ask_for_changes(self) -> None:
        if self._screen.width:
            self._send(framebuffer_update_request(self._screen, incremental=True))


def _lasting(ops: list[Op]) -> list[Op]:
    """What is not drawn again with the whole picture: its size and the pointer's shape."""
    newest = {type(op): op for op in ops if isinstance(op, Size | Cursor)}
    return list(newest.values())


def _union(one: Rect, other: Rect) -> Rect:
    x, y = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Rect(x, y, right - x, bottom - y)


def _overlap(one: Rect, other: Rect) -> int:
    """Pixels that both have."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(width, 0) * max(height, 0)


def _clipped(region: Rect, screen: Rect) -> Rect:
    """The part of the region that is on the screen; all of the screen where that is nothing."""
    x, y = max(region.x, 0), max(region.y, 0)
    right = min(region.x + region.width, screen.width)
    bottom = min(region.y + region.height, screen.height)
    return Rect(x, y, right - x, bottom - y) if right > x and bottom > y else screen
