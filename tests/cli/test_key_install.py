"""`fanlight keys install` and `rotate` as people type them, against real servers."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from broker.cli.keypairs import create
from broker.cli.outcome import Exit
from broker.gate.instances import Instances
from broker.gate.lines import authorized_lines
from broker.gate.rotations import Rotations
from broker.keys import KeyDirectory
from broker.store import open_store
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse"
NAMES = ("id_ed25519_guac", "id_ecdsa_guac", "id_rsa_guac")
ROOT = pytest.mark.skipif(os.getuid() != 0, reason="a PAM service of our own needs root")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of whoever types; with a key directory and a configuration that names a store."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "fanlight.toml").write_text(
        f'key-directory = "{tmp_path}/keys"\nstore = "sqlite:///{tmp_path}/broker.sqlite"\n'
        "authorized-key-options = 'restrict,pty'\n"
    )
    create(tmp_path / "keys", "alice", "ed25519", pem=False)
    return tmp_path


@pytest.fixture
def server() -> Iterator[Sshd]:
    with Sshd(password=PASSWORD, methods="publickey password", at_home=True) as running:
        yield running


def public(home: Path, name: str = NAMES[0]) -> str:
    return (home / "keys" / "alice" / f"{name}.pub").read_text().strip()


def authorized(server: Sshd) -> list[str]:
    return (server.home / ".ssh" / "authorized_keys").read_text().splitlines()


def let_in(server: Sshd, line: str) -> None:
    folder = server.home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "authorized_keys").write_text(f"{line}\n")


class Typed:
    """The command at a terminal of its own, with answers to what it asks there."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home = home
        self.arguments = arguments

    def __call__(self, **answers: str) -> tuple[int, str, str]:
        outer, inner = pty.openpty()
        with (self.home / "out").open("w+b") as out:
            process = subprocess.Popen(
                [
                    *("setsid", "--ctty", sys.executable, "-c", "from broker.cli import main; main()"),
                    *self.arguments,
                    *("--config", str(self.home / "fanlight.toml")),
                ],
                stdin=inner,
                stdout=out,
                stderr=inner,
                cwd=Path(__file__).parents[2],
            )
            os.close(inner)
            shown = b""
            waiting = dict(answers)
            while True:
                try:
                    shown += os.read(outer, 4096)
                except OSError:
                    break
                for prompt in list(waiting):
                    if prompt.encode() in shown:
                        listed = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                        assert PASSWORD.encode() not in listed
                        os.write(outer, waiting.pop(prompt).encode() + b"\n")
            code = process.wait(60)
            os.close(outer)
            out.seek(0)
            return code, out.read().decode(), shown.decode()


@pytest.mark.real
@ROOT
def test_a_key_is_installed_with_a_password_at_the_terminal(home: Path, server: Sshd) -> None:
    place = f"{server.user}@127.0.0.1:{server.port}"
    command = Typed(home, "keys", "install", place, "--user", "alice", "--accept-new")
    code, output, shown = command(assword=PASSWORD)
    assert (code, output) == (0, f"{place}: installed and working\n"), shown
    steps = [line for line in shown.splitlines() if " s  " in line]
    assert [line.split()[:2] for line in steps] == [
        ["✓", step] for step in ("prepare", "transfer", "append", "install", "test")
    ]
    assert PASSWORD not in shown
    assert authorized(server) == [f"restrict,pty {public(home)}"]
    code, output, _ = Typed(home, *command.arguments, "--json")(assword=PASSWORD)
    told = json.loads(output)
    assert (code, told["changed"], told["working"], told["user"]) == (0, False, True, "alice")
    assert [row["passed"] for row in told["steps"]] == [True] * 5


@pytest.mark.real
@ROOT
def test_a_server_that_refuses_keys_is_told_apart(home: Path) -> None:
    options = ["PubkeyAuthentication no"]
    with Sshd(password=PASSWORD, methods="password", options=options, at_home=True) as server:
        place = f"{server.user}@127.0.0.1:{server.port}"
        code, output, shown = Typed(home, "keys", "install", place, "--user", "alice", "--accept-new")(
            assword=PASSWORD
        )
    assert code == Exit.HOP, shown
    assert output.startswith(f"{place}: installed, server refuses key (")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["alice@127.0.0.1", "--options", 'command="x'], "--options"),
        (["bob@127.0.0.1"], "bob has no key"),
        (["Alice@127.0.0.1"], "not a user name"),
        (["alice@"], "is not a host"),
        (["alice@127.0.0.1", "--via", "a b"], "is not a host"),
    ],
)
def test_wrong_words(fanlight, home: Path, arguments: list[str], word: str) -> None:
    outcome = fanlight("keys", "install", *arguments, "--config", home / "fanlight.toml")
    assert outcome.code in {Exit.FAILED, Exit.USAGE}
    assert word in outcome.errors


# -- another key -------------------------------------------------------------------------------------------------------


