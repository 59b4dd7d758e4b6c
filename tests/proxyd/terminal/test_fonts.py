from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from proxyd.terminal import fonts
from proxyd.terminal.fonts import PACKAGED, FontFile, fallbacks, find_family


def test_the_packaged_family_has_four_faces_and_its_licence() -> None:
    assert len(set(PACKAGED)) == 4
    for face in PACKAGED:
        assert face.path.is_file()
    assert "Bitstream Vera" in (PACKAGED.regular.path.parent / "LICENSE-DejaVu.txt").read_text()


@pytest.mark.parametrize("character", ["a", "é", "Ж", "Ω", "─", "█", "→", "✓"])
def test_the_packaged_font_knows_its_characters(character: str) -> None:
    assert character in PACKAGED.regular


@pytest.mark.parametrize("character", ["中", "😀", "\U0010ffff"])
def test_the_packaged_font_knows_what_it_lacks(character: str) -> None:
    assert character not in PACKAGED.regular


@pytest.mark.parametrize("name", ["", "monospace", "DejaVu Sans Mono", "default"])
def test_generic_names_mean_the_packaged_family(name: str) -> None:
    assert find_family(name) is PACKAGED


@pytest.mark.parametrize(
    "name",
    [
        "No Such Font 7",
        "--version",
        "x:file=/etc/passwd",
        "../../etc/passwd",
        "/etc/passwd",
        "a" * 10_000,
        "\0",
        "é\n",
    ],
)
def test_what_is_no_font_means_the_packaged_family(name: str) -> None:
    assert find_family(name) is PACKAGED


def test_a_machine_without_fontconfig_has_the_packaged_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts.shutil, "which", lambda program: None)
    assert fonts._fontconfig("--sort", "monospace") == []


def test_fontconfig_that_fails_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("fc-match", 5)

    monkeypatch.setattr(fonts.subprocess, "run", fail)
    monkeypatch.setattr(fonts.shutil, "which", lambda program: "/usr/bin/fc-match")
    assert fonts._fontconfig("--sort", "monospace") == []


def test_a_family_of_the_system_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*arguments: str) -> list[str]:
        bold = ":bold" in arguments[-1]
        return [
            f"/fonts/{'bold' if bold else 'regular'}.ttf\t{65536 if bold else 2}\tSome Mono,Some Mono Narrow"
        ]

    monkeypatch.setattr(fonts, "_fontconfig", answer)
    family = find_family.__wrapped__("some mono")
    assert family.regular == FontFile(Path("/fonts/regular.ttf"), 2)
    assert family.bold == FontFile(Path("/fonts/bold.ttf"), 0)


def test_a_substitute_is_not_taken_for_the_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_fontconfig", lambda *arguments: ["/fonts/other.ttf\t0\tOther Sans"])
    assert find_family.__wrapped__("Some Mono") is PACKAGED


def test_fallbacks_are_upright_and_regular(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "/a.ttf\t0\tFalse\t80\t0",
        "/b.ttf\t0\tFalse\t200\t0",
        "/c.ttf\t1\tTrue\t80\t0",
        "/d.ttf\t0\tFalse\t80\t110",
        "junk",
    ]
    monkeypatch.setattr(fonts, "_fontconfig", lambda *arguments: lines)
    assert fallbacks.__wrapped__() == (FontFile(Path("/a.ttf")), FontFile(Path("/c.ttf"), 1, colour=True))
