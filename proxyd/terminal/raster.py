"""From characters to ink: one cluster drawn from one font file into a cell, whole and in its place."""

from __future__ import annotations

import functools
import io
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

if TYPE_CHECKING:
    from proxyd.terminal.drawn import Ink
    from proxyd.terminal.fonts import FontFile

__all__ = ["Cell", "metrics", "picture", "placeholder", "rasterise"]

_STRIKES = (109, 160, 136, 128, 96, 64)
"""Sizes in which fonts of pictures come; such a font opens in its own sizes only."""
_SHAPING = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
"""For clusters of several characters: places marks and joins emoji. A lone character needs none of it."""
_SQUEEZE = 1.2
"""A character of another font that is wider than its cells by more than this is drawn smaller."""


class Cell(NamedTuple):
    """The room a cluster has, pixels; `baseline` counts the rows above it."""

    width: int
    height: int
    baseline: int


def metrics(font: FontFile, pixels: int) -> tuple[float, int, int]:
    """The advance of a letter, the rows above and the rows below the baseline, at this size of the em."""
    opened = _open(font, pixels, ImageFont.Layout.BASIC)
    ascent, descent = opened.getmetrics()
    return opened.getlength("M"), ascent, descent


def rasterise(font: FontFile, text: str, pixels: float, cell: Cell, *, centred: bool = False) -> Ink:
    """The ink of a cluster: (height, width), 0 paper to 255.

    Nothing is cut off: what hangs over (italics do, a little) is moved in, or made as narrow as its cells.

    Args:
        font: has the characters.
        text: a cluster.
        pixels: the size of the em.
        cell: the room there is.
        centred: put it in the middle, as suits a font with other widths; else its origin is the left edge.
    """
    found, x, y = _drawn(font, text, pixels, cell)
    if centred and found.shape[1] > cell.width * _SQUEEZE:
        found, x, y = _drawn(font, text, pixels * cell.width / found.shape[1], cell)
    height, width = min(found.shape[0], cell.height), min(found.shape[1], cell.width)
    if found.shape != (height, width) and found.size:
        found = np.asarray(Image.fromarray(found).resize((width, height), Image.Resampling.LANCZOS))
    x = (cell.width - width) // 2 if centred else max(0, min(x, cell.width - width))
    y = max(0, min(y, cell.height - height))
    ink = np.zeros((cell.height, cell.width), np.uint8)
    ink[y : y + height, x : x + width] = found
    return ink


def picture(font: FontFile, text: str, cell: Cell) -> bytes | None:
    """An emoji in its own colours: a PNG with alpha of the cell's size. None where the font cannot draw it."""
    opened = _open_pictures(font)
    if opened is None:
        return None
    side = round(opened.size * 2)
    canvas = Image.new("RGBA", (side * 2, side * 2))
    ImageDraw.Draw(canvas).text((side // 2, side // 2), text, font=opened, embedded_color=True)
    box = canvas.getbbox()
    if box is None:
        return None
    found = canvas.crop(box)
    scale = min(cell.width / found.width, cell.height / found.height)
    size = (max(1, round(found.width * scale)), max(1, round(found.height * scale)))
    fitted = Image.new("RGBA", (cell.width, cell.height))
    place = ((cell.width - size[0]) // 2, (cell.height - size[1]) // 2)
    fitted.paste(found.resize(size, Image.Resampling.LANCZOS), place)
    out = io.BytesIO()
    fitted.save(out, "PNG")
    return out.getvalue()


def placeholder(cell: Cell) -> Ink:
    """What stands for a character that no font has: an empty frame."""
    ink = np.zeros((cell.height, cell.width), np.uint8)
    top, bottom = max(0, cell.height - cell.height * 4 // 5), min(cell.baseline + 1, cell.height)
    ink[top:bottom, 1:-1] = 255
    ink[top + 1 : bottom - 1, 2:-2] = 0
    return ink


def _drawn(font: FontFile, text: str, pixels: float, cell: Cell) -> tuple[Ink, int, int]:
    """The ink of a cluster without empty borders, and where it goes: (ink, x, y)."""
    opened = _open(font, pixels, ImageFont.Layout.BASIC if len(text) == 1 else _SHAPING)
    margin = max(cell.width, cell.height)
    canvas = Image.new("L", (cell.width + 2 * margin, cell.height + 2 * margin))
    brush = ImageDraw.Draw(canvas)
    for part in _parts(opened, text):
        brush.text((margin, margin + cell.baseline), part, fill=255, font=opened, anchor="ls")
    box = canvas.getbbox()
    if box is None:
        return np.zeros((0, 0), np.uint8), 0, 0
    return np.asarray(canvas.crop(box)), box[0] - margin, box[1] - margin


def _parts(opened: ImageFont.FreeTypeFont, text: str) -> list[str]:
    """A cluster in one piece, or, where the font places marks beside their base, base and marks one over the other."""
    if len(text) == 1 or opened.getlength(text) <= 1.5 * opened.getlength(text[0]):
        return [text]
    return [text[0], *(character for character in text[1:] if unicodedata.combining(character))]


@functools.lru_cache(maxsize=64)
def _open(font: FontFile, pixels: float, layout: ImageFont.Layout) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font.path), pixels, index=font.index, layout_engine=layout)


@functools.lru_cache(maxsize=8)
def _open_pictures(font: FontFile) -> ImageFont.FreeTypeFont | None:
    for strike in _STRIKES:
        try:
            return ImageFont.truetype(str(font.path), strike, index=font.index, layout_engine=_SHAPING)
        except OSError:
            continue
    return None
