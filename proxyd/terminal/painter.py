"""The painter: what changed on a screen as drawing operations, the cursor on a layer of its own.

A key that is echoed costs about a hundred bytes: its cell is copied from a buffer at the browser, the cursor's layer is
moved. Rows go as palette images, empty regions as fills, scrolling as copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from proxyd.display.ops import Copy, Fill, Move, Op, Shade, Size
from proxyd.terminal.cells import CURSOR, DEFAULT, Flag
from proxyd.terminal.compose import Cells, channels, compose
from proxyd.terminal.drawn import stroke
from proxyd.terminal.glyphs import LEFT
from proxyd.terminal.looks import Look, Looks, Pair
from proxyd.terminal.screen import CursorShape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxyd.terminal.cells import Style
    from proxyd.terminal.glyphs import Atlas
    from proxyd.terminal.screen import Cursor, Damage, Screen, Scroll

__all__ = ["CURSOR_LAYER", "GLYPH_BUFFER", "Painter", "Sheet"]

CURSOR_LAYER = 1
CURSOR_Z = 2
"""Above the text and the selection."""
GLYPH_BUFFER = -1
"""A buffer at the browser that holds single cells, to be copied to where they appear again."""

FEW_CELLS = 6
"""Changed cells that are copied one by one; more go as images."""
BUFFER_COLUMNS, BUFFER_ROWS = 64, 16
"""Cells of the glyph buffer."""
BLOCK_CELLS = 4096
"""Cells of an image at most: several are encoded side by side."""
BLANK_ROWS = 3
"""Empty rows, one below the other, that are worth a fill of their own."""
BLANK_CELLS = 64
"""Empty cells at the right of an image that are worth one."""
MAX_EFFORT = 150
"""Characters drawn anew in one `paint`, about 10 ms; further rows wait for the next."""
MAX_CELLS = 60_000
"""Cells painted in one `paint`: more than a screen has, unless somebody asks for a picture as large as a wall."""
PICTURE_EFFORT = 15
"""What an emoji costs, in characters."""
SLACK = 96
"""Unchanged cells that are painted again so that rows go as one image."""

_COMMON = [chr(point) for point in range(0x20, 0x7F)]


_ChangedSpan = tuple[int, int, int]
"""(row, left, right), see `Damage`."""


class Sheet(NamedTuple):
    """Where a painter paints, pixels of layer 0: its size, and the upper left corner of the first cell."""

    width: int
    height: int
    x: int
    y: int


class _Block(NamedTuple):
    """Changed columns [left, right) of rows [top, bottom), of which those from `used` on are empty.

    `cells` counts those that really changed.
    """

    top: int
    bottom: int
    left: int
    used: int
    right: int
    cells: int


@dataclass
class _ShownCursor:
    """What the browser knows of the cursor's layer: None is nothing."""

    size: tuple[int, int] | None = None
    content: tuple[str, Look] | None = None
    place: tuple[int, int] | None = None
    visible: bool | None = None


