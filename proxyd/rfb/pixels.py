"""Pixel formats (sheet section H.6) and their way to colours.

A colour is one number, red + 256 * green + 65536 * blue: arrays of them are quick to compare, to fill and to look up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image as PillowImage

from proxyd.rfb.errors import RfbError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Colours: TypeAlias = NDArray[np.uint32]

__all__ = ["RGB332", "RGB565", "RGB888", "Layout", "PixelFormat", "PixelReader", "rgb_bytes"]

_FORMAT = Struct(">BBBBHHHBBB3x")


# -- formats -----------------------------------------------------------------------------------------------------------


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
            RfbError: a value that no server can mean.
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
    def channels(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
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


# -- layouts -----------------------------------------------------------------------------------------------------------


def rgb_bytes(colours: Colours) -> bytes:
    """Three bytes a colour: R, G, B."""
    return _convert(colours.astype("<u4", copy=False).tobytes(), colours.size, "RGBX")


def _convert(data: bytes, count: int, raw_mode: str) -> bytes:
    """Pixels in one of Pillow's raw modes as R, G, B; it does this several times faster than numpy."""
    return PillowImage.frombytes("RGB", (count, 1), data, "raw", raw_mode).tobytes() if count else b""


class Layout(ABC):
    """How one kind of pixel lies in bytes.

    Attributes:
        size: bytes a pixel.
        maxima: the highest red, green and blue; zeros where pixels are indexes of a colour map.
    """

    def __init__(self, size: int, maxima: tuple[int, int, int]) -> None:
        self.size = size
        self.maxima = maxima

    @abstractmethod
    def colours(self, data: bytes) -> Colours:
        """The colours of the pixels in `data`, whose length is a multiple of `size`."""

    def rgb(self, data: bytes) -> bytes:
        """The same as three bytes a pixel: R, G, B."""
        return rgb_bytes(self.colours(data))

    @cached_property
    def colour(self) -> Callable[[bytes], int]:
        """The colour of one pixel; recent answers are remembered."""
        return lru_cache(4096)(lambda data: int(self.colours(data)[0]))

    @abstractmethod
    def levels(self, data: bytes) -> NDArray[np.int32]:
        """Red, green and blue as they are sent, 0..`maxima`: shape (n, 3)."""


