"""What is told of a command on many machines, whatever these wrote."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from client import report
from client.fanout import Fanout, Job, State
from client.hosts import Host
from client.report import as_csv, as_text, described, record
from proxyd.instances.ssh_command import Ended, How

if TYPE_CHECKING:
    from pathlib import Path


def ran(*outputs: bytes, status: int = 0) -> Fanout:
    fanout = Fanout(None, "id", [])  # type: ignore[arg-type]
    for number, output in enumerate(outputs):
        job = Job(f"m{number}", Host(f"m{number}", f"10.0.0.{number}", 22, "alice"))
        job.state = State.FAILED if status else State.SUCCEEDED
        job.started, job.seconds, job.ended = 0.0, 1.0, Ended(How.EXITED, status)
        job.stdout.extend(output)
        fanout.jobs.append(job)
    return fanout


def cell(fanout: Fanout, name: str = "stdout") -> str:
    (row,) = csv.DictReader(io.StringIO(as_csv(fanout, tame=False), newline=""))
    return row[name]


@pytest.mark.parametrize(
    "output", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1"]
)
def test_no_spreadsheets_formula(output: str) -> None:
    assert cell(ran(output.encode())) == f"'{output}"


@pytest.mark.parametrize("output", ["", "x=1", 'a "quoted", cell\nand a line', "1"])
def test_other_cells_are_as_they_were_written(output: str) -> None:
    assert cell(ran(output.encode())) == output


HOSTILE = b"\x1b]0;owned\x07\xc2\x9b2J\r\xe2\x80\xaeok\xff\n"


def test_a_terminal_is_not_told_what_to_do() -> None:
    run = ran(HOSTILE)
    text = as_text(run, group=False, tame=True)
    assert "\ufffd]0;owned\ufffd\ufffd2J\ufffd\ufffdok\ufffd\n" in text
    assert all(character.isprintable() or character == "\n" for character in text)
    assert all(character.isprintable() or character in "\r\n" for character in as_csv(run, tame=True))
    assert "\x1b" in as_text(run, group=False, tame=False), "a file has what was written"


def test_json_holds_all_of_it() -> None:
    assert json.loads(json.dumps(described(ran(HOSTILE))))["hosts"][0]["stdout"].startswith("\x1b]0;owned")


def test_equal_outputs_are_read_once() -> None:
    text = as_text(ran(b"same\n", b"other", b"same\n"), group=True, tame=True)
    assert "==== On m0, m2 (2 hosts) ====\nsame\n[exit 0, 1.00 s]\n" in text
    assert "==== On m1 ====\nother\n[exit 0, 1.00 s]\n" in text


def test_a_run_is_kept_without_its_output_and_an_old_journal_is_put_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state" / "fanout.jsonl"
    monkeypatch.setattr(report, "MAX_JOURNAL", 100)
    for _ in range(3):
        record(ran(b"secret\n", status=3), "alice", path)
    assert path.stat().st_mode & 0o777 == 0o600
    (line,) = path.read_text().splitlines()
    kept = json.loads(line)
    assert (kept["user"], kept["command"], kept["hosts"][0]["exit"]) == ("alice", "id", 3)
    assert "secret" not in line
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["fanout.jsonl", "fanout.jsonl.1"]
