"""A slow, obvious RFB encoder: what decoders are compared with.

A picture is a list of rows of (red, green, blue) levels, each 0 up to the format's maximum. Where an encoding leaves a
choice, `pick` makes it: `random.Random(seed).choice` to try them all, `first` for the same bytes every time.
"""

from __future__ import annotations

import io
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from proxyd.rfb.pixels import PixelFormat

    Pick: TypeAlias = Callable[[Sequence[Any]], Any]

Level: TypeAlias = "tuple[int, int, int]"
Picture: TypeAlias = "list[list[Level]]"

# -- pictures ----------------------------------------------------------------------------------------------------------


def random_picture(
    chooser: random.Random, width: int, height: int, colours: int, pixel_format: PixelFormat
) -> Picture:
    """Runs and blocks of a few colours, as screens have them."""
    maxima = [maximum for maximum, _ in pixel_format.channels]
    palette = [tuple(chooser.randint(0, maximum) for maximum in maxima) for _ in range(colours)]
    picture: Picture = [[palette[0]] * width for _ in range(height)]
    for _ in range(chooser.randint(0, 12)):
        left, top = chooser.randrange(width), chooser.randrange(height)
        colour = chooser.choice(palette)
        for row in picture[top : top + chooser.randint(1, height)]:
            for x in range(left, min(left + chooser.randint(1, width), width)):
                row[x] = colour if chooser.random() < 0.9 else chooser.choice(palette)
    return picture


def shown(picture: Picture, pixel_format: PixelFormat) -> NDArray[np.uint8]:
    """What a browser must show: (height, width, 3), every level stretched to 0..255 and rounded."""
    maxima = [maximum for maximum, _ in pixel_format.channels]
    return np.array(
        [
            [
                [int(level * 255 / maximum + 0.5) for level, maximum in zip(pixel, maxima, strict=True)]
                for pixel in row
            ]
            for row in picture
        ],
        np.uint8,
    )


def first(options: Sequence[Any]) -> Any:
    return options[0]


# -- pixels ------------------------------------------------------------------------------------------------------------


def pixel(level: Level, pixel_format: PixelFormat) -> bytes:
    value = sum(part << shift for part, (_, shift) in zip(level, pixel_format.channels, strict=True))
    return value.to_bytes(pixel_format.bits_per_pixel // 8, "big" if pixel_format.big_endian else "little")


def cpixel(level: Level, pixel_format: PixelFormat) -> bytes:
    whole = pixel(level, pixel_format)
    if pixel_format.bits_per_pixel != 32 or pixel_format.depth > 24:
        return whole
    highest = pixel((pixel_format.red_max, pixel_format.green_max, pixel_format.blue_max), pixel_format)
    if highest[3] == 0:
        return whole[:3]
    return whole[1:] if highest[0] == 0 else whole


def tpixel(level: Level, pixel_format: PixelFormat) -> bytes:
    maxima = {maximum for maximum, _ in pixel_format.channels}
    if pixel_format.bits_per_pixel == 32 and pixel_format.depth == 24 and maxima == {255}:
        return bytes(level)
    return pixel(level, pixel_format)


def _colours(picture: Picture) -> list[Level]:
    """Its colours, the commonest first."""
    return [colour for colour, _ in Counter(level for row in picture for level in row).most_common()]


def _packed(indexes: list[list[int]], bits: int) -> bytes:
    """Rows of indexes, most significant bits left, each padded to whole bytes."""
    rows = ["".join(f"{index:0{bits}b}" for index in row) for row in indexes]
    return b"".join(
        int(row[start : start + 8].ljust(8, "0"), 2).to_bytes(1, "big")
        for row in rows
        for start in range(0, len(row), 8)
    )


def _part(picture: Picture, x: int, y: int, side: int) -> Picture:
    return [row[x : x + side] for row in picture[y : y + side]]


def _tiles(picture: Picture, side: int) -> Iterator[Picture]:
    for y in range(0, len(picture), side):
        for x in range(0, len(picture[0]), side):
            yield _part(picture, x, y, side)


# -- encodings ---------------------------------------------------------------------------------------------------------


def raw(picture: Picture, pixel_format: PixelFormat) -> bytes:
    return b"".join(pixel(level, pixel_format) for row in picture for level in row)


def rre(picture: Picture, pixel_format: PixelFormat) -> bytes:
    background = _colours(picture)[0]
    runs = list(_runs_off(picture, background))
    parts = [len(runs).to_bytes(4, "big"), pixel(background, pixel_format)]
    for x, y, width, level in runs:
        parts += (pixel(level, pixel_format), *(n.to_bytes(2, "big") for n in (x, y, width, 1)))
    return b"".join(parts)


def _runs_off(picture: Picture, background: Level) -> Iterator[tuple[int, int, int, Level]]:
    """(x, y, width, colour) of the horizontal runs that are not background."""
    for y, row in enumerate(picture):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end] == row[x]:
                end += 1
            if row[x] != background:
                yield x, y, end - x, row[x]
            x = end


