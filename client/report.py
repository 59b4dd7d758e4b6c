"""What a fanout tells in the end: for people, as JSON, as CSV; and the line that is kept of it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from client.fanout import State
from proxyd.instances.ssh_command import MAX_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from client.fanout import Fanout, Job

__all__ = ["as_csv", "as_text", "described", "outcome", "record"]

MAX_JOURNAL = 10 << 20
"""Bytes after which a journal is put aside, as the only one before it."""
CUT = f"[output cut after {MAX_OUTPUT >> 20} MiB]"
_CONTROLS = re.compile(r"[^\t\n -~\xa0-\uffff\U00010000-\U0010ffff]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet would take for a formula, or leave out before one."""
COLUMNS = (
    "host",
    "user",
    "address",
    "state",
    "exit",
    "signal",
    "seconds",
    "error",
    "cut",
    "stdout",
    "stderr",
)


def as_text(fanout: Fanout, *, group: bool, tame: bool) -> str:
    """The report: the command and its times, then a block for each machine in the given order.

    Args:
        fanout: that has ended.
        group: put machines with the same output, end and all into one block.
        tame: leave control characters out, which a terminal would obey.
    """
    parts = [f"Command: {fanout.command}\nStarted: {_time(fanout.started)}\nEnded:   {_time(fanout.ended)}\n"]
    for jobs in _grouped(fanout.jobs) if group else [[job] for job in fanout.jobs]:
        names = ", ".join(job.name for job in jobs)
        many = f" ({len(jobs)} hosts)" if len(jobs) > 1 else ""
        parts.append(f"==== On {names}{many} ====\n{_block(jobs)}")
    return _tamed("\n".join(parts), tame)


def _tamed(text: str, tame: bool) -> str:
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text) if tame else text


def _block(jobs: list[Job]) -> str:
    job = jobs[0]
    lines = [_whole(job.stdout)]
    if job.stderr:
        lines.append(f"[stderr]\n{_whole(job.stderr)}")
    if job.ended is not None and job.ended.cut:
        lines.append(f"{CUT}\n")
    slowest = max(job.seconds for job in jobs)
    lines.append(f"[{outcome(job)}, {slowest:.2f} s]\n" if job.started is not None else f"[{outcome(job)}]\n")
    return "".join(lines)


def outcome(job: Job) -> str:
    """How it ended, in words."""
    if job.error:
        return f"{job.state}: {job.error}"
    if job.ended is None:
        return str(job.state)
    if job.ended.signal and job.state is State.FAILED:
        return f"ended by SIG{job.ended.signal}"
    if job.ended.status is not None and job.state in {State.SUCCEEDED, State.FAILED}:
        return f"exit {job.ended.status}"
    return str(job.state)


def _whole(data: bytearray) -> str:
    """Output as text whose last line has an end."""
    text = data.decode("utf-8", "replace")
    return text if not text or text.endswith("\n") else f"{text}\n"


def _grouped(jobs: Iterable[Job]) -> list[list[Job]]:
    groups: dict[Any, list[Job]] = {}
    for job in jobs:
        groups.setdefault((outcome(job), bytes(job.stdout), bytes(job.stderr)), []).append(job)
    return list(groups.values())


def described(fanout: Fanout) -> dict[str, Any]:
    """All of it as JSON values."""
    return {
        "command": fanout.command,
        "started": _time(fanout.started),
        "ended": _time(fanout.ended),
        "succeeded": fanout.succeeded,
        "hosts": [
            _row(job)
            | {
                "stdout": job.stdout.decode("utf-8", "replace"),
                "stderr": job.stderr.decode("utf-8", "replace"),
            }
            for job in fanout.jobs
        ],
    }


def _row(job: Job) -> dict[str, Any]:
    """One machine, without its output."""
    ended = job.ended
    return {
        "host": job.name,
        "user": job.host.user if job.host else "",
        "address": f"{job.host.address}:{job.host.port}" if job.host else "",
        "state": str(job.state),
        "exit": ended.status if ended else None,
        "signal": ended.signal if ended else "",
        "seconds": round(job.seconds, 3),
        "error": job.error,
        "cut": bool(ended and ended.cut),
    }


def as_csv(fanout: Fanout, *, tame: bool) -> str:
    """A line for each machine (RFC 4180); a cell that a spreadsheet would take for a formula begins with an apostrophe.

    Args:
        fanout: that has ended.
        tame: leave control characters out of cells, which a terminal would obey.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in described(fanout)["hosts"]:
        writer.writerow({name: _cell(value, tame) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any, tame: bool) -> Any:
    if not isinstance(value, str):
        return value
    text = _tamed(value, tame)
    return f"'{text}" if text.startswith(FORMULA) else text


def record(fanout: Fanout, user: str, path: Path) -> None:
    """Keep who ran what where and how it ended, a line of JSON; what was written is not kept.

    Raises:
        OSError: it cannot be written.
    """
    line = {
        "when": _time(fanout.started),
        "ended": _time(fanout.ended),
        "user": user,
        "from": socket.gethostname(),
        "command": fanout.command,
        "hosts": [_row(job) for job in fanout.jobs],
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_JOURNAL:
        path.replace(path.with_name(f"{path.name}.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
