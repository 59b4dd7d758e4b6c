"""The table of decoders. A connection makes one of each it offers and keeps it to the end.

decoders = {encoding: make() for encoding, make in DECODERS.items()}
reading = decoders[encoding].decode(buffer, rect, screen)  # yields while bytes are missing, returns operations
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.rfb.decoders.copyrect import CopyRect
from proxyd.rfb.decoders.raw import Raw
from proxyd.rfb.encodings import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxyd.rfb.decoders.base import Decoder

__all__ = ["DECODERS"]

DECODERS: Mapping[Encoding, Callable[[], Decoder]] = {
    Encoding.RAW: Raw,
    Encoding.COPYRECT: CopyRect,
}
