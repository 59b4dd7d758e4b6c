"""Themes: one that was just begun is good, what is wrong with one is said, and packing gives the same archive."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from broker.cli.outcome import Exit
from broker.extensions.bundle import read_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def theme(fanlight, tmp_path: Path) -> Path:
    folder = tmp_path / "my theme"
    assert fanlight("theme", "new", folder, "--name", "My Institute").code == Exit.DONE
    return folder


def test_a_new_theme_is_good_as_it_is(fanlight, theme: Path) -> None:
    bundle = read_bundle(theme)
    assert (bundle.manifest.namespace, bundle.manifest.name) == ("my-theme", "My Institute")
    assert "app/ext/my-theme/images/logo.svg" in bundle.css
    assert bundle.catalogues["en"]["APP.NAME"] == "My Institute"
    assert "@" not in (theme / "guac-manifest.json").read_text()
    checked = fanlight("theme", "check", theme)
    assert (checked.code, checked.output) == (
        Exit.DONE,
        "✓ My Institute can be used: style sheets: 1, patches: 1, languages: 1, resources: 1\n",
    )


def test_nothing_is_overwritten(fanlight, theme: Path) -> None:
    again = fanlight("theme", "new", theme)
    assert (again.code, "not empty" in again.errors) == (Exit.USAGE, True)


@pytest.mark.parametrize("arguments", [("a", "--name", 'x"y'), ("a", "--name", "x\ny"), ("ß",)])
def test_names_that_cannot_be_used(fanlight, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refused = fanlight("theme", "new", tmp_path / arguments[0], *arguments[1:])
    assert refused.code == Exit.USAGE
    assert not (tmp_path / arguments[0]).exists()


def test_packing_gives_the_same_archive_whenever_it_is_done(fanlight, theme: Path, tmp_path: Path) -> None:
    (theme / ".git").mkdir()
    (theme / ".git" / "config").write_text("")
    packed = []
    for name in ("one.jar", "two.jar"):
        assert fanlight("theme", "pack", theme, "--output", tmp_path / name).output == f"{tmp_path / name}\n"
        packed.append((tmp_path / name).read_bytes())
        for path in theme.rglob("*"):
            os.utime(path, (1, 1))
    assert packed[0] == packed[1]
    assert zipfile.ZipFile(tmp_path / "one.jar").namelist() == [
        "guac-manifest.json", "html/support.html", "images/logo.svg", "theme.css", "translations/en.json",
    ]  # fmt: skip
    assert fanlight("theme", "check", tmp_path / "one.jar").code == Exit.DONE


def test_what_has_no_effect_is_said(fanlight, theme: Path) -> None:
    patch = '<meta name="after" content=".gone"><script>x</script>'
    (theme / "html" / "support.html").write_text(patch)
    checked = fanlight("theme", "check", theme, "--json")
    assert checked.code == Exit.DONE
    assert len(checked.json["doubts"]) == 2
    assert "nothing in the page is .gone" in checked.json["doubts"][1]


@pytest.mark.parametrize("command", ["check", "pack"])
def test_a_broken_theme_is_refused_in_one_line(fanlight, theme: Path, command: str) -> None:
    (theme / "theme.css").unlink()
    refused = fanlight("theme", command, theme)
    assert refused.code == Exit.FAILED
    assert refused.errors == f"fanlight: {theme}: theme.css is not in the bundle\n"


def test_what_is_not_there(fanlight, tmp_path: Path) -> None:
    assert fanlight("theme", "check", tmp_path / "none").code == Exit.USAGE
    assert fanlight("theme", "pack", tmp_path / "none").code == Exit.USAGE
