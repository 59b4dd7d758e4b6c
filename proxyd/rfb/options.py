"""What a connection shall be like, and the limits its server has to keep."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxyd.rfb.encodings import Encoding
from proxyd.rfb.pixels import RGB888, PixelFormat

__all__ = ["Limits", "Options", "Trust"]


@dataclass(frozen=True)
class Trust:
    """What makes a server's certificate or key acceptable. Nothing set: any, since most desktops sign their own.

    Attributes:
        authorities: PEM certificates; an X509 chain must lead to one and name the host.
        fingerprint: SHA-256 of the certificate (DER) or of the RSA key as it is sent; hexadecimal, lower case.
        weak: also use types that send the password in the clear or nearly so.
    """

    authorities: str = ""
    fingerprint: str = ""
    weak: bool = False


@dataclass(frozen=True)
class Limits:
    """Bounds checked before memory is taken (sheet section H.9)."""

    side: int = 16384
    """Pixels of the framebuffer's width or height."""
    pixels: int = 8192 * 8192
    """Pixels of the framebuffer."""
    clipboard: int = 262144
    """Bytes of a text, in each direction."""


@dataclass(frozen=True)
class Options:
    """One connection.

    Attributes:
        host: the server's name or address, for its certificate.
        repeater_id: what an UltraVNC repeater is told, `host:port` or `ID:number`; empty elsewhere.
        encodings: pixel encodings, best first.
        swap_red_blue: the server mixes up two channels; excludes JPEG and PNG.
        local_cursor: ask for the pointer's shape instead of having it painted into the picture.
        lossless: never let the server compress with loss.
        compression: effort 0..9; None leaves it to the server.
        clipboard_encoding: Python's name of the encoding of servers that do not know the extended clipboard.
    """

    host: str = ""
    repeater_id: str = ""
    encodings: tuple[Encoding, ...] = (
        Encoding.COPYRECT,
        Encoding.TIGHT,
        Encoding.ZRLE,
        Encoding.HEXTILE,
        Encoding.RRE,
        Encoding.ZLIB,
        Encoding.RAW,
    )
    pixel_format: PixelFormat = RGB888
    swap_red_blue: bool = False
    local_cursor: bool = True
    lossless: bool = False
    compression: int | None = None
    clipboard_encoding: str = "latin-1"
    trust: Trust = field(default_factory=Trust)
    limits: Limits = field(default_factory=Limits)
