"""What a decoder is: a rectangle's bytes in, drawing operations out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from proxyd.display.ops import Op, Rect
    from proxyd.rfb.buffer import Buffer, Reading
    from proxyd.rfb.pixels import PixelReader

__all__ = ["Decoder", "Screen"]


@dataclass
class Screen:
    """What decoders must know of the connection; its owner changes it between rectangles."""

    width: int
    """Framebuffer width, pixels."""
    height: int
    """Framebuffer height, pixels."""
    pixels: PixelReader
    """The pixel format in force."""
    quality: int = 0
    """JPEG quality 1..100 that photographs of true colours may be shown with for now; 0 keeps them exact."""


class Decoder(Protocol):
    """One encoding of one connection: compressed streams and tables that outlive a rectangle live in it."""

    def decode(self, buffer: Buffer, rect: Rect, screen: Screen) -> Reading[list[Op]]:
        """Read one rectangle's payload (its 12-byte header is read already) and return what to draw, in order.

        Args:
            buffer: where the payload arrives.
            rect: the rectangle, checked by the caller to lie inside the framebuffer. For cursor encodings x and y are
                the hot spot and nothing is checked.
            screen: framebuffer and pixel format.

        Raises:
            RfbError: the payload breaks the encoding or a limit.
        """
