"""The `vnc` protocol's connection parameters, and what they mean for an RFB connection (sheet section 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from proxyd.instances.parameters import KEEPING, WAYS, Parameter
from proxyd.rfb.encodings import PIXEL_ENCODINGS, Encoding
from proxyd.rfb.options import Limits, Options, Trust
from proxyd.rfb.pixels import RGB332, RGB565, RGB888

if TYPE_CHECKING:
    from proxyd.instances.parameters import Arguments

__all__ = ["PARAMETERS", "options_from"]

log = structlog.get_logger()

MAX_PORT = 65535
CLIPBOARD_BYTES = 262144, 52428800
"""Range of a clipboard's size."""

PARAMETERS = (
    Parameter("hostname"),
    Parameter("port", 0, 0, MAX_PORT),
    Parameter("read-only", False),
    Parameter("disable-display-resize", False),
    Parameter("encodings"),
    Parameter("username"),
    Parameter("password", secret=True),
    Parameter("swap-red-blue", False),
    Parameter("color-depth", 0),
    Parameter("cursor"),
    Parameter("autoretry", 0, 0, 100, clamp=True),
    Parameter("clipboard-encoding", "ISO8859-1"),
    Parameter("dest-host"),
    Parameter("dest-port", 0, 0, MAX_PORT),
    Parameter("enable-audio", False),
    Parameter("audio-servername"),
    Parameter("reverse-connect", False),
    Parameter("listen-timeout", 5000, 0, 600_000, clamp=True),
    Parameter("enable-sftp", False),
    Parameter("sftp-hostname"),
    Parameter("sftp-host-key"),
    Parameter("sftp-port", 22, 0, MAX_PORT),
    Parameter("sftp-timeout", 10, 0, 600, clamp=True),
    Parameter("sftp-username"),
    Parameter("sftp-password", secret=True),
    Parameter("sftp-private-key", secret=True),
    Parameter("sftp-passphrase", secret=True),
    Parameter("sftp-public-key"),
    Parameter("sftp-directory"),
    Parameter("sftp-root-directory", "/"),
    Parameter("sftp-server-alive-interval", 0, 0, 86_400, clamp=True),
    Parameter("sftp-disable-download", False),
    Parameter("sftp-disable-upload", False),
    Parameter("recording-path"),
    Parameter("recording-name", "recording"),
    Parameter("recording-exclude-output", False),
    Parameter("recording-exclude-mouse", False),
    Parameter("recording-include-keys", False),
    Parameter("recording-include-clipboard", False),
    Parameter("create-recording-path", False),
    Parameter("recording-write-existing", False),
    Parameter("clipboard-buffer-size", CLIPBOARD_BYTES[0], *CLIPBOARD_BYTES, clamp=True),
    Parameter("disable-copy", False),
    Parameter("disable-paste", False),
    Parameter("disable-server-input", False),
    Parameter("wol-send-packet", False),
    Parameter("wol-mac-addr"),
    Parameter("wol-broadcast-addr", "255.255.255.255"),
    Parameter("wol-udp-port", 9, 1, MAX_PORT),
    Parameter("wol-wait-time", 0, 0, 3600, clamp=True),
    Parameter("force-lossless", False),
    Parameter("compress-level", -1, -1, 9, clamp=True),
    Parameter("quality-level", -1, -1, 9, clamp=True),
    # what guacd does not know stands behind its own
    Parameter("vnc-authority"),
    Parameter("vnc-fingerprint"),
    Parameter("vnc-allow-weak-sign-in", False),
    Parameter("sftp-host-key-alias"),
    *WAYS,
    *KEEPING,
)
"""guacd's 53, in its order, then ours: PEM certificates that the server's must descend from; the SHA-256 of its
certificate or key; whether a password may travel unprotected."""

_CLIPBOARD_ENCODINGS = {
    "ISO8859-1": "latin-1",
    "UTF-8": "utf-8",
    "UTF-16": "utf-16-be",
    "CP1252": "cp1252",
    "MacRoman": "mac-roman",
}
_PIXEL_FORMATS = {8: RGB332, 16: RGB565}
_FOREIGN_COLOURS = frozenset({Encoding.JPEG, Encoding.TIGHT_PNG})
"""Encodings whose colours we cannot swap, since they pass through."""


def options_from(arguments: Arguments) -> Options:
    """What the RFB core needs to know."""
    host, destination = arguments.text("hostname"), arguments.text("dest-host")
    swapped = arguments.flag("swap-red-blue")
    encodings = _encodings(arguments.text("encodings"))
    if swapped:
        encodings = tuple(encoding for encoding in encodings if encoding not in _FOREIGN_COLOURS)
    compression = arguments.number("compress-level")
    return Options(
        host=destination or host,
        repeater_id=f"{destination}:{arguments.number('dest-port')}" if destination else "",
        encodings=encodings,
        pixel_format=_PIXEL_FORMATS.get(arguments.number("color-depth"), RGB888),
        swap_red_blue=swapped,
        local_cursor=arguments.text("cursor") != "remote" and not arguments.flag("read-only"),
        lossless=arguments.flag("force-lossless"),
        compression=None if compression < 0 else compression,
        clipboard_encoding=_clipboard_encoding(arguments.text("clipboard-encoding")),
        trust=Trust(
            arguments.text("vnc-authority"),
            arguments.text("vnc-fingerprint"),
            arguments.flag("vnc-allow-weak-sign-in"),
        ),
        limits=Limits(clipboard=arguments.number("clipboard-buffer-size")),
    )


def _encodings(names: str) -> tuple[Encoding, ...]:
    """The encodings of a blank-separated list, best first; names that we do not know are left out."""
    wanted = [PIXEL_ENCODINGS[name] for name in names.lower().split() if name in PIXEL_ENCODINGS]
    if names and not wanted:
        log.warning("none of the encodings is known: the default is used", encodings=names[:200])
    return tuple(dict.fromkeys([*wanted, Encoding.RAW])) if wanted else Options().encodings


def _clipboard_encoding(name: str) -> str:
    if name not in _CLIPBOARD_ENCODINGS:
        log.warning("clipboard-encoding is not known: ISO8859-1 is used", encoding=name[:40])
    return _CLIPBOARD_ENCODINGS.get(name, "latin-1")
