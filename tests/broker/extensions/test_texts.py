"""Catalogues: nested or flat, over those that are shipped, in order."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.extensions.archive import BundleError
from broker.extensions.texts import MAX_DEPTH, MAX_TEXT, MAX_TEXTS, flatten, language_of, overlay


def test_nested_and_flat_are_the_same() -> None:
    assert flatten({"APP": {"NAME": "Saturn"}, "NAME": "English"}) == {
        "APP.NAME": "Saturn",
        "NAME": "English",
    }
    assert flatten({"APP.NAME": "Saturn"}) == flatten({"APP": {"NAME": "Saturn"}})


def test_what_is_no_text_is_left_out() -> None:
    assert flatten({"a": 1, "b": None, "c": ["x"], "d": True, "e": "text"}) == {"e": "text"}


def deep(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"leaf": "x"}
    for _ in range(levels):
        tree = {"a": tree}
    return tree


@pytest.mark.parametrize(
    "catalogue",
    [
        deep(MAX_DEPTH),
        {str(n): "x" for n in range(MAX_TEXTS + 2)},
        {"a": "x" * (MAX_TEXT + 1)},
        {"a": "\ud800"},
    ],
    ids=["deep", "many", "long", "half a character"],
)
def test_what_is_beyond_reason(catalogue: dict[str, Any]) -> None:
    with pytest.raises(BundleError):
        flatten(catalogue)


@pytest.mark.parametrize(
    ("file", "language"),
    [("translations/en.json", "en"), ("de.json", "de"), ("a/b/pt_BR.json", "pt_BR"), ("t/zh.json", "zh")],
)
def test_the_language_is_in_the_name(file: str, language: str) -> None:
    assert language_of(file) == language


@pytest.mark.parametrize("file", ["english.txt", "t/EN.json", "t/e.json", "t/en-GB.json", "t/.json"])
def test_a_name_without_a_language(file: str) -> None:
    with pytest.raises(BundleError):
        language_of(file)


SHIPPED = {"home.title": "Ihre Sitzungen", "cancel": "Abbrechen"}
FIRST = {"en": {"cancel": "Stop", "APP.NAME": "Saturn"}, "de": {"cancel": "Halt"}}
SECOND = {"de": {"cancel": "Schluss", "APP.NAME": "Saturn!"}, "eo": {"NAME": "Esperanto"}}


@pytest.mark.parametrize(
    ("bundles", "language", "merged"),
    [
        ([], "de", SHIPPED),
        ([FIRST], "de", SHIPPED | {"cancel": "Halt", "APP.NAME": "Saturn"}),
        ([FIRST, SECOND], "de", SHIPPED | {"cancel": "Schluss", "APP.NAME": "Saturn!"}),
        ([SECOND, FIRST], "de", SHIPPED | {"cancel": "Halt", "APP.NAME": "Saturn!"}),
    ],
)
def test_the_last_one_wins(bundles: list[Any], language: str, merged: dict[str, str]) -> None:
    assert overlay(SHIPPED, bundles, language) == merged


def test_a_new_language_falls_back_to_what_bundles_say_in_english() -> None:
    assert overlay({}, [FIRST, SECOND], "eo") == FIRST["en"] | {"NAME": "Esperanto"}


def test_texts_refer_to_texts() -> None:
    bundle = {"en": {"A": "1", "B": "@:A and @:A.", "C": "@:B!", "D": "@:none", "E": "@:E@:E"}}
    merged = overlay({}, [bundle], "en")
    assert (merged["B"], merged["C"], merged["D"]) == ("1 and 1.", "1 and 1.!", "none")
    assert len(merged["E"]) <= MAX_TEXT


TREE = st.recursive(
    st.text(max_size=5) | st.none() | st.integers(),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=4), TREE, max_size=5))
def test_any_object_is_a_catalogue_or_refused(tree: dict[str, Any]) -> None:
    with contextlib.suppress(BundleError):
        flat = flatten(tree)
        assert all(isinstance(text, str) for text in overlay({}, [{"en": flat}], "en").values())
