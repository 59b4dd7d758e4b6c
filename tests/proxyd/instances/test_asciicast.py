"""Asciicast v2 by its published text: docs.asciinema.org/manual/asciicast/v2/."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxyd.instances.asciicast import Asciicast
from tests.cuts import every_cut

DATE = 1_700_000_000.75


def cast(*events: tuple[float, bytes | tuple[int, int]], began: float = 100.0) -> bytes:
    """A whole file."""
    form = Asciicast()
    parts = [form.begin(80, 24, "xterm-256color", began, DATE)[0]]
    for at, what in events:
        (part,) = form.output(what, began + at) if isinstance(what, bytes) else form.resize(*what, began + at)
        parts.append(part)
    return b"".join([*parts, *form.end(began + 9999)])


def read(file: bytes) -> tuple[dict[str, Any], list[list[Any]]]:
    """Header and events of a file that keeps to the text, strictly."""
    assert file.endswith(b"\n")
    lines = file.decode("utf-8").removesuffix("\n").split("\n")
    header, *events = (json.loads(line) for line in lines)
    assert isinstance(header, dict)
    assert header["version"] == 2
    assert all(type(header[name]) is int and header[name] > 0 for name in ("width", "height", "timestamp"))
    assert all(isinstance(value, str) for value in header["env"].values())
    last = 0.0
    for event in events:
        time, code, data = event
        assert isinstance(time, float | int)
        assert time >= 0
        assert code in {"o", "r"}
        assert isinstance(data, str)
        last = max(last, time)
    return header, events


def test_the_header_says_what_the_terminal_is() -> None:
    header, events = read(cast())
    assert header == {
        "version": 2, "width": 80, "height": 24, "timestamp": 1_700_000_000, "env": {"TERM": "xterm-256color"},
    }  # fmt: skip
    assert events == []


def test_events_are_as_the_text_shows_them() -> None:
    file = cast((0.248848, b"\x1b[1;31mHello \x1b[32mWorld!\x1b[0m\n"), (1.001376, "mañana\u2028\n".encode()))
    assert file.decode().split("\n")[1:] == [
        r'[0.248848, "o", "\u001b[1;31mHello \u001b[32mWorld!\u001b[0m\n"]',
        '[1.001376, "o", "mañana\u2028\\n"]',
        "",
    ]


def test_a_resize_is_an_event() -> None:
    _, events = read(cast((4.5, (100, 50)), (5.0, b"x")))
    assert events == [[4.5, "r", "100x50"], [5.0, "o", "x"]]


def test_a_clock_that_jumps_back_counts_as_the_beginning() -> None:
    assert read(cast((-5.0, b"x")))[1] == [[0.0, "o", "x"]]


def test_characters_in_pieces_come_whole() -> None:
    data = "é中🚀".encode()
    for pieces in every_cut(data):
        _, events = read(cast(*((float(n), piece) for n, piece in enumerate(pieces))))
        assert "".join(event[2] for event in events) == "é中🚀"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=5))
def test_any_bytes_make_a_legal_file(pieces: list[bytes]) -> None:
    _, events = read(cast(*((float(n), piece) for n, piece in enumerate(pieces))))
    assert "".join(event[2] for event in events) == b"".join(pieces).decode("utf-8", "replace")