class Painter:
    """Paints one screen with one atlas. Everything is painted at first."""

    def __init__(self, screen: Screen, atlas: Atlas, sheet: Sheet, *, bold_brightens: bool = False) -> None:
        """Begin with nothing painted.

        Args:
            screen: what to paint.
            atlas: the glyphs.
            sheet: where.
            bold_brightens: see `Looks`.
        """
        self._screen = screen
        self._atlas = atlas
        self._sheet = sheet
        self._bold_brightens = bold_brightens
        self._palette: list[int] = []
        self._reverse = False
        self._dark = False
        self._looks = Looks(screen.palette, reverse=False, bold_brightens=bold_brightens)
        self._buffer: dict[tuple[str, Look], int] = {}
        self._shown = _ShownCursor()
        self._postponed: set[int] = set()
        self._everything = True
        self._fresh = True

    @property
    def unfinished(self) -> bool:
        """Rows were left for the next `paint`, lest others wait too long."""
        return bool(self._postponed)

    @property
    def blinks(self) -> bool:
        """There was text that blinks: call `blink` now and then."""
        return self._looks.blinks

    def blink(self) -> None:
        """Let text that blinks vanish, or come back, with the next `paint`."""
        rows = {
            y
            for y in range(self._screen.rows)
            if any(style.flags & Flag.BLINK for style in set(self._screen.view_row(y).styles))
        }
        self._dark = bool(rows) and not self._dark
        self._looks = self._fresh_looks()
        self._looks.blinks = bool(rows)
        self._postponed |= rows

    def forget(self) -> None:
        """The browser may know nothing: paint everything next time."""
        self._everything = True

    def place(self, sheet: Sheet) -> None:
        """Paint everything elsewhere, or on a picture of another size."""
        self._sheet = sheet
        self._everything = True

    def paint(self) -> list[Op]:
        """What takes the browser from the last picture to this one; empty if nothing changed."""
        self._atlas.trim()
        ops: list[Op] = []
        if self._everything:
            self._buffer.clear()
            self._shown = _ShownCursor()
            self._screen.damage_all()
            ops.append(Size(self._sheet.width, self._sheet.height, 0))
        if self._new_colours() or self._everything:
            ops.append(self._fill(0, 0, self._sheet.width, self._sheet.height, self._looks.paper))
        damage = self._screen.take_damage()
        if not self._everything:
            ops += [self._scroll(scroll) for scroll in damage.scrolls]
        ops += self._paint_spans(self._affordable(damage))
        if self._fresh:
            ops += self._fill_buffer()
        ops += self._paint_cursor()
        self._everything = self._fresh = False
        return ops

    # -- colours ---------------------------------------------------------------------------------------------------

    def _new_colours(self) -> bool:
        """Follow the screen's palette; whether it changed."""
        screen = self._screen
        if screen.palette == self._palette and screen.reverse == self._reverse:
            return False
        self._palette = list(screen.palette)
        self._reverse = screen.reverse
        self._looks = self._fresh_looks()
        return True

    def _fresh_looks(self) -> Looks:
        return Looks(
            self._screen.palette,
            reverse=self._screen.reverse,
            bold_brightens=self._bold_brightens,
            dark=self._dark,
        )

    # -- text ------------------------------------------------------------------------------------------------------

    def _scroll(self, scroll: Scroll) -> Op:
        """Move the pixels of rows that stay."""
        cell, sheet = self._atlas.cell, self._sheet
        kept = scroll.bottom - scroll.top - abs(scroll.lines)
        source = scroll.top + max(scroll.lines, 0)
        target = scroll.top + max(-scroll.lines, 0)
        return Copy(
            sheet.x,
            sheet.y + source * cell.height,
            self._screen.columns * cell.width,
            kept * cell.height,
            sheet.x,
            sheet.y + target * cell.height,
        )

    def _affordable(self, damage: Damage) -> list[_ChangedSpan]:
        """The spans to paint now, top down. What takes too long is left for the next time, and comes first then."""
        spans = {row: (row, left, right) for row, left, right in damage.spans}
        waiting = self._left_over(damage.scrolls)
        spans |= {row: (row, 0, self._screen.columns) for row in waiting}
        effort = cells = 0
        found: list[_ChangedSpan] = []
        for row in sorted(spans, key=lambda row: (row not in waiting, row)):
            effort += self._effort(row)
            cells += spans[row][2] - spans[row][1]
            if found and (effort > MAX_EFFORT or cells > MAX_CELLS):
                self._postponed.add(row)
            else:
                found.append(spans[row])
        return sorted(found)

    def _left_over(self, scrolls: Iterable[Scroll]) -> set[int]:
        """Rows that were left the last time, where they are now."""
        rows, self._postponed = self._postponed, set()
        if self._everything:
            return set()
        for top, bottom, lines in scrolls:
            outside = {row for row in rows if not top <= row < bottom}
            moved = {row - lines for row in rows - outside}
            rows = outside | {row for row in moved if top <= row < bottom}
        return {row for row in rows if row < self._screen.rows}

    def _effort(self, y: int) -> int:
        """How many characters of a row must be drawn before it can be painted; a picture counts for many."""
        row = self._screen.view_row(y)
        if "".join(row.text).isascii():
            return 0
        faces = [
            self._atlas.faces[number] for number in {self._looks[style].face for style in set(row.styles)}
        ]
        return sum(
            PICTURE_EFFORT if cluster >= "\U0001f000" else 1
            for cluster in set(row.text)
            for face in faces
            if cluster not in face and cluster + LEFT not in face
        )

    def _paint_spans(self, spans: Sequence[_ChangedSpan]) -> list[Op]:
        if sum(right - left for _, left, right in spans) <= FEW_CELLS and self._singles(spans):
            return [
                op
                for row, left, right in spans
                for column in range(left, right)
                for op in self._copy_cell(column, row)
            ]
        return [op for block in self._blocks(spans) for op in self._paint_block(block)]

    def _singles(self, spans: Iterable[_ChangedSpan]) -> bool:
        """Whether no wide character is among the cells."""
        return not any("" in self._screen.view_row(row).text[left : right + 1] for row, left, right in spans)

    def _blocks(self, spans: Sequence[_ChangedSpan]) -> list[_Block]:
        """Rectangles that cover the spans: neighbours together where that costs little."""
        found: list[_Block] = []
        for block in _without_short_gaps([self._measured(*span) for span in spans]):
            joined = _joined(found[-1], block) if found else None
            if joined is None:
                found.append(block)
            else:
                found[-1] = joined
        return found

    def _measured(self, y: int, left: int, right: int) -> _Block:
        """A span as a block: whole characters, and how much of it is in use."""
        row = self._screen.view_row(y)
        if row.wide:
            left -= not row.text[left]
            right += right < len(row.text) and not row.text[right]
        used = left + len("".join(row.text[left:right]).rstrip(" ")) if not row.wide else right
        tail = row.styles[used:right]
        if tail.count(DEFAULT) != len(tail):
            used = right
        return _Block(y, y + 1, left, used, right, right - left)

    def _paint_block(self, block: _Block) -> list[Op]:
        """An image of what is in use, a fill for the rest."""
        cell, sheet = self._atlas.cell, self._sheet
        rows = block.bottom - block.top
        used = (
            block.used
            if (block.right - block.used) * rows >= BLANK_CELLS or block.used == block.left
            else block.right
        )
        x, y = sheet.x + block.left * cell.width, sheet.y + block.top * cell.height
        ops: list[Op] = []
        if used < block.right:
            empty_x = sheet.x + used * cell.width
            width = (block.right - used) * cell.width
            ops.append(self._fill(empty_x, y, width, rows * cell.height, self._looks.paper))
        if used > block.left:
            chosen = [self._screen.view_row(row) for row in range(block.top, block.bottom)]
            text = [row.text[block.left : used] for row in chosen]
            styles = [row.styles[block.left : used] for row in chosen]
            ops += compose(Cells(text, styles), x, y, self._atlas, self._looks)
        return ops

    @staticmethod
    def _fill(x: int, y: int, width: int, height: int, colour: int, layer: int = 0) -> Op:
        return Fill(x, y, width, height, *channels(colour), layer=layer)

    # -- single cells ----------------------------------------------------------------------------------------------

    def _copy_cell(self, column: int, row: int) -> list[Op]:
        """Paint one narrow cell by way of the glyph buffer."""
        cell, sheet = self._atlas.cell, self._sheet
        line = self._screen.view_row(row)
        look = self._looks[line.styles[column]]
        x, y = sheet.x + column * cell.width, sheet.y + row * cell.height
        return self._from_buffer(line.text[column], line.styles[column], look, x, y, 0)

    def _from_buffer(self, text: str, style: Style, look: Look, x: int, y: int, layer: int) -> list[Op]:
        """Copy a cell from the buffer; one that is not there yet is put there first."""
        cell = self._atlas.cell
        ops: list[Op] = []
        slot = self._buffer.get((text, look))
        if slot is None:
            if len(self._buffer) == BUFFER_COLUMNS * BUFFER_ROWS:
                self._buffer.clear()
            slot = self._buffer[text, look] = len(self._buffer)
            ops += compose(
                Cells([[text]], [[style]]), *self._slot(slot), self._atlas, {style: look}, GLYPH_BUFFER
            )
        ops.append(Copy(*self._slot(slot), cell.width, cell.height, x, y, GLYPH_BUFFER, layer))
        return ops

    def _slot(self, slot: int) -> tuple[int, int]:
        row, column = divmod(slot, BUFFER_COLUMNS)
        return column * self._atlas.cell.width, row * self._atlas.cell.height

    def _fill_buffer(self) -> list[Op]:
        """Put the printable characters of ASCII into the buffer, so that the first keys are quick already."""
        look = self._looks[DEFAULT]
        ops: list[Op] = [
            Size(BUFFER_COLUMNS * self._atlas.cell.width, BUFFER_ROWS * self._atlas.cell.height, GLYPH_BUFFER)
        ]
        for start in range(0, len(_COMMON), BUFFER_COLUMNS):
            text = _COMMON[start : start + BUFFER_COLUMNS]
            cells = Cells([text], [[DEFAULT] * len(text)])
            ops += compose(cells, *self._slot(start), self._atlas, self._looks, GLYPH_BUFFER)
            self._buffer.update({(character, look): start + index for index, character in enumerate(text)})
        return ops

    # -- the cursor ------------------------------------------------------------------------------------------------

    def _paint_cursor(self) -> list[Op]:
        """Give the cursor's layer its size, its content, its place and its visibility, where they changed."""
        cursor, shown = self._screen.cursor, self._shown
        ops: list[Op] = []
        if cursor.visible:
            cell, sheet = self._atlas.cell, self._sheet
            dx, dy, width, height = self._cursor_box(cursor)
            if shown.size != (width, height):
                shown.size, shown.content = (width, height), None
                ops.append(Size(width, height, CURSOR_LAYER))
            ops += self._paint_cursor_cell(cursor, width, height)
            place = sheet.x + cursor.x * cell.width + dx, sheet.y + cursor.y * cell.height + dy
            if shown.place != place:
                shown.place = place
                ops.append(Move(CURSOR_LAYER, 0, *place, CURSOR_Z))
        if shown.visible != cursor.visible:
            shown.visible = cursor.visible
            ops.append(Shade(CURSOR_LAYER, 255 if cursor.visible else 0))
        return ops

    def _cursor_box(self, cursor: Cursor) -> tuple[int, int, int, int]:
        """The cursor in its cell: x, y, width, height."""
        cell = self._atlas.cell
        width, thick = cell.width * (2 if cursor.wide else 1), 2 * stroke(cell.height)
        if cursor.shape is CursorShape.BAR:
            return 0, 0, thick, cell.height
        if cursor.shape is CursorShape.UNDERLINE:
            return 0, cell.height - thick, width, thick
        return 0, 0, width, cell.height

    def _paint_cursor_cell(self, cursor: Cursor, width: int, height: int) -> list[Op]:
        """The cursor's colour; on a block, the character that it stands on."""
        row = self._screen.view_row(cursor.y)
        text, style = row.text[cursor.x], row.styles[cursor.x]
        look = self._looks[style]
        colour = self._looks.colour(CURSOR)
        if colour == look.pair.paper:
            colour = look.pair.ink
        if cursor.shape is not CursorShape.BLOCK:
            text = ""
        pair = Pair(look.pair.paper, colour)
        look = look._replace(pair=pair, underline_pair=Pair(pair.ink, colour))
        if self._shown.content == (text, look):
            return []
        self._shown.content = text, look
        if cursor.shape is not CursorShape.BLOCK or (text == " " and not look.decorated):
            return [self._fill(0, 0, width, height, colour, CURSOR_LAYER)]
        if cursor.wide:
            cells = Cells([[text, ""]], [[style, style]])
            return compose(cells, 0, 0, self._atlas, {style: look}, CURSOR_LAYER)
        return self._from_buffer(text, style, look, 0, 0, CURSOR_LAYER)


def _joined(above: _Block, below: _Block) -> _Block | None:
    """Two blocks as one, if one lies right below the other and little is painted in vain."""
    empty = above.used == above.left, below.used == below.left
    if above.bottom != below.top or empty[0] != empty[1]:
        return None
    joined = _Block(
        above.top,
        below.bottom,
        min(above.left, below.left),
        max(above.used, below.used),
        max(above.right, below.right),
        above.cells + below.cells,
    )
    area = (joined.bottom - joined.top) * (joined.right - joined.left)
    limit = float("inf") if all(empty) else BLOCK_CELLS
    return joined if area - joined.cells <= SLACK and area <= limit else None


def _without_short_gaps(blocks: list[_Block]) -> list[_Block]:
    """Empty rows count as used ones unless there are several, one below the other."""
    result: list[_Block] = []
    index = 0
    while index < len(blocks):
        end = index
        while (
            end < len(blocks)
            and blocks[end].used == blocks[end].left
            and blocks[end].top == blocks[index].top + end - index
        ):
            end += 1
        run = blocks[index : max(end, index + 1)]
        short = 0 < end - index < BLANK_ROWS and len(blocks) > end - index
        result += [block._replace(used=block.left + 1) if short else block for block in run]
        index += len(run)
    return result
