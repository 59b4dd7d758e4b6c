"""Catalogues of a bundle: nested as Guacamole has them or flat as ours are, laid over those that are shipped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from broker.extensions.archive import BundleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FALLBACK", "Catalogue", "flatten", "language_of", "overlay"]

Catalogue = dict[str, str]
"""Texts by name."""

FALLBACK = "en"
LANGUAGE = re.compile(r"(?:.*/)?([a-z]{2,8}(?:_[A-Za-z0-9]{1,8})?)\.json")
REFERENCE = re.compile(r"@:([A-Za-z0-9_.]*[A-Za-z0-9_])")
MAX_DEPTH, MAX_TEXTS, MAX_TEXT = 8, 5000, 4000
"""Levels, texts, and characters of a name or text, of one catalogue."""
MAX_REFERENCES = 4
"""Levels of texts that refer to texts."""


def language_of(file: str) -> str:
    """The language key that a catalogue's file name gives.

    Raises:
        BundleError: it gives none.
    """
    match = LANGUAGE.fullmatch(file)
    if match is None:
        raise BundleError(f"{file} is not named like translations/en.json")
    return match[1]


def flatten(catalogue: Mapping[str, Any]) -> Catalogue:
    """Texts by dotted name; what is not text is left out.

    Raises:
        BundleError: there are too many, they are too long or nested too deep, or cannot be written as UTF-8.
    """
    flat: Catalogue = {}
    waiting: list[tuple[str, Any, int]] = [("", catalogue, 0)]
    while waiting:
        prefix, node, depth = waiting.pop()
        if depth > MAX_DEPTH or len(flat) > MAX_TEXTS or len(waiting) > MAX_TEXTS:
            raise BundleError(f"more than {MAX_TEXTS} texts or {MAX_DEPTH} levels")
        if isinstance(node, dict):
            waiting += [
                (f"{prefix}.{key}" if prefix else key, value, depth + 1) for key, value in node.items()
            ]
        elif isinstance(node, str):
            if len(prefix) > MAX_TEXT or len(node) > MAX_TEXT:
                raise BundleError(f"{prefix[:80]} has more than {MAX_TEXT} characters")
            _check_utf8(prefix + node)
            flat[prefix] = node
    return flat


def overlay(
    shipped: Mapping[str, str], bundles: Sequence[Mapping[str, Catalogue]], language: str
) -> Catalogue:
    """The catalogue of a language: what is shipped, and the bundles' texts over it, the last one winning.

    A text that a bundle has in English alone is shown in English everywhere.

    Args:
        shipped: its texts as they are without bundles.
        bundles: catalogues by language of each bundle, in order.
        language: its key.
    """
    merged: Catalogue = {}
    for bundle in bundles:
        merged |= bundle.get(FALLBACK, {})
    merged |= shipped
    for bundle in bundles:
        merged |= bundle.get(language, {})
    referring = [name for name, text in merged.items() if "@:" in text]
    return merged | {name: _resolve(merged, merged[name]) for name in referring}


def _resolve(catalogue: Mapping[str, str], text: str) -> str:
    """Put texts in the place of `@:NAME`; one that is not there stays a name."""
    for _ in range(MAX_REFERENCES):
        resolved = REFERENCE.sub(lambda match: catalogue.get(match[1], match[1]), text)[:MAX_TEXT]
        if resolved == text:
            break
        text = resolved
    return text


def _check_utf8(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BundleError("a text holds half a character") from None
