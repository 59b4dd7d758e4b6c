"""The table of decoders. A connection makes one of each it offers and keeps it to the end.

decoders = {encoding: make() for encoding, make in DECODERS.items()}
reading = decoders[encoding].decode(buffer, rect, screen)  # see Reading
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxyd.rfb.decoders.copyrect import CopyRect
from proxyd.rfb.decoders.cursor import AlphaCursor, MaskedCursor, TwoColourCursor, VmwareCursor
from proxyd.rfb.decoders.hextile import Hextile
from proxyd.rfb.decoders.jpeg import Jpeg
from proxyd.rfb.decoders.raw import Raw
from proxyd.rfb.decoders.rre import Rre
from proxyd.rfb.decoders.tight import Tight, TightPng
from proxyd.rfb.decoders.zlib import Zlib
from proxyd.rfb.decoders.zrle import Zrle
from proxyd.rfb.encodings import Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from proxyd.rfb.decoders.base import Decoder

__all__ = ["DECODERS"]

DECODERS: Mapping[Encoding, Callable[[], Decoder]] = {
    Encoding.RAW: Raw,
    Encoding.COPYRECT: CopyRect,
    Encoding.RRE: Rre,
    Encoding.HEXTILE: Hextile,
    Encoding.ZLIB: Zlib,
    Encoding.TIGHT: Tight,
    Encoding.TIGHT_PNG: TightPng,
    Encoding.ZRLE: Zrle,
    Encoding.JPEG: Jpeg,
    Encoding.CURSOR: MaskedCursor,
    Encoding.X_CURSOR: TwoColourCursor,
    Encoding.CURSOR_WITH_ALPHA: AlphaCursor,
    Encoding.VMWARE_CURSOR: VmwareCursor,
}
