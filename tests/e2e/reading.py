"""Reads a terminal off its pixels: what a person sees, not what any program says it wrote."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from proxyd.terminal.fonts import PACKAGED

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["TerminalReader"]

CURSOR = "\u2588"
SEARCHED = 6
"""Rows, from the first one with text, in which the grid is looked for."""
CHARACTERS = [c for c in string.printable if c.isprintable() and c != " "] + [CURSOR]


class TerminalReader:
    """Knows the packaged font at one size, drawn by Pillow alone."""

    def __init__(self, font_pixels: int) -> None:
        """Prepare to read.

        Args:
            font_pixels: size of the em: points * dpi / 72.
        """
        font = ImageFont.truetype(str(PACKAGED.regular.path), font_pixels)
        ascent, descent = font.getmetrics()
        self.width = round(font.getlength("M"))
        self.height = ascent + descent
        shapes = []
        for character in CHARACTERS:
            cell = Image.new("L", (self.width, self.height), 255 if character == CURSOR else 0)
            ImageDraw.Draw(cell).text((0, ascent), character, fill=255, font=font, anchor="ls")
            shapes.append(np.asarray(cell, np.float32).ravel() / 255)
        self._shapes = np.stack(shapes)
        self._origin: tuple[int, int] | None = None

    def read(self, picture: Image.Image) -> list[str]:
        """The rows of text in a picture of the whole terminal, without the cursor at their end.

        The grid is where text fits best; once text was seen it stays there.
        """
        pixels = np.asarray(picture.convert("RGB"), np.int16)
        ink = np.abs(pixels - _paper(pixels)).sum(axis=2).astype(np.float32)
        ink /= max(float(ink.max()), 1.0)
        if self._origin is None:
            places = [(x, y) for x in range(self.width) for y in range(self.height)]
            first = int(np.argmax(ink.max(axis=1) > 0.2))
            some = ink[: first + SEARCHED * self.height]
            best = max(places, key=lambda place: self._read_grid(some, *place)[0])
            fit, rows = self._read_grid(ink, *best)
            if fit > 0:
                self._origin = best
            return rows
        return self._read_grid(ink, *self._origin)[1]

    def middle(self, row: int, column: int) -> tuple[float, float]:
        """The middle of a cell in the picture that was read last."""
        assert self._origin is not None
        return self._origin[0] + (column + 0.5) * self.width, self._origin[1] + (row + 0.5) * self.height

    def _read_grid(self, ink: NDArray[np.float32], x: int, y: int) -> tuple[float, list[str]]:
        rows = (ink.shape[0] - y) // self.height
        columns = (ink.shape[1] - x) // self.width
        if rows < 1 or columns < 1:
            return -1.0, []
        grid = ink[y : y + rows * self.height, x : x + columns * self.width]
        cells = grid.reshape(rows, self.height, columns, self.width).swapaxes(1, 2)
        cells = cells.reshape(rows * columns, self.height * self.width)
        written = np.flatnonzero(cells.max(axis=1) > 0.2)
        text = np.full(rows * columns, " ")
        if not len(written):
            return 0.0, _rows(text.reshape(rows, columns))
        found = cells[written] / cells[written].max(axis=1, keepdims=True)
        distance = (
            (found**2).sum(axis=1)[:, None]
            - 2 * found @ self._shapes.T
            + (self._shapes**2).sum(axis=1)[None, :]
        )
        text[written] = np.array(CHARACTERS)[distance.argmin(axis=1)]
        fit = -float(distance.min(axis=1).mean())
        return 100 + fit, _rows(text.reshape(rows, columns))


def _rows(cells: NDArray[np.str_]) -> list[str]:
    return ["".join(row).rstrip(f" {CURSOR}") for row in cells]


def _paper(pixels: NDArray[np.int16]) -> NDArray[np.int16]:
    """The colour that most pixels have."""
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    colours, counts = np.unique(packed, return_counts=True)
    most = int(colours[counts.argmax()])
    return np.array([most >> 16, most >> 8 & 255, most & 255], np.int16)
