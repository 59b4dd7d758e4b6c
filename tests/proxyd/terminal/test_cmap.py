from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.terminal.cmap import FontError, read_coverage
from proxyd.terminal.fonts import PACKAGED

if TYPE_CHECKING:
    from pathlib import Path


def font(cmap: bytes, collection: bool = False) -> bytes:
    """A font file with nothing but a cmap."""
    start = 16 if collection else 0
    head = b"ttcf" + struct.pack(">HHII", 1, 0, 1, start) if collection else b""
    tables = struct.pack(">IHHHH", 0x10000, 1, 16, 0, 0)
    return head + tables + struct.pack(">4sIII", b"cmap", 0, start + 28, len(cmap)) + cmap


def cmap(*tables: tuple[int, int, bytes]) -> bytes:
    offset = 4 + 8 * len(tables)
    head = struct.pack(">HH", 0, len(tables))
    body = b""
    for platform, encoding, data in tables:
        head += struct.pack(">HHI", platform, encoding, offset + len(body))
        body += data
    return head + body


def format_12(*groups: tuple[int, int]) -> bytes:
    body = b"".join(struct.pack(">III", first, last, 1) for first, last in groups)
    return struct.pack(">HHIII", 12, 0, 16 + len(body), 0, len(groups)) + body


def format_4(*segments: tuple[int, int]) -> bytes:
    segments = (*segments, (0xFFFF, 0xFFFF))
    count = len(segments)
    ends = struct.pack(f">{count}H", *(end for _, end in segments))
    starts = struct.pack(f">{count}H", *(start for start, _ in segments))
    return struct.pack(">7H", 4, 0, 0, 2 * count, 0, 0, 0) + ends + b"\0\0" + starts + bytes(4 * count)


def written(path: Path, data: bytes) -> Path:
    (path / "font.ttf").write_bytes(data)
    return path / "font.ttf"


@pytest.mark.parametrize("collection", [False, True])
def test_both_formats_are_read(tmp_path: Path, collection: bool) -> None:
    data = font(cmap((3, 1, format_4((0x20, 0x7E), (0x400, 0x4FF)))), collection)
    coverage = read_coverage(written(tmp_path, data))
    assert ["a" in coverage, "Ж" in coverage, "é" in coverage, "\uffff" in coverage] == [
        True,
        True,
        False,
        False,
    ]
    data = font(cmap((3, 10, format_12((0x41, 0x5A), (0x1F600, 0x1F64F)))), collection)
    coverage = read_coverage(written(tmp_path, data))
    assert ["A" in coverage, "😀" in coverage, "a" in coverage] == [True, True, False]


def test_the_fuller_table_is_preferred(tmp_path: Path) -> None:
    data = font(cmap((3, 1, format_4((0x41, 0x5A))), (3, 10, format_12((0x61, 0x7A)))))
    coverage = read_coverage(written(tmp_path, data))
    assert "a" in coverage
    assert "A" not in coverage


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a font at all, but long enough to look for tables in it",
        font(b""),
        font(cmap((1, 0, format_12((0x41, 0x5A))))),
        font(cmap((3, 10, struct.pack(">HHIII", 12, 0, 16, 0, 0xFFFFFFFF)))),
        font(cmap((3, 1, struct.pack(">HHHH", 4, 0, 0, 0xFFFE)))),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FontError):
        read_coverage(written(tmp_path, data))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FontError):
        read_coverage(tmp_path / "nothing.ttf")


REAL = PACKAGED.regular.path.read_bytes()[:4096]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4095), st.binary(min_size=1, max_size=8))
def test_a_damaged_font_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, bytes_: bytes
) -> None:
    path = written(tmp_path_factory.mktemp("font"), REAL[:at] + bytes_ + REAL[at + len(bytes_) :])
    with contextlib.suppress(FontError):
        read_coverage(path)
