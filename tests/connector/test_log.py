"""The connector's log: JSON lines in a file that rotates."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from connector import log
from connector.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_lines_are_json_and_a_full_file_is_put_aside(tmp_path: Path) -> None:
    settings = Settings.model_validate({"state-directory": tmp_path, "log-size": 10_000, "log-files": 2})
    log.configure(settings)
    for number in range(400):
        structlog.get_logger("connector").info("stream opened", host="db\nlab", port=number)
    names = ["connector.log", "connector.log.1", "connector.log.2"]
    assert sorted(path.name for path in tmp_path.glob("connector.log*")) == names
    for name in names:
        text = (tmp_path / name).read_text()
        assert len(text) <= 10_000
        assert {json.loads(line)["host"] for line in text.splitlines()} == {"db\nlab"}
    last = [json.loads(line)["port"] for line in log.tail(settings.log_path, 3)]
    assert last == [397, 398, 399]


def test_what_is_below_the_level_is_dropped_and_long_lines_are_cut_when_told(tmp_path: Path) -> None:
    settings = Settings.model_validate({"state-directory": tmp_path, "log-level": "warning"})
    log.configure(settings)
    structlog.get_logger("connector").info("stream opened")
    structlog.get_logger("connector").warning("stream denied", reason="x" * 10_000)
    (line,) = log.tail(settings.log_path, 10)
    assert len(line) == log.MAX_LINE
    assert log.tail(tmp_path / "none", 10) == []
