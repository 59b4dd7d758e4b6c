"""The command line as a whole: help, exit codes, one line for what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from broker.cli.outcome import Exit


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nope",),
        ("keys",),
        ("keys", "ensure"),
        ("sign", "10.1.2.3"),
        ("check", "--only", "moon"),
        ("demo", "--port", "0"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(fanlight, arguments: tuple[str, ...]) -> None:
    outcome = fanlight(*arguments)
    assert outcome.code == Exit.USAGE
    assert outcome.errors.startswith("fanlight: ")
    assert outcome.errors.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [(), ("demo",), ("sign",), ("keys",), ("keys", "ensure"), ("keys", "show"), ("keys", "list"), ("check",)],
)
def test_every_command_explains_itself(fanlight, command: tuple[str, ...]) -> None:
    outcome = fanlight(*command, "--help")
    assert outcome.code == 0
    assert "Usage: fanlight" in outcome.output


def test_a_wrong_setting_is_named_with_its_source(fanlight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANLIGHT_V1_PORTS", "ssh=70000")
    outcome = fanlight("check")
    assert outcome.code == Exit.USAGE
    assert "v1-ports from FANLIGHT_V1_PORTS" in outcome.errors


@pytest.mark.parametrize("daemon", ["broker", "proxyd"])
def test_daemons_get_their_arguments_and_their_own_help(daemon: str) -> None:
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb"}
    environment.pop("FORCE_COLOR", None)
    code = f"import sys; sys.argv = ['fanlight', '{daemon}', '--help']; from broker.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=30, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "--bind" in done.stdout


def test_exit_codes_are_listed_in_the_help(fanlight) -> None:
    shown = " ".join(fanlight("--help").output.split())
    for code in Exit:
        assert f"{code.value} {code.meaning}" in shown
