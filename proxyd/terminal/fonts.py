"""Finding fonts: a packaged family that every machine has, the system's families by name, and fallbacks.

The functions that ask fontconfig start a program and wait for it: call them off the loop.
"""

from __future__ import annotations

import functools
import logging
import shutil
import subprocess
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from proxyd.terminal.cmap import Coverage, FontError, read_coverage

__all__ = ["PACKAGED", "Family", "FontFile", "fallbacks", "find_family"]

log = logging.getLogger(__name__)

MAX_NAME = 128
"""Characters of a family name that are looked at."""
MAX_FALLBACKS = 64
"""Fonts that are searched for a missing character."""
PATIENCE = 5.0
"""Seconds that fontconfig gets; its first run on a machine builds a cache."""

_FOLDER = Path(__file__).parent / "fonts"
_SYNTAX = str.maketrans({character: f"\\{character}" for character in "\\-:,="})
_GENERIC = frozenset({"", "default", "monospace", "mono", "dejavu sans mono"})
_REGULAR, _BOLD = 80, 200


@dataclass(frozen=True, slots=True)
class FontFile:
    """One face: a file, and its number in it where the file is a collection.

    Attributes:
        colour: it holds pictures (emoji), not outlines.
    """

    path: Path
    index: int = 0
    colour: bool = False

    def __contains__(self, character: object) -> bool:
        """Whether the font has a character."""
        return character in _coverage(self.path, self.index)


class Family(NamedTuple):
    """The four faces of a monospaced family. A missing one is the nearest there is."""

    regular: FontFile
    bold: FontFile
    italic: FontFile
    bold_italic: FontFile


PACKAGED = Family(
    FontFile(_FOLDER / "DejaVuSansMono.ttf"),
    FontFile(_FOLDER / "DejaVuSansMono-Bold.ttf"),
    FontFile(_FOLDER / "DejaVuSansMono-Oblique.ttf"),
    FontFile(_FOLDER / "DejaVuSansMono-BoldOblique.ttf"),
)
"""DejaVu Sans Mono, shipped with Fanlight: the default, so that every machine looks the same."""


@functools.lru_cache(maxsize=64)
def find_family(name: str) -> Family:
    """The family of this name among the system's fonts; `PACKAGED` where it is generic or not there.

    Only fonts that fontconfig knows are ever opened: a name comes from outside and is no path. Blocks.
    """
    name = "".join(character for character in name[:MAX_NAME] if character.isprintable()).strip()
    if name.lower() in _GENERIC:
        return PACKAGED
    pattern = name.translate(_SYNTAX)
    faces = [_match(f"{pattern}{style}", name) for style in ("", ":bold", ":italic", ":bold:italic")]
    if faces[0] is None:
        log.warning("no font named %r on this machine: the packaged one is used", name)
        return PACKAGED
    regular = faces[0]
    return Family(regular, *(face or regular for face in faces[1:]))


@functools.cache
def fallbacks() -> tuple[FontFile, ...]:
    """Fonts of the system to look for a missing character in, the best first. Blocks."""
    found: dict[FontFile, None] = {}
    for line in _fontconfig(
        "--sort", "--format", "%{file}\t%{index}\t%{color}\t%{weight}\t%{slant}\n", "monospace"
    ):
        fields = line.split("\t")
        if len(fields) == 5 and _number(fields[3]) <= _REGULAR + 20 and _number(fields[4]) == 0:
            found[FontFile(Path(fields[0]), _number(fields[1]), fields[2] == "True")] = None
    return tuple(found)[:MAX_FALLBACKS]


def _match(pattern: str, name: str) -> FontFile | None:
    """The face for a pattern, if it is of the family asked for and not a substitute."""
    for line in _fontconfig("--format", "%{file}\t%{index}\t%{family}\n", pattern):
        file, index, families = (*line.split("\t"), "", "")[:3]
        if name.lower() in (family.strip().lower() for family in families.split(",")):
            return FontFile(Path(file), _number(index))
    return None


def _fontconfig(*arguments: str) -> list[str]:
    """The lines that `fc-match` prints; none where there is no fontconfig."""
    program = shutil.which("fc-match")
    if program is None:
        return []
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and a pattern cannot be an option
            [program, *arguments[:-1], "--", arguments[-1]], capture_output=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("fontconfig failed (%s): the packaged font is used", type(error).__name__)
        return []
    return done.stdout.decode("utf-8", "replace").splitlines()


def _number(text: str) -> int:
    """The low 16 bits of a fontconfig index or a weight; the high ones name a variation."""
    digits = text.partition(".")[0]
    return int(digits) & 0xFFFF if digits.isdecimal() else 0


@functools.lru_cache(maxsize=MAX_FALLBACKS + 32)
def _coverage(path: Path, index: int) -> Coverage:
    try:
        return read_coverage(path, index)
    except FontError as error:
        log.warning("%s", error)
        return Coverage(array("I"), array("I"))
