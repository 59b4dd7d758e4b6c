"""`fanlight hosts`, `fanout`, `forward` and `cp`, as people type them, against real machines behind a real gateway."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import processes
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Outcome

ROOT = Path(__file__).parents[2]


class Home:
    """A person's home: keys, known hosts, and an OpenSSH configuration with a gateway and machines behind it."""

    def __init__(self, folder: Path, gateway: Sshd, waldo: Sshd, fred: Sshd) -> None:
        self.folder = folder
        self.waldo = waldo
        ssh = folder / ".ssh"
        ssh.mkdir(mode=0o700)
        rows, known = [], []
        for name, server in (("corp", gateway), ("waldo", waldo), ("fred", fred)):
            key = ssh / f"key-{name}"
            key.touch(mode=0o600)
            key.write_text(server.private_key)
            jump = "" if name == "corp" else "  ProxyJump corp\n"
            rows.append(
                f"Host {name}\n  HostName 127.0.0.1\n  Port {server.port}\n  HostKeyAlias {name}\n"
                f"  IdentityFile {key}\n{jump}"
            )
            known.append(f"{name} {server.host_key}\n")
        self.config = ssh / "config"
        self.config.write_text("".join(rows) + f"Host *\n  User {gateway.user}\n  Port 1\n")
        (ssh / "known_hosts").write_text("".join(known))


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[Sshd, Sshd, Sshd]]:
    with Sshd() as gateway, Sshd() as waldo, Sshd() as fred:
        yield gateway, waldo, fred


@pytest.fixture
def home(
    tmp_path: Path,
    machines: tuple[Sshd, Sshd, Sshd],
    monkeypatch: pytest.MonkeyPatch,
    fanlight: Callable[..., Outcome],
) -> Home:
    made = Home(tmp_path, *machines)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    taken = fanlight("hosts", "import")
    assert taken.code == 0, taken.errors
    return made


@pytest.mark.real
def test_a_command_on_many(fanlight: Callable[..., Outcome], home: Home) -> None:
    done = fanlight("fanout", "--no-probe", "waldo", "fred", "--", "echo", "out;", "echo err >&2")
    assert done.code == 0, done.errors
    lines = done.output.splitlines()
    assert lines[0] == "Command: echo out; echo err >&2"
    assert [line.partition(":")[0] for line in lines[1:3]] == ["Started", "Ended"]
    blocks = done.output.split("\n\n")[1:]
    assert [block.splitlines()[:4] for block in blocks] == [
        [f"==== On {name} ====", "out", "[stderr]", "err"] for name in ("waldo", "fred")
    ]
    assert "Starting waldo\n" in done.errors
    kept = (home.folder / ".local/state/fanlight/fanout.jsonl").read_text().splitlines()
    row = json.loads(kept[-1])
    assert [host["exit"] for host in row["hosts"]] == [0, 0]
    assert "out" not in {*row, *row["hosts"][0]}  # who, where, what and how it ended; not what was written

    told = fanlight("fanout", "--json", "waldo", "fred", "gone.invalid", "--", "hostname; exit 3")
    assert told.code == 1
    states = {host["host"]: (host["state"], host["exit"]) for host in told.json["hosts"]}
    assert states["waldo"] == states["fred"] == ("failed", 3)
    assert states["gone.invalid"][0] == "unavailable"
    table = fanlight("fanout", "--csv", "waldo fred", "echo =1+1")  # as in the original: hosts, command
    rows = list(csv.DictReader(io.StringIO(table.output)))
    assert [(row["host"], row["exit"], row["stdout"]) for row in rows] == [
        ("waldo", "0", "'=1+1\n"), ("fred", "0", "'=1+1\n"),
    ]  # fmt: skip
    grouped = fanlight("fanout", "--group", "--limit", "1", "waldo", "fred", "--", "echo same")
    assert "==== On waldo, fred (2 hosts) ====\nsame\n" in grouped.output
    late = fanlight("fanout", "--timeout", "0.5", "waldo", "--", "sleep 60")
    assert (late.code, "[timed out" in late.output) == (1, True)
    hinted = fanlight("fanout", "waldo", "--", "sudo true > /dev/null || true")
    assert "sudo tee" in hinted.errors


@pytest.mark.real
def test_files_are_copied_in_one_hop(fanlight: Callable[..., Outcome], home: Home) -> None:
    (home.folder / "report").write_text("data")
    there = home.folder / "there"
    assert fanlight("cp", home.folder / "report", f"waldo:{there}").code == 0
    assert there.read_text() == "data"
    assert fanlight("cp", f"waldo:{there}", home.folder / "back").code == 0
    assert (home.folder / "back").read_text() == "data"
    assert fanlight("cp", "waldo:a", "fred:b").code == 2


@pytest.mark.real
def test_a_named_forward_and_its_table(fanlight: Callable[..., Outcome], home: Home) -> None:
    port = processes.free_port()
    command = [sys.executable, "-c", "from broker.cli import main; main()", "forward", "--name", "waldo-fwd"]
    forwarding = subprocess.Popen(
        [*command, f"{port}:waldo:{home.waldo.port}"],
        cwd=ROOT, env={**os.environ, "HOME": str(home.folder)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert forwarding.stdout is not None
        assert (
            forwarding.stdout.readline()
            == f"waldo-fwd  127.0.0.1:{port} → waldo:{home.waldo.port} via corp\n"
        )
        with socket.create_connection(("127.0.0.1", port), 10) as through:
            assert through.recv(8) == b"SSH-2.0-"
            processes.wait_for(
                lambda: bool(fanlight("forward", "--list", "--json").json[0]["live"]), "listed"
            )
            table = fanlight("forward", "--list").output.splitlines()
        assert table[0].startswith(f"waldo-fwd  127.0.0.1:{port} → waldo:{home.waldo.port} via corp")
        assert table[1].startswith("  127.0.0.1:")
    finally:
        forwarding.send_signal(signal.SIGINT)
        assert forwarding.wait(15) == 0
        forwarding.stdout.close()
    assert fanlight("forward", "--list").output == ""


def test_what_is_wrong_is_said(
    fanlight: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    book = tmp_path / "hosts.toml"
    book.write_text('[hosts.a]\nvia = ["b"]\n[hosts.b]\nvia = ["a"]\n')
    config = tmp_path / "config"
    config.write_text("Host a\n\nMatch user bob\n  Port 1\n")
    for words, code, says in (
        (("hosts", "import", config), 2, "3: Match"),
        (("fanout", "--", "id"), 2, "name the hosts"),
        (("fanout", "a", "--"), 2, "command is missing"),
        (("fanout", "--hosts", book, "a", "--", "id"), 1, "circle"),
        (("fanout", "--hosts", book, "--label", "none", "--", "id"), 2, "none"),
        (("forward", "22006:waldo"), 2, "22006:waldo:22"),
        (("forward", "--name", "x", "--name", "x", "1:a:1", "2:a:1"), 2, "same name"),
        (("forward", "--hosts", book, "0:a:22"), 2, "circle"),
        (("cp", "a"), 2, "where to"),
    ):
        done = fanlight(*words)
        assert (done.code, says in done.errors + done.output) == (code, True), (words, done)
