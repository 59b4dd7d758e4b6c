"""What the store may hold is read, or is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from broker.rows import read_row, written


@dataclass(frozen=True)
class Example:
    name: str
    when: float
    seconds: int = 0
    end: float | None = None


def test_what_was_written_is_read() -> None:
    row = Example("x", 1_700_000_000.123, 900, 1.5)
    assert read_row(Example, written(row)) == row
    assert written(row) == written(Example("x", 1_700_000_000.123, 900, 1.5))


def test_an_older_and_a_newer_record() -> None:
    assert read_row(Example, b'{"name": "x", "when": 1}') == Example("x", 1.0)
    assert read_row(Example, b'{"name": "x", "when": 1, "colour": "red"}') == Example("x", 1.0)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"\xff", b"[1]", b"null", b"{}", b'{"name": "x"}', b'{"name": ["x"], "when": 1}',
        b'{"name": "x", "when": "never"}', b'{"name": "x", "when": 1, "end": {}}', b"[" * 100_000, b'{"a":' * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_ours_is_none_and_logged(value: bytes, log_lines: list[dict[str, Any]]) -> None:
    assert read_row(Example, value) is None
    assert [line["event"] for line in log_lines] == ["a record is not ours"]
