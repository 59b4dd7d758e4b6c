"""A new version on trial, and versions beside each other. What is real about it is in tests/networks."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from connector import versions
from connector.trial import Trial

if TYPE_CHECKING:
    from pathlib import Path


class BackError(Exception):
    """The old version was begun again."""


def version(directory: Path, name: str, script: str) -> None:
    """A version whose interpreter is a script of the shell."""
    python = versions.folder(directory, name) / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


@pytest.fixture(autouse=True)
def back(monkeypatch: pytest.MonkeyPatch) -> None:
    def become(_: str, words: list[str]) -> None:
        raise BackError(words[-1])

    monkeypatch.setattr(os, "execv", become)
    monkeypatch.setattr("signal.signal", lambda *_: None)


def trial(directory: Path, seconds: float = 10) -> int:
    return Trial(directory, "2.0.0", ["--config", "x"], seconds).run()


def connected(directory: Path, name: str) -> str:
    return f'echo \'{{"state": "connected", "version": "{name}"}}\' > {directory}/status.json'


def test_one_that_is_connected_is_adopted_and_its_end_is_ours(tmp_path: Path) -> None:
    version(tmp_path, "2.0.0", f"{connected(tmp_path, '2.0.0')}; sleep 1; exit 7")
    versions.write_memory(tmp_path, {"version": "2.0.0", "attempts": 2, "asked": True})
    assert trial(tmp_path) == 7
    assert versions.current(tmp_path) == versions.folder(tmp_path, "2.0.0")
    assert versions.read_memory(tmp_path)["attempts"] == 0


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "version 2.0.0 ended at once, with code 3"),
        ("exec sleep 60", "was not connected within 0.5 seconds"),
        ("STALE; exec sleep 60", "was not connected within 0.5 seconds"),
    ],
)
def test_one_that_is_not_is_left(tmp_path: Path, script: str, says: str) -> None:
    (tmp_path / "status.json").write_text('{"state": "connected", "version": "2.0.0"}')  # of the one before
    version(tmp_path, "2.0.0", script.replace("STALE", connected(tmp_path, "1.0.0")))
    with pytest.raises(BackError, match="x"):
        trial(tmp_path, 10 if "exit" in script else 0.5)
    assert versions.current(tmp_path) is None
    assert not versions.folder(tmp_path, "2.0.0").exists()
    kept = versions.read_memory(tmp_path)
    assert says in kept["error"]
    assert (kept["attempts"], kept["installed"]) == (1, False)


def test_one_that_cannot_even_begin(tmp_path: Path) -> None:
    with pytest.raises(BackError):
        trial(tmp_path)
    assert "does not begin: No such file" in versions.read_memory(tmp_path)["error"]


def test_versions_beside_each_other(tmp_path: Path) -> None:
    for name in ("1.0.0", "1.1.0", "2.0.0"):
        version(tmp_path, name, "")
    assert versions.current(tmp_path) is None
    versions.adopt(tmp_path, "1.0.0")
    versions.adopt(tmp_path, "1.1.0")
    assert versions.current(tmp_path) == versions.folder(tmp_path, "1.1.0")
    versions.tidy(tmp_path, "2.0.0")
    assert sorted(path.name for path in (tmp_path / "versions").iterdir()) == ["1.1.0", "2.0.0", "current"]
    versions.forget(tmp_path, "1.1.0")
    assert versions.current(tmp_path) is None, "what was removed by hand is not begun"


def test_memory_that_is_none(tmp_path: Path) -> None:
    assert versions.read_memory(tmp_path) == {}
    (tmp_path / "update.json").write_text("[1]")
    assert versions.read_memory(tmp_path) == {}
    versions.write_memory(tmp_path, {"a": 1})
    assert json.loads((tmp_path / "update.json").read_text()) == {"a": 1}
    assert stat.S_IMODE((tmp_path / "update.json").stat().st_mode) == 0o600