class _Bytes(Layout):
    """Every channel is a byte, in an order that Pillow knows."""

    def __init__(self, raw_mode: str) -> None:
        super().__init__(len(raw_mode), (255, 255, 255))
        self._raw_mode = raw_mode
        self._word, self._shift = _WORDS[raw_mode]

    def colours(self, data: bytes) -> Colours:
        padded = data if self.size == 4 else data + b"\0"
        words: Colours = np.ndarray((len(data) // self.size,), self._word, padded, 0, (self.size,))
        return (words >> self._shift if self._shift else words) & np.uint32(0xFFFFFF)

    def rgb(self, data: bytes) -> bytes:
        return data if self._raw_mode == "RGB" else _convert(data, len(data) // self.size, self._raw_mode)

    def levels(self, data: bytes) -> NDArray[np.int32]:
        return np.frombuffer(self.rgb(data), np.uint8).reshape(-1, 3).astype(np.int32)


_WORDS = {
    "RGBX": (np.dtype("<u4"), np.uint32(0)),
    "XBGR": (np.dtype(">u4"), np.uint32(0)),
    "BGRX": (np.dtype(">u4"), np.uint32(8)),
    "XRGB": (np.dtype("<u4"), np.uint32(8)),
    "RGB": (np.dtype("<u4"), np.uint32(0)),
    "BGR": (np.dtype(">u4"), np.uint32(8)),
}
"""Raw modes of Pillow: the four bytes from a pixel's first on as a number, and where the colour begins in it."""


class _Values(Layout):
    """Channels of any width in a number of 8, 16 or 32 bits, of which `size` bytes from `first` on are sent."""

    def __init__(self, pixel_format: PixelFormat, first: int, size: int) -> None:
        (red_max, _), (green_max, _), (blue_max, _) = pixel_format.channels
        super().__init__(size, (red_max, green_max, blue_max))
        self._shifts = [shift for _, shift in pixel_format.channels]
        self._first = first
        self._value = _value_type(pixel_format)

    def colours(self, data: bytes) -> Colours:
        values = self._values(data)
        return self._table.take(values) if self.size <= 2 else self._mix(values)

    def levels(self, data: bytes) -> NDArray[np.int32]:
        values = self._values(data)
        channels = zip(self.maxima, self._shifts, strict=True)
        return np.stack([values >> shift & maximum for maximum, shift in channels], -1).astype(np.int32)

    @cached_property
    def _table(self) -> Colours:
        return self._mix(np.arange(1 << 8 * self.size, dtype=np.uint32))

    def _values(self, data: bytes) -> NDArray[np.unsignedinteger]:
        if self.size == self._value.itemsize:
            return np.frombuffer(data, self._value)
        sent = np.frombuffer(data, np.uint8).reshape(-1, self.size)
        whole = np.zeros((len(sent), self._value.itemsize), np.uint8)
        whole[:, self._first : self._first + self.size] = sent
        return whole.view(self._value)[:, 0]

    def _mix(self, values: NDArray[np.unsignedinteger]) -> Colours:
        """Stretch each channel to 0..255, rounded, and put them together."""
        colours: Colours = np.zeros(len(values), np.uint32)
        for index, (maximum, shift) in enumerate(zip(self.maxima, self._shifts, strict=True)):
            level = (values >> shift & maximum).astype(np.uint32)
            colours |= (level * np.uint32(255) + np.uint32(maximum // 2)) // np.uint32(maximum) << np.uint32(
                8 * index
            )
        return colours


class _Mapped(Layout):
    """Pixels are indexes of a colour map."""

    def __init__(self, pixel_format: PixelFormat, colour_map: Colours) -> None:
        super().__init__(pixel_format.bits_per_pixel // 8, (0, 0, 0))
        self._value = _value_type(pixel_format)
        self._map = colour_map

    def colours(self, data: bytes) -> Colours:
        return self._map.take(np.frombuffer(data, self._value), mode="clip")

    def levels(self, data: bytes) -> NDArray[np.int32]:
        raise RfbError("The server sent shades of colours that come from a map.")


def _value_type(pixel_format: PixelFormat) -> np.dtype[np.unsignedinteger]:
    return np.dtype((">" if pixel_format.big_endian else "<") + f"u{pixel_format.bits_per_pixel // 8}")


def _raw_mode(pixel_format: PixelFormat) -> str:
    """Where red, green and blue stand among four bytes, as Pillow writes it; empty unless each is a whole byte."""
    if pixel_format.bits_per_pixel != 32:
        return ""
    letters = ["X"] * 4
    for letter, (maximum, shift) in zip("RGB", pixel_format.channels, strict=True):
        if maximum != 255 or shift % 8:
            return ""
        letters[3 - shift // 8 if pixel_format.big_endian else shift // 8] = letter
    return "".join(letters)


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
        self._map: Colours = np.zeros(1 << min(pixel_format.bits_per_pixel, 16), np.uint32)

    def set_colours(self, first: int, colours: Sequence[tuple[int, int, int]]) -> None:
        """SetColourMapEntries: 16-bit R, G, B from index `first` on. What is drawn already keeps its colours.

        Raises:
            RfbError: an index past what a pixel can hold.
        """
        if first + len(colours) > len(self._map):
            raise RfbError("The server set colours past the end of its colour map.")
        entries = np.array(colours, np.uint32).reshape(-1, 3) >> np.uint32(8)
        red, green, blue = (entries[:, ::-1] if self._swap else entries).T
        self._map[first : first + len(entries)] = red | green << np.uint32(8) | blue << np.uint32(16)
        self.__dict__.pop("pixel", None)  # it remembers colours

    @cached_property
    def pixel(self) -> Layout:
        """PIXEL."""
        if not self.format.true_colour:
            return _Mapped(self.format, self._map)
        raw_mode = _raw_mode(self._drawn)
        if raw_mode in _WORDS:
            return _Bytes(raw_mode)
        return _Values(self._drawn, 0, self.format.bits_per_pixel // 8)

    @property
    def cpixel(self) -> Layout:
        """CPIXEL: the three bytes of a 32-bit pixel that hold all of a depth up to 24, else PIXEL."""
        return self._cpixel or self.pixel

    @cached_property
    def _cpixel(self) -> Layout | None:
        drawn = self._drawn
        if drawn.bits_per_pixel != 32 or drawn.depth > 24 or not drawn.true_colour:
            return None
        used = sum(maximum << shift for maximum, shift in drawn.channels)
        if used >= 1 << 24 and used & 0xFF:
            return None
        first = int((used < 1 << 24) == drawn.big_endian)
        raw_mode = _raw_mode(drawn)[first : first + 3]
        return _Bytes(raw_mode) if raw_mode in _WORDS else _Values(drawn, first, 3)

    @property
    def tpixel(self) -> Layout:
        """TPIXEL: R, G, B for 32 bits, depth 24 and channels of 8 bits, else PIXEL."""
        return self._tpixel or self.pixel

    @cached_property
    def _tpixel(self) -> Layout | None:
        drawn = self._drawn
        whole_bytes = {maximum for maximum, _ in drawn.channels} == {255}
        if drawn.bits_per_pixel != 32 or drawn.depth != 24 or not drawn.true_colour or not whole_bytes:
            return None
        return _Bytes("BGR" if self._swap else "RGB")
