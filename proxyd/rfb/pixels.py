"""Pixel formats (sheet section H.1, H.6) and their way to R, G, B bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from proxyd.rfb.errors import RfbError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["RGB332", "RGB565", "RGB888", "Layout", "PixelFormat", "PixelReader", "Rgb"]

Rgb: TypeAlias = "NDArray[np.uint8]"
"""Colours, shape (n, 3): R, G, B, 0..255."""

_FORMAT = Struct(">BBBBHHHBBB3x")


@dataclass(frozen=True)
class PixelFormat:
    """PIXEL_FORMAT of RFC 6143 section 7.4."""

    bits_per_pixel: int
    depth: int
    big_endian: bool
    true_colour: bool
    red_max: int
    green_max: int
    blue_max: int
    red_shift: int
    green_shift: int
    blue_shift: int

    @classmethod
    def parse(cls, data: bytes) -> PixelFormat:
        """Read the 16 bytes of the wire.

        Raises:
            RfbError: a value no server can mean.
        """
        bits, depth, big_endian, true_colour, *channels = _FORMAT.unpack(data)
        pixel_format = cls(bits, depth, bool(big_endian), bool(true_colour), *channels)
        if bits not in (8, 16, 32):
            raise RfbError(f"The server announced pixels of {bits} bits.")
        if true_colour and not all(_fits(channel, bits) for channel in pixel_format.channels):
            raise RfbError("The server announced a pixel format that does not fit its pixels.")
        return pixel_format

    def encode(self) -> bytes:
        """The 16 bytes of the wire."""
        maxima, shifts = zip(*self.channels, strict=True)
        return _FORMAT.pack(
            self.bits_per_pixel, self.depth, self.big_endian, self.true_colour, *maxima, *shifts
        )

    @property
    def bytes_per_pixel(self) -> int:
        """1, 2 or 4."""
        return self.bits_per_pixel // 8

    @property
    def channels(self) -> tuple[tuple[int, int], ...]:
        """(maximum, shift) of red, green, blue."""
        return (
            (self.red_max, self.red_shift),
            (self.green_max, self.green_shift),
            (self.blue_max, self.blue_shift),
        )

    def swapped(self) -> PixelFormat:
        """The same with red and blue exchanged."""
        return replace(
            self,
            red_max=self.blue_max,
            red_shift=self.blue_shift,
            blue_max=self.red_max,
            blue_shift=self.red_shift,
        )


def _fits(channel: tuple[int, int], bits: int) -> bool:
    maximum, shift = channel
    return maximum > 0 and maximum & (maximum + 1) == 0 and maximum << shift < 1 << bits


RGB888 = PixelFormat(32, 24, False, True, 255, 255, 255, 0, 8, 16)
"""What to ask for: the bytes of a compact pixel are R, G, B as the browser wants them."""
RGB565 = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)
"""Half the bytes (`color-depth` 16)."""
RGB332 = PixelFormat(8, 8, False, True, 7, 7, 3, 5, 2, 0)
"""A quarter of the bytes (`color-depth` 8)."""


class Layout(Protocol):
    """How one kind of pixel lies in bytes."""

    size: int
    """Bytes a pixel."""

    def rgb(self, data: bytes | memoryview) -> Rgb:
        """Colours of the pixels in `data`, whose length is a multiple of `size`."""


class _Bytes:
    """Every channel is one byte of the pixel."""

    def __init__(self, size: int, order: Sequence[int]) -> None:
        self.size = size
        self._order = list(order)

    def rgb(self, data: bytes | memoryview) -> Rgb:
        pixels = np.frombuffer(data, np.uint8).reshape(-1, self.size)
        return pixels if self._order == [0, 1, 2] and self.size == 3 else pixels[:, self._order]


class _Table:
    """A colour for every value a pixel can have; for pixels of one or two bytes."""

    def __init__(self, value: np.dtype[np.unsignedinteger], colours: Rgb) -> None:
        self.size = value.itemsize
        self._value = value
        self._colours = colours

    def rgb(self, data: bytes | memoryview) -> Rgb:
        return self._colours[np.frombuffer(data, self._value)]


class _Shifted:
    """Channels of any width in four bytes, or in the three of them that count."""

    def __init__(self, pixel_format: PixelFormat, first: int, size: int) -> None:
        self.size = size
        self._first = first
        self._format = pixel_format

    def rgb(self, data: bytes | memoryview) -> Rgb:
        pixels = np.frombuffer(data, np.uint8).reshape(-1, self.size)
        padded = np.zeros((len(pixels), 4), np.uint8)
        padded[:, self._first : self._first + self.size] = pixels
        return _colours(padded.view(">u4" if self._format.big_endian else "<u4")[:, 0], self._format)


def _byte_order(pixel_format: PixelFormat) -> list[int]:
    """Where red, green and blue stand among four bytes; empty unless each is a whole byte."""
    if pixel_format.bits_per_pixel != 32 or not pixel_format.true_colour:
        return []
    if any(maximum != 255 or shift % 8 for maximum, shift in pixel_format.channels):
        return []
    flip = 3 if pixel_format.big_endian else 0
    return [abs(flip - shift // 8) for _, shift in pixel_format.channels]


def _colours(values: NDArray[np.unsignedinteger], pixel_format: PixelFormat) -> Rgb:
    """Pixel values to colours, each channel stretched to 0..255 and rounded."""
    rgb = np.empty((len(values), 3), np.uint8)
    for index, (maximum, shift) in enumerate(pixel_format.channels):
        level = (values >> shift & maximum).astype(np.uint32)
        rgb[:, index] = (level * 255 + maximum // 2) // maximum
    return rgb


class PixelReader:
    """The layouts of a pixel format: full pixels, ZRLE's CPIXEL and Tight's TPIXEL.

    Args:
        pixel_format: as sent in SetPixelFormat.
        swap_red_blue: the server mixes up two channels: put them right. JPEG and PNG rectangles pass through as they
            are, so do not offer them together with this.
    """

    def __init__(self, pixel_format: PixelFormat, *, swap_red_blue: bool = False) -> None:
        self.format = pixel_format
        self._swap = swap_red_blue
        self._drawn = pixel_format.swapped() if swap_red_blue else pixel_format
        self._map = np.zeros((1 << min(pixel_format.bits_per_pixel, 16), 3), np.uint8)

    def set_colours(self, first: int, colours: Sequence[tuple[int, int, int]]) -> None:
        """SetColourMapEntries: 16-bit R, G, B from index `first` on.

        Raises:
            RfbError: an index past what a pixel can hold.
        """
        if first + len(colours) > len(self._map):
            raise RfbError("The server set colours past the end of its colour map.")
        entries = np.array(colours, np.uint16).reshape(-1, 3) >> 8
        self._map[first : first + len(colours)] = entries[:, ::-1] if self._swap else entries

    @cached_property
    def pixel(self) -> Layout:
        """PIXEL."""
        order = _byte_order(self._drawn)
        if order:
            return _Bytes(4, order)
        if self.format.bits_per_pixel == 32 and self.format.true_colour:
            return _Shifted(self._drawn, 0, 4)
        value = np.dtype(("u1", ">u2" if self.format.big_endian else "<u2")[self.format.bits_per_pixel > 8])
        if self.format.true_colour:
            values = np.arange(1 << self.format.bits_per_pixel, dtype=np.uint32)
            return _Table(value, _colours(values, self._drawn))
        return _Table(value, self._map)

    @cached_property
    def cpixel(self) -> Layout:
        """CPIXEL: the three bytes of a 32-bit pixel that hold all of a depth up to 24, else PIXEL."""
        drawn = self._drawn
        if drawn.bits_per_pixel != 32 or drawn.depth > 24 or not drawn.true_colour:
            return self.pixel
        used = sum(maximum << shift for maximum, shift in drawn.channels)
        if used >= 1 << 24 and used & 0xFF:
            return self.pixel
        first = int((used < 1 << 24) == drawn.big_endian)
        order = _byte_order(drawn)
        return _Bytes(3, [index - first for index in order]) if order else _Shifted(drawn, first, 3)

    @cached_property
    def tpixel(self) -> Layout:
        """TPIXEL: R, G, B for 32 bits, depth 24 and channels of 8 bits, else PIXEL."""
        drawn = self._drawn
        if (
            drawn.bits_per_pixel != 32
            or drawn.depth != 24
            or {maximum for maximum, _ in drawn.channels} != {255}
        ):
            return self.pixel
        return _Bytes(3, (2, 1, 0) if self._swap else (0, 1, 2))
