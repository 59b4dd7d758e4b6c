"""The drawing operations as values: where decoders, painters and the pump meet.

Coordinates are pixels of the layer, origin top left. Layer 0 is the picture; positive layers are stacked on it;
negative ones are off-screen buffers (spec sheet section 3.1). An operation never changes after it is made.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

__all__ = [
    "Copy",
    "Cursor",
    "Dispose",
    "Fill",
    "Image",
    "Indexed",
    "Mask",
    "Move",
    "Op",
    "Pixels",
    "Rect",
    "Shade",
    "Size",
]


class Mask(IntEnum):
    """Channel masks of the protocol that this side uses (section 3.1)."""

    ROUT = 0x2
    SRC = 0xC
    OVER = 0xE


class Rect(NamedTuple):
    """A region of layer 0."""

    x: int
    y: int
    width: int
    height: int


class Size(NamedTuple):
    """Give a layer or buffer a size; overlapping content stays."""

    width: int
    height: int
    layer: int = 0


class Fill(NamedTuple):
    """Fill a rectangle with one colour, 0..255 a channel (becomes `rect` + `cfill`)."""

    x: int
    y: int
    width: int
    height: int
    red: int
    green: int
    blue: int
    alpha: int = 255
    layer: int = 0
    mask: int = Mask.OVER


class Copy(NamedTuple):
    """Copy a rectangle between or within layers; overlapping is allowed."""

    source_x: int
    source_y: int
    width: int
    height: int
    x: int
    y: int
    source: int = 0
    layer: int = 0
    mask: int = Mask.OVER


class Image(NamedTuple):
    """A picture that is already encoded: passes through to the browser as it is."""

    x: int
    y: int
    width: int
    height: int
    mimetype: str
    data: bytes
    layer: int = 0
    mask: int = Mask.OVER


class Indexed(NamedTuple):
    """Palette pixels, not yet encoded; becomes a palette PNG.

    Attributes:
        depth: bits a pixel, 1, 2, 4 or 8.
        rows: `height` rows of ceil(width * depth / 8) bytes, most significant bit left.
        palette: 1 to 2**depth colours, 3 bytes (R, G, B) each.
    """

    x: int
    y: int
    width: int
    height: int
    depth: int
    rows: bytes
    palette: bytes
    layer: int = 0
    mask: int = Mask.OVER


class Pixels(NamedTuple):
    """True-colour pixels, not yet encoded.

    Attributes:
        data: width * height * 3 bytes, rows top down, R, G, B.
        quality: JPEG quality 1..100 to show it with where viewers can; 0 keeps every pixel exact.
    """

    x: int
    y: int
    width: int
    height: int
    data: bytes
    quality: int = 0
    layer: int = 0
    mask: int = Mask.OVER


class Cursor(NamedTuple):
    """The pointer's shape: width * height * 4 bytes R, G, B, A (straight alpha). 0x0 hides it."""

    hot_x: int
    hot_y: int
    width: int
    height: int
    data: bytes


class Move(NamedTuple):
    """Place a layer inside its parent."""

    layer: int
    parent: int
    x: int
    y: int
    z: int


class Shade(NamedTuple):
    """Set the opacity of a layer, 0..255."""

    layer: int
    opacity: int


class Dispose(NamedTuple):
    """Drop a layer or buffer."""

    layer: int


Op = Size | Fill | Copy | Image | Indexed | Pixels | Cursor | Move | Shade | Dispose
