"""Scrollback: rows that left the screen, packed small, and floods kept as the bytes they came as."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from proxyd.terminal.packed import PackedRow, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxyd.terminal.cells import Row, Style

__all__ = ["History", "Raw"]


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


Item = PackedRow | Raw


class History:
    """The newest `limit` rows that left the screen.

    Attributes:
        limit: rows to keep.
    """

    __slots__ = ("_items", "_raw", "_replay", "_rows", "limit")

    def __init__(self, limit: int, replay: Callable[[Raw], Iterable[PackedRow]]) -> None:
        """Start empty; `replay` renders skipped output when somebody looks at it."""
        self.limit = limit
        self._replay = replay
        self._items: deque[Item] = deque()
        self._rows = 0
        self._raw = 0

    def __len__(self) -> int:
        """Rows that can be asked for; with skipped output in it a lower bound, until `rows` is called."""
        return min(self._rows, self.limit)

    def push(self, row: Row) -> None:
        """Add the row that left the screen last."""
        self._items.append(pack(row))
        self._rows += 1
        if self._rows > self.limit:
            if self._raw:
                self._trim()
            else:
                self._items.popleft()
                self._rows -= 1

    def push_raw(self, raw: Raw) -> None:
        """Add skipped output."""
        self._items.append(raw)
        self._rows += raw.rows
        self._raw += 1
        self._trim()

    def rows(self) -> deque[PackedRow]:
        """All rows, oldest first."""
        if self._raw:
            self._settle()
        return self._items  # type: ignore[return-value]

    def row(self, index: int, columns: int) -> Row:
        """Row `index` (0 is the oldest), `columns` wide."""
        return unpack(self.rows()[index], columns)

    def replace(self, rows: Iterable[PackedRow]) -> None:
        """Hold these rows instead."""
        self._items = deque(rows)
        self._rows = len(self._items)
        self._raw = 0
        self._trim()

    def resize(self, limit: int) -> None:
        """Keep at most `limit` rows from now on."""
        self.limit = limit
        self.replace(self.rows())

    def _settle(self) -> None:
        rows: list[PackedRow] = []
        for item in self._items:
            rows += self._replay(item) if isinstance(item, Raw) else (item,)
        self.replace(rows)

    def _trim(self) -> None:
        while self._rows > self.limit:
            first = self._items[0]
            size = first.rows if isinstance(first, Raw) else 1
            if self._rows - size < self.limit and size > 1:
                break
            self._items.popleft()
            self._rows -= size
            self._raw -= isinstance(first, Raw)