class Hextile:
    """Keeps the colours that carry over from tile to tile."""

    def __init__(self, pixel_format: PixelFormat, pick: Pick) -> None:
        self._format = pixel_format
        self._pick = pick
        self._background: Level | None = None
        self._foreground: Level | None = None

    def encode(self, picture: Picture) -> bytes:
        return b"".join(self._tile(tile) for tile in _tiles(picture, 16))

    def _tile(self, tile: Picture) -> bytes:
        colours = _colours(tile)
        runs = list(_runs_off(tile, colours[0]))
        if len(runs) > 255 or self._pick([False, False, False, True]):
            self._background = self._foreground = None
            return b"\x01" + raw(tile, self._format)
        mask, parts = 0, []
        if self._background != colours[0] or self._pick([False, True]):
            mask |= 2
            parts.append(pixel(colours[0], self._format))
            self._background = colours[0]
        coloured = len(colours) > 2
        if len(colours) == 2 and (self._foreground != colours[1] or self._pick([False, True])):
            mask |= 4
            parts.append(pixel(colours[1], self._format))
            self._foreground = colours[1]
        if runs:
            mask |= 8 | (16 if coloured else 0)
            parts.append(bytes([len(runs)]))
        for x, y, width, level in runs:
            parts.append(pixel(level, self._format) if coloured else b"")
            parts.append(bytes([x << 4 | y, (width - 1) << 4]))
        if coloured:
            self._foreground = None
        return bytes([mask]) + b"".join(parts)


class Deflater:
    """A continuing zlib stream, flushed after each piece."""

    def __init__(self, level: int = 6) -> None:
        self._stream = zlib.compressobj(level)

    def piece(self, data: bytes) -> bytes:
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def with_length(self, data: bytes) -> bytes:
        piece = self.piece(data)
        return len(piece).to_bytes(4, "big") + piece


def zrle(picture: Picture, pixel_format: PixelFormat, pick: Pick) -> bytes:
    """The data before it is deflated."""
    return b"".join(_zrle_tile(tile, pixel_format, pick) for tile in _tiles(picture, 64))


def _zrle_tile(tile: Picture, pixel_format: PixelFormat, pick: Pick) -> bytes:
    colours = _colours(tile)
    kinds = ["raw", "runs"]
    kinds += ["solid"] if len(colours) == 1 else []
    kinds += ["packed"] if 2 <= len(colours) <= 16 else []
    kinds += ["palette runs"] if 2 <= len(colours) <= 127 else []
    kind = pick(list(reversed(kinds)))
    write = {level: cpixel(level, pixel_format) for level in colours}
    flat = [level for row in tile for level in row]
    if kind == "raw":
        return b"\0" + b"".join(write[level] for level in flat)
    if kind == "solid":
        return b"\1" + write[colours[0]]
    if kind == "runs":
        return b"\x80" + b"".join(write[level] + _run(count) for level, count in _runs(flat))
    palette = b"".join(write.values())
    place = {level: index for index, level in enumerate(colours)}
    if kind == "packed":
        bits = 1 if len(colours) == 2 else 2 if len(colours) <= 4 else 4
        return (
            bytes([len(colours)]) + palette + _packed([[place[level] for level in row] for row in tile], bits)
        )
    return (
        bytes([128 + len(colours)])
        + palette
        + b"".join(
            bytes([place[level]])
            if count == 1 and pick([True, False])
            else bytes([128 + place[level]]) + _run(count)
            for level, count in _runs(flat)
        )
    )


