from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import structlog

from broker.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


@pytest.fixture
def fanlight(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Outcome]]:
    """Runs the command inside this process, untouched by the settings of this machine."""
    for name in [name for name in os.environ if name.startswith("FANLIGHT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("proxyd.sources.DEFAULT_FILE", Path("/nonexistent"))

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["fanlight", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    yield run
    structlog.reset_defaults()  # a command may set up logging for its process