class Gate:
    """What the gate does with the store: it knows instances and serves them keys."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def _do(self, work) -> object:  # type: ignore[no-untyped-def]
        async def all_of_it() -> object:
            store = open_store(f"sqlite:///{self._home}/broker.sqlite", time.time)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(all_of_it())

    def add(self, name: str, **described: object) -> str:
        async def work(store) -> str:  # type: ignore[no-untyped-def]
            instance, _ = await Instances(store, time.time).add({"name": name, **described})
            return instance.id

        return str(self._do(work))

    def serve(self, identifier: str) -> list[str]:
        lines = authorized_lines("alice", KeyDirectory(self._home / "keys", NAMES), "restrict,pty")
        self._do(lambda store: Rotations(store, time.time).note_served("alice", lines, identifier))
        return lines


def test_finish_waits_for_instances_at_the_gate(fanlight, home: Path) -> None:
    gate = Gate(home)
    one, two = gate.add("web-1", owner="alice"), gate.add("db", users=["bob", "alice"])
    gate.add("other", owner="bob")
    config = ("--config", home / "fanlight.toml")
    assert len(gate.serve(one)) == 1
    begun = fanlight("keys", "rotate", "alice", *config)
    assert begun.output.splitlines() == [public(home), public(home, f"{NAMES[0]}.new")]
    assert begun.errors.splitlines() == [
        f"✕ instance {one} web-1 does not have the new key yet",
        f"✕ instance {two} db does not have the new key yet",
    ]
    assert [line.split(" ", 1)[1] for line in gate.serve(one)] == begun.output.splitlines()
    again = fanlight("keys", "rotate", "alice", "--json", *config)
    assert [(row["id"], row["served"] is not None) for row in again.json["instances"]] == [
        (one, True),
        (two, False),
    ]
    refused = fanlight("keys", "rotate", "alice", "--finish", *config)
    assert refused.code == Exit.FAILED
    assert f"instance {two} db was not served the new one" in refused.errors
    gate.serve(two)
    finished = fanlight("keys", "rotate", "alice", "--finish", *config)
    assert (finished.code, finished.output) == (0, begun.output.splitlines()[1] + "\n")
    assert gate.serve(one) == [f"restrict,pty {finished.output.strip()}"]


def test_finish_by_force(fanlight, home: Path) -> None:
    Gate(home).add("web-1", owner="alice")
    config = ("--config", home / "fanlight.toml")
    fanlight("keys", "rotate", "alice", *config)
    assert fanlight("keys", "rotate", "alice", "--finish", "--force", *config).code == 0


def test_a_second_exchange_begins_anew(fanlight, home: Path) -> None:
    gate = Gate(home)
    one = gate.add("web-1", owner="alice")
    config = ("--config", home / "fanlight.toml")
    fanlight("keys", "rotate", "alice", *config)
    gate.serve(one)
    assert fanlight("keys", "rotate", "alice", "--finish", *config).code == 0
    fanlight("keys", "rotate", "alice", *config)
    assert fanlight("keys", "rotate", "alice", "--finish", *config).code == Exit.FAILED


def test_a_key_that_is_revoked_is_served_no_more(fanlight, home: Path) -> None:
    gate = Gate(home)
    one = gate.add("web-1", owner="alice")
    config = ("--config", home / "fanlight.toml")
    fanlight("keys", "rotate", "alice", *config)
    assert len(gate.serve(one)) == 2
    assert fanlight("keys", "revoke", "alice", *config).code == 0
    assert gate.serve(one) == []


def test_without_a_store_nothing_is_made(fanlight, home: Path) -> None:
    config = ("--config", home / "fanlight.toml")
    assert fanlight("keys", "rotate", "alice", "--json", *config).json["instances"] == []
    assert fanlight("keys", "rotate", "alice", "--finish", *config).code == 0
    assert not (home / "broker.sqlite").exists()


@pytest.mark.real
def test_another_key_on_hosts_that_know_no_gate(fanlight, home: Path) -> None:
    config = ("--config", home / "fanlight.toml")
    with Sshd(at_home=True) as one, Sshd(at_home=True) as two:
        for server in (one, two):
            let_in(server, f"# mine\nrestrict,pty {public(home)}")
        places = [f"{server.user}@127.0.0.1:{server.port}" for server in (one, two)]
        old = public(home)
        begun = fanlight(
            *("keys", "rotate", "alice", "--accept-new", *config),
            *(word for place in places for word in ("--install", place)),
        )
        assert begun.code == 0, begun.errors
        new = begun.output.splitlines()[1]
        for server, place in zip((one, two), places, strict=True):
            assert authorized(server) == ["# mine", f"restrict,pty {old}", f"restrict,pty {new}"]
            assert f"✓ {place} has both keys" in begun.errors
        two.stop()
        refused = fanlight("keys", "rotate", "alice", "--finish", *config)
        assert refused.code == Exit.FAILED
        assert "the old key stays" in refused.errors
        assert public(home) == old
        two.start()
        finished = fanlight("keys", "rotate", "alice", "--finish", *config)
        assert (finished.code, finished.output) == (0, f"{new}\n"), finished.errors
        for server in (one, two):
            assert authorized(server) == ["# mine", f"restrict,pty {new}"]


@pytest.mark.real
def test_a_host_without_the_old_key_fails_alone(fanlight, home: Path) -> None:
    with Sshd(at_home=True) as server:
        place = f"{server.user}@127.0.0.1:{server.port}"
        config = ("--config", home / "fanlight.toml")
        begun = fanlight("keys", "rotate", "alice", "--accept-new", "--install", place, "--json", *config)
        assert begun.code == Exit.FAILED
        assert "did not accept the key" in begun.errors
        assert begun.json["hosts"] == []
