"""Bundles of a directory: in order, served, watched; a broken one is skipped with its name, and the site stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from broker.extensions import registry
from broker.extensions.registry import Registry, in_order, load
from tests.broker.extensions.bundles import PAGE, archive, files, folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


def test_nothing_changes_without_bundles(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "none"):
        found = load(directory, ())
        assert found.dress(PAGE, "/g/") == PAGE
        assert (found.bundles, found.problems, found.languages({"en": "English"})) == (
            (),
            (),
            {"en": "English"},
        )


def test_folders_and_archives_are_found_and_others_are_not(tmp_path: Path) -> None:
    folder(tmp_path / "a", files(namespace="one"))
    archive(tmp_path / "b.jar", files(namespace="two"))
    archive(tmp_path / "c.zip", files(namespace="three"))
    archive(tmp_path / "d.war", files(namespace="four"))
    folder(tmp_path / ".e", files(namespace="five"))
    (tmp_path / "README").write_text("hello")
    found = load(tmp_path, ())
    assert [bundle.manifest.namespace for bundle in found.bundles] == ["one", "two", "three"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("priority", "order"),
    [
        ((), "ABc"),
        (("c",), "cAB"),
        (("*", "A"), "BcA"),
        (("c", "*", "A"), "cBA"),
        (("c", "c", "x", "A"), "cAB"),
    ],
)
def test_priority(priority: Sequence[str], order: str) -> None:
    bundles: dict[str, Any] = {"A": "A", "B": "B", "c": "c"}
    assert "".join(in_order(bundles, priority)) == order  # type: ignore[arg-type]


def test_broken_ones_are_skipped_with_their_names(tmp_path: Path) -> None:
    folder(tmp_path / "empty", {"x": b""})
    archive(tmp_path / "good.jar", files(namespace="good", css=["a.css"]) | {"a.css": b"a{}"})
    archive(tmp_path / "bad.jar", files(css=["gone.css"]))
    archive(tmp_path / "latin.jar", files({"a.css": b"\xe9"}, css=["a.css"]))
    archive(tmp_path / "zz.zip", files(namespace="good"))
    (tmp_path / "torn.jar").write_bytes(b"PK")
    with structlog.testing.capture_logs() as lines:
        found = Registry(tmp_path, ()).current
    assert [bundle.file for bundle in found.bundles] == ["good.jar"]
    assert {problem.file: problem.reason for problem in found.problems} == {
        "bad.jar": "gone.css is not in the bundle",
        "empty": "guac-manifest.json is not in the bundle",
        "latin.jar": "a.css is not UTF-8",
        "torn.jar": "it is no zip archive",
        "zz.zip": "good.jar has the same namespace, good",
    }
    assert len([line for line in lines if line["event"] == "extension skipped"]) == 5


def test_patches_are_bounded_together(tmp_path: Path) -> None:
    html = '<meta name="after" content="a">' + "x" * 250_000
    names = [f"{number}.html" for number in range(5)]
    folder(tmp_path / "a", files(dict.fromkeys(names, html), html=names))
    assert "together" in load(tmp_path, ()).problems[0].reason


def test_a_directory_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert load(tmp_path / "file", ()).problems[0].file == "file"


def test_a_directory_that_was_asked_for_and_is_not_there(tmp_path: Path) -> None:
    problem = Registry(tmp_path / "none", (), expected=True).current.problems[0]
    assert problem == (str(tmp_path / "none"), "there is no such directory")


def test_the_page_wears_them(tmp_path: Path) -> None:
    html = '<meta name="after" content=".logo"><i onclick="x()">+</i>'
    contents = {"h.html": html, "a.css": ".a{}", "b.css": ".b{}", "m.js": "m()", "s.png": PNG}
    archive(
        tmp_path / "a.jar",
        files(contents, html=["h.html"], css=["a.css", "b.css"], js=["m.js"], smallIcon="s.png"),
    )
    archive(tmp_path / "b.jar", files({"c.css": ".c{}"}, css=["c.css"], namespace="b"))
    found = load(tmp_path, ())
    page = found.dress(PAGE, "/g/")
    assert [sheet.body for sheet in found.styles.values()] == [b".a{}\n.b{}", b".c{}"]
    assert found.files["app.css"].body == b".a{}\n.b{}\n.c{}"
    for name in (*found.styles, *found.scripts):
        assert f'"/g/{name}"' in page
        assert found.files[name].tag in name
    assert len(found.scripts) == 2
    assert '<link rel="icon" type="image/png" href="/g/images/logo-64.png">' in page
    assert "images/logo.svg" not in page
    assert '<p class="logo">Logo</p><i data-fl-on="' in page
    bare = found.dress(PAGE, "/g/", patched=False)
    assert "app." in bare
    assert "data-fl-on" not in bare


def test_a_patch_that_misses_is_named_once(tmp_path: Path) -> None:
    archive(
        tmp_path / "a.jar", files({"h.html": '<meta name="after" content=".gone"><i></i>'}, html=["h.html"])
    )
    found = load(tmp_path, ())
    with structlog.testing.capture_logs() as lines:
        found.dress(PAGE, "/g/")
        found.dress(PAGE, "/g/")
    (line,) = lines
    assert line["reason"] == "a.jar: h.html: nothing in the page is .gone"


def test_what_has_no_effect_is_no_reason_to_skip(tmp_path: Path) -> None:
    contents = {"s.png": "GIF89a", "h.html": '<meta name="after" content="a"><script>x</script>'}
    manifest: dict[str, Any] = {
        "html": ["h.html"],
        "resources": {"gone.ttf": "font/ttf"},
        "smallIcon": "s.png",
    }
    archive(tmp_path / "a.jar", files(contents, authProviders=["org.example.A"], **manifest))
    found = load(tmp_path, ())
    (bundle,) = found.bundles
    assert len(bundle.warnings) == 4
    assert found.icon == ""


def test_languages(tmp_path: Path) -> None:
    texts = {
        "t/en.json": '{"APP": {"NAME": "Saturn"}}',
        "t/eo.json": '{"NAME": "Esperanto"}',
        "t/de.json": "{}",
    }
    archive(tmp_path / "a.jar", files(texts, translations=[*texts]))
    found = load(tmp_path, ())
    assert found.languages({"en": "English", "de": "Deutsch"}) == {
        "en": "English",
        "de": "Deutsch",
        "eo": "Esperanto",
    }
    assert found.site_name("de") == "Saturn"


def test_changes_are_seen_once_nobody_writes_any_more(tmp_path: Path) -> None:
    found = Registry(tmp_path, ())
    assert not found.changed()
    theme = folder(tmp_path / "theme", files({"a.css": ".a{}"}, css=["a.css"]))
    assert not found.changed()
    (theme / "a.css").write_text(".longer{}")
    assert not found.changed()
    assert found.changed()
    found.reload()
    assert [bundle.css for bundle in found.current.bundles] == [".longer{}"]
    assert not found.changed()
    os.utime(theme / "a.css", (1, 1))
    assert [found.changed(), found.changed()] == [False, True]


def test_what_an_operator_asks_for_is_read_at_once(tmp_path: Path) -> None:
    found = Registry(tmp_path, ())
    found.expire()
    assert found.changed()


def test_a_page_that_was_loaded_before_a_reading_finds_its_style_sheet(tmp_path: Path) -> None:
    theme = folder(tmp_path / "theme", files({"a.css": ".a{}"}, css=["a.css"]))
    found = Registry(tmp_path, ())
    (old,) = found.current.styles
    (theme / "a.css").write_text(".b{}")
    found.reload()
    (new,) = found.current.styles
    assert old != new
    assert [found.file(name) is not None for name in (old, new, "app.css", "none")] == [
        True,
        True,
        True,
        False,
    ]


def test_pages_are_remembered_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MAX_PAGES", 2)
    archive(
        tmp_path / "a.jar", files({"h.html": '<meta name="after" content=".logo"><i></i>'}, html=["h.html"])
    )
    found = load(tmp_path, ())
    for number in range(5):
        assert "<i></i>" in found.dress(PAGE.replace("Logo", str(number)), "/g/")
