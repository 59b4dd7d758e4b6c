"""Character sets that SCS designates, as tables for `str.translate`."""

from __future__ import annotations

from typing import Final

__all__ = ["ASCII", "CHARSETS_94", "CHARSETS_96", "Charset"]

Charset = dict[int, int]

ASCII: Final[Charset] = {}


def _replace(old: str, new: str) -> Charset:
    return dict(zip(map(ord, old), map(ord, new), strict=True))


_GRAPHICS = _replace("_`abcdefghijklmnopqrstuvwxyz{|}~", "\xa0◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·")
_LATIN_1 = {code: code + 0x80 for code in range(0x20, 0x80)}
_FINNISH = _replace("[\\]^`{|}~", "ÄÖÅÜéäöåü")
_FRENCH = _replace("#@[\\]{|}~", "£à°ç§éùè¨")
_FRENCH_CANADIAN = _replace("@[\\]^`{|}~", "àâçêîôéùèû")
_NORWEGIAN = _replace("@[\\]^`{|}~", "ÄÆØÅÜäæøåü")
_SWEDISH = _replace("@[\\]^`{|}~", "ÉÄÖÅÜéäöåü")

CHARSETS_94: Final[dict[str, Charset]] = {
    "B": ASCII,
    "0": _GRAPHICS,
    "2": _GRAPHICS,
    "1": ASCII,
    "A": _replace("#", "£"),
    "<": _LATIN_1,
    "%5": _LATIN_1,
    "4": _replace("#@[\\]{|}~", "£¾ĳ½|¨ƒ¼´"),
    "5": _FINNISH,
    "C": _FINNISH,
    "R": _FRENCH,
    "f": _FRENCH,
    "9": _FRENCH_CANADIAN,
    "Q": _FRENCH_CANADIAN,
    "K": _replace("@[\\]{|}~", "§ÄÖÜäöüß"),
    "Y": _replace("#@[\\]`{|}~", "£§°çéùàòèì"),
    "6": _NORWEGIAN,
    "E": _NORWEGIAN,
    "`": _NORWEGIAN,
    "Z": _replace("#@[\\]{|}", "£§¡Ñ¿°ñç"),
    "7": _SWEDISH,
    "H": _SWEDISH,
    "=": _replace("#@[\\]^_`{|}~", "ùàéçêîèôäöüû"),
}
"""Finals of `ESC (` and kin: ASCII, DEC Special Graphics, DEC Supplemental (as Latin-1) and the national sets."""

CHARSETS_96: Final[dict[str, Charset]] = {"A": _LATIN_1}
"""Finals of `ESC -` and kin."""