def _runs(flat: list[Level]) -> Iterator[tuple[Level, int]]:
    start = 0
    for at in range(1, len(flat) + 1):
        if at == len(flat) or flat[at] != flat[start]:
            yield flat[start], at - start
            start = at


def _run(count: int) -> bytes:
    return b"\xff" * ((count - 1) // 255) + bytes([(count - 1) % 255])


def compact_length(length: int) -> bytes:
    if length < 1 << 7:
        return bytes([length])
    if length < 1 << 14:
        return bytes([length & 127 | 128, length >> 7])
    return bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14])


class Tight:
    """Keeps the four zlib streams."""

    def __init__(self, pixel_format: PixelFormat, pick: Pick) -> None:
        self._format = pixel_format
        self._pick = pick
        self._streams = [Deflater() for _ in range(4)]

    def encode(self, picture: Picture, kind: str) -> bytes:
        """`kind` is fill, copy, palette or gradient."""
        resets = self._pick([0, 0, 0, 5, 15])
        for index in range(4):
            if resets >> index & 1:
                self._streams[index] = Deflater()
        stream = self._pick([0, 1, 2, 3])
        flat = [level for row in picture for level in row]
        if kind == "fill":
            return bytes([0x80 | resets]) + tpixel(flat[0], self._format)
        if kind == "copy":
            explicit = self._pick([False, True])
            head = bytes([0x40 | stream << 4 | resets, 0]) if explicit else bytes([stream << 4 | resets])
            return head + self._deflated(stream, b"".join(tpixel(level, self._format) for level in flat))
        head = bytes([0x40 | stream << 4 | resets])
        if kind == "gradient":
            data = b"".join(tpixel(level, self._format) for level in _differences(picture, self._format))
            return head + b"\2" + self._deflated(stream, data)
        colours = _colours(picture)
        palette = b"".join(tpixel(level, self._format) for level in colours)
        indexes = [[colours.index(level) for level in row] for row in picture]
        return (
            head + b"\1" + bytes([len(colours) - 1]) + palette
            + self._deflated(stream, _packed(indexes, 1 if len(colours) <= 2 else 8))
        )  # fmt: skip

    def _deflated(self, stream: int, data: bytes) -> bytes:
        if len(data) < 12:
            return data
        piece = self._streams[stream].piece(data)
        return compact_length(len(piece)) + piece


def _differences(picture: Picture, pixel_format: PixelFormat) -> Iterator[Level]:
    """What each pixel differs from left + above - above left, kept inside of the format."""
    black = (0, 0, 0)
    maxima = [maximum for maximum, _ in pixel_format.channels]
    for y, row in enumerate(picture):
        for x, level in enumerate(row):
            left = row[x - 1] if x else black
            above = picture[y - 1][x] if y else black
            corner = picture[y - 1][x - 1] if x and y else black
            guesses = [min(max(left[c] + above[c] - corner[c], 0), maxima[c]) for c in range(3)]
            yield tuple((level[c] - guesses[c]) % (maxima[c] + 1) for c in range(3))


def image(picture: Picture, kind: str, **options: Any) -> bytes:
    """A PNG or JPEG of 8-bit levels."""
    out = io.BytesIO()
    Image.fromarray(np.array(picture, np.uint8)).save(out, kind, **options)
    return out.getvalue()
