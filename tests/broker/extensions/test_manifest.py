"""What a manifest may say, what of it has no effect, and what makes a bundle no bundle."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.extensions.archive import BundleError
from broker.extensions.manifest import parse_manifest
from tests.broker.extensions.bundles import MINIMAL


def read(**more: Any) -> tuple[Any, list[str]]:
    return parse_manifest(json.dumps(MINIMAL | more).encode())


def test_everything_that_guacamole_knows() -> None:
    manifest, said = read(
        css=["a.css"], js=["a.js"], html=["a.html"], translations=["t/en.json"],
        resources={"a.png": "image/png", "a.html": "text/html; charset=utf-8"}, smallIcon="s.png", largeIcon="l.png",
        authProviders=[], listeners=[],
    )  # fmt: skip
    assert (manifest.css, manifest.small_icon, said) == (("a.css",), "s.png", [])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"authProviders": ["org.example.A"]}, "authProviders are Java"),
        ({"listeners": ["org.example.A"]}, "listeners are Java"),
        ({"webhooks": 1}, "unknown in a manifest: webhooks"),
        ({"guacamoleVersion": "0.9.13-incubating"}, "written for Guacamole 0.9.13"),
        ({"guacamoleVersion": "1.7.0"}, "written for Guacamole 1.7.0"),
    ],
)
def test_what_has_no_effect_is_said(more: dict[str, Any], words: str) -> None:
    _, (said,) = read(**more)
    assert words in said


@pytest.mark.parametrize("version", ["*", "1.0.0", "1.6.1"])
def test_versions_that_fit(version: str) -> None:
    assert read(guacamoleVersion=version)[1] == []


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"guacamoleVersion": "1.6"}, "guacamoleVersion"),
        ({"guacamoleVersion": None}, "guacamoleVersion"),
        ({"namespace": "a/b"}, "namespace"),
        ({"namespace": ".."}, "namespace"),
        ({"namespace": ""}, "namespace"),
        ({"name": ""}, "name"),
        ({"css": "a.css"}, "css"),
        ({"css": ["../a.css"]}, "css.0"),
        ({"css": ["a.css"] * 201}, "css"),
        ({"resources": {"/a": "image/png"}}, "resources"),
        ({"resources": {"a": "image/png\r\nX-Header: 1"}}, "resources"),
        ({"resources": {"a": "nonsense"}}, "resources"),
        ({"smallIcon": "a/../../b"}, "smallIcon"),
    ],
)
def test_what_makes_it_none(more: dict[str, Any], where: str) -> None:
    with pytest.raises(BundleError, match=where):
        read(**more)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff{}", "not UTF-8"),
        (b'{"a":' * 100_000, "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"{}", "guacamoleVersion: Field required"),
    ],
)
def test_what_is_no_manifest(data: bytes, reason: str) -> None:
    with pytest.raises(BundleError, match=reason):
        parse_manifest(data)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_manifest(b"\xef\xbb\xbf" + json.dumps(MINIMAL).encode())[0].name == "Example"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["guacamoleVersion", "name", "namespace", "css", "resources", "smallIcon", "listeners"]
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(KEYS | st.text(max_size=5), JSON, max_size=6))
def test_any_object_is_a_manifest_or_refused(raw: dict[str, Any]) -> None:
    with contextlib.suppress(BundleError):
        parse_manifest(json.dumps(MINIMAL | raw).encode())
