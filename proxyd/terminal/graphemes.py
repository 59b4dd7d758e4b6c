"""How characters share cells: widths and grapheme clusters (UAX 29), as the wcwidth library knows them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wcwidth import iter_graphemes, wcswidth

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CLUSTER_LIMIT", "cell_width", "is_narrow", "joins", "split"]

CLUSTER_LIMIT: Final = 16
"""Code points in one cell; further ones are dropped."""

# Blocks whose characters all take one cell (or all two) and never join the character before them. What is not listed
# is merely slower: it is looked up one by one. (By the book a Hangul syllable joins a lone leading consonant before it.)
_NARROW = (
    r"\x20-\x7e\xa0-\xa8\xaa-\xac\xaf-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038e-\u03a1\u03a3-\u0482"
    r"\u048a-\u052f\u0531-\u0556\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u1e00-\u1f15\u2010-\u2027\u2030-\u203b"
    r"\u203d-\u2048\u20a0-\u20bf\u2100-\u2121\u2123-\u2138\u2150-\u218b\u2190-\u2193\u219a-\u21a8\u21ab-\u22ff"
    r"\u2500-\u25a9\u25ac-\u25b5\u25b7-\u25bf\u25c1-\u25fa\u2800-\u28ff\ue000-\uf8ff\ufffd"
)
_WIDE = r"\u3001-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60\U00020000-\U0002a6df"

is_narrow: Final = re.compile(rf"[{_NARROW}]*+").fullmatch
"""Whether text consists of narrow characters alone; see `split`."""
_PIECES: Final = re.compile(rf"([{_NARROW}]+)|([{_WIDE}]+)|(.)", re.DOTALL)


def split(text: str) -> Iterable[tuple[str, str, str]]:
    """Cut text into (narrow, wide, other), one of them not empty.

    Characters of a narrow run take one cell each, those of a wide run two, and none joins the cell before it; other is
    a single character that needs `joins` and `cell_width`.
    """
    return _PIECES.findall(text)


@lru_cache(maxsize=4096)
def joins(cluster: str, character: str) -> bool:
    """Whether `character` belongs to the cell that holds `cluster`."""
    return len(list(iter_graphemes(cluster + character))) == 1


@lru_cache(maxsize=4096)
def cell_width(cluster: str) -> int:
    """Columns of a cluster: 0, 1 or 2."""
    return min(max(wcswidth(cluster), 0), 2)
