"""Scrollback: rows that left the screen, packed small.

The newest rows are at hand. What is older may wait to be made ready: a flood as the bytes it came as, rows as they were
wrapped for another width. That is done piece by piece, newest first, for whoever looks so far back.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from proxyd.terminal.flood import style_after
from proxyd.terminal.packed import PackedRow, pack, unpack, wraps
from proxyd.terminal.reflow import reflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxyd.terminal.cells import Row, Style

__all__ = ["History", "Raw"]

PIECE: Final = 128
"""Lines or rows that are made ready at a time: a millisecond or two."""
LONGEST: Final = 1024
"""Rows of one logical line that are wrapped anew together."""


class Raw(NamedTuple):
    """Output that was skipped on screen: plain lines, at least `rows` of them, each ended by a line feed.

    Attributes:
        data: what the program wrote.
        style: in force at the start.
        rows: line feeds in `data`; wrapping may make more rows of it.
    """

    data: bytes
    style: Style
    rows: int

    def pieces(self) -> list[Raw]:
        """The same in pieces of few lines, oldest first."""
        lines = [line + b"\n" for line in self.data.removesuffix(b"\n").split(b"\n")]
        pieces: list[Raw] = []
        style = self.style
        for start in range(0, len(lines), PIECE):
            data = b"".join(lines[start : start + PIECE])
            pieces.append(Raw(data, style, data.count(b"\n")))
            style = style_after(style, data)
        return pieces


class _Batch(NamedTuple):
    """Rows that were at hand before something else came: they are wrapped for a width that may have changed since."""

    packed: deque[PackedRow]
    columns: int

    @property
    def rows(self) -> int:
        return len(self.packed)


class History:
    """The newest `limit` rows that left the screen.

    Attributes:
        limit: rows to keep.
    """

    __slots__ = ("_columns", "_ready", "_replay", "_waiting", "_waiting_rows", "limit")

    def __init__(self, limit: int, columns: int, replay: Callable[[Raw], Iterable[PackedRow]]) -> None:
        """Start empty.

        Args:
            limit: rows to keep.
            columns: where rows wrap.
            replay: renders skipped output when somebody looks at it.
        """
        self.limit = limit
        self._columns = columns
        self._replay = replay
        self._ready: deque[PackedRow] = deque()
        self._waiting: deque[Raw | _Batch] = deque()
        self._waiting_rows = 0

    def __len__(self) -> int:
        """Rows there are; an estimate while some of them are not ready."""
        return min(self._waiting_rows + len(self._ready), self.limit)

    @property
    def ready(self) -> int:
        """How many rows are at hand."""
        return len(self._ready)

    def push(self, row: Row) -> None:
        """Add the row that left the screen last."""
        ready = self._ready
        ready.append(pack(row))
        if self._waiting:
            self._trim()
        elif len(ready) > self.limit:
            ready.popleft()

    def push_raw(self, raw: Raw) -> None:
        """Add skipped output."""
        self._set_aside()
        self._wait(raw)
        self._trim()

    def prepare(self, count: int) -> bool:
        """Do a piece of the work that is needed to have the newest rows at hand.

        Args:
            count: how many rows.

        Returns:
            Whether they are at hand now, or all that there are.
        """
        if self._waiting and len(self._ready) < count:
            self._prepare_piece()
        return not self._waiting or len(self._ready) >= count

    def rows(self, count: int = sys.maxsize) -> deque[PackedRow]:
        """What is at hand, oldest first: the newest `count` rows at least, if there are so many."""
        while not self.prepare(count):
            pass
        return self._ready

    def row(self, back: int, columns: int) -> Row:
        """The row that is `back` rows back (1 is the newest), `columns` wide."""
        return unpack(self.rows(back)[-back], columns)

    def clear(self) -> None:
        """Forget everything."""
        self._ready.clear()
        self._waiting.clear()
        self._waiting_rows = 0

    def resize(self, limit: int) -> None:
        """Keep at most `limit` rows from now on."""
        self.limit = limit
        self._trim()

    # Another width

    def take(self, count: int) -> list[PackedRow]:
        """Take away the newest rows, at least `count` if there are so many, and whole logical lines."""
        taken: list[PackedRow] = []
        while self.rows(1) and _belongs(self._ready, taken, count):
            taken.append(self._ready.pop())
        return taken[::-1]

    def rewrap(self, columns: int) -> None:
        """Wrap rows at another width from now on."""
        if columns != self._columns:
            self._set_aside()
            self._columns = columns

    def extend(self, rows: Iterable[PackedRow]) -> None:
        """Add rows that are wrapped already."""
        self._ready.extend(rows)
        self._trim()

    # What waits

    def _wait(self, item: Raw | _Batch) -> None:
        self._waiting.append(item)
        self._waiting_rows += item.rows

    def _set_aside(self) -> None:
        """Something else comes behind what is at hand."""
        if self._ready:
            self._wait(_Batch(self._ready, self._columns))
            self._ready = deque()

    def _prepare_piece(self) -> None:
        item = self._waiting.pop()
        self._waiting_rows -= item.rows
        if isinstance(item, Raw):
            *older, newest = item.pieces() if item.rows > PIECE else [item]
            for piece in older:
                self._wait(piece)
            rows = list(self._replay(newest))
        else:
            rows = []
            while item.packed and _belongs(item.packed, rows, PIECE):
                rows.append(item.packed.pop())
            rows.reverse()
            if item.packed:
                self._wait(item)
            if item.columns != self._columns:
                rows, _ = reflow(rows, self._columns, ())
        self._ready.extendleft(reversed(rows))
        self._trim()

    def _trim(self) -> None:
        """Drop the oldest rows beyond the limit; skipped output goes as a whole, when all of it is beyond."""
        excess = len(self._ready) + self._waiting_rows - self.limit
        while excess > 0 and self._waiting:
            first = self._waiting[0]
            if first.rows <= excess:
                self._waiting.popleft()
                gone = first.rows
            elif isinstance(first, Raw):
                return
            else:
                gone = excess
                for _ in range(gone):
                    first.packed.popleft()
            excess -= gone
            self._waiting_rows -= gone
        for _ in range(excess):
            self._ready.popleft()


def _belongs(rows: deque[PackedRow], taken: list[PackedRow], count: int) -> bool:
    """Whether the last of `rows` is to be taken, too: more are wanted, or what was taken last continues it."""
    return len(taken) < count or (len(taken) < LONGEST and wraps(rows[-1]))
