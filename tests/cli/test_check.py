"""`fanlight check` against hops that answer rightly, wrongly and not at all."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from typing import TYPE_CHECKING

import asyncssh
import pytest

from broker.cli.outcome import Exit
from broker.gate.host_keys import GATE, PinnedKeys
from broker.gate.instances import Instances
from broker.gate.reports import Reports
from broker.store import open_store
from tests.servers.processes import free_port
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Outcome


@contextlib.contextmanager
def answering(answer: bytes, path: str = "") -> Iterator[int]:
    """A server that reads a little, answers and closes."""
    listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    listener.bind(path or ("127.0.0.1", 0))
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(0.2)
                    with contextlib.suppress(TimeoutError):
                        connection.recv(4096)
                    connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield 0 if path else listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


ARGS = b"4.args,13.VERSION_1_5_0,8.hostname;"
WELL = b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"status": "ok", "proxyd": true}'


def stages(outcome) -> dict[str, dict]:
    return {row["stage"]: row for row in outcome.json}


def test_all_is_well(fanlight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fanlight("keys", "ensure", "alice", "--key-directory", tmp_path)
    monkeypatch.setenv("FANLIGHT_STORE", "sqlite://")
    monkeypatch.setenv("FANLIGHT_USE_LOCAL_PRIVKEY", "true")
    monkeypatch.setenv("FANLIGHT_KEY_DIRECTORY", str(tmp_path))
    with (
        answering(ARGS) as proxyd,
        answering(WELL) as broker,
        answering(b"SSH-2.0-OpenSSH_9.2\r\n") as instance,
    ):
        monkeypatch.setenv("FANLIGHT_GUACD_HOSTNAME", "127.0.0.1")
        monkeypatch.setenv("FANLIGHT_GUACD_PORT", str(proxyd))
        monkeypatch.setenv("FANLIGHT_BIND", f"0.0.0.0:{broker}")
        outcome = fanlight("check", f"127.0.0.1:{instance}", "--json")
    assert outcome.code == 0
    found = stages(outcome)
    assert {name: row["passed"] for name, row in found.items() if row["passed"] is not True} == {
        "clock": None,
        "front": None,
        "gate": None,
    }
    assert "keys of 1 user" in found["keys"]["detail"]
    assert "VERSION_1_5_0" in found["proxyd"]["detail"]
    assert "SSH-2.0-OpenSSH_9.2" in found["instance"]["detail"]


def test_proxyd_on_a_unix_socket(fanlight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with answering(ARGS, path):
        monkeypatch.setenv("FANLIGHT_GUACD_HOSTNAME", f"unix:{path}")
        assert fanlight("check", "--only", "proxyd").code == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the Guacamole protocol"),
        (b"5.error,4.busy,3.513;", "answered 'error'"),
    ],
)
def test_a_proxyd_that_answers_wrongly(
    fanlight, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    with answering(answer) as port:
        monkeypatch.setenv("FANLIGHT_GUACD_HOSTNAME", "127.0.0.1")
        monkeypatch.setenv("FANLIGHT_GUACD_PORT", str(port))
        outcome = fanlight("check", "--only", "proxyd", "--json")
    assert outcome.code == Exit.HOP
    assert said in stages(outcome)["proxyd"]["detail"]


def test_nobody_there(
    fanlight, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int, tmp_path: Path
) -> None:
    monkeypatch.setenv("FANLIGHT_GUACD_PORT", str(unused_tcp_port))
    monkeypatch.setenv("FANLIGHT_BIND", f"127.0.0.1:{unused_tcp_port}")
    monkeypatch.setenv("FANLIGHT_STORE", f"sqlite:///{tmp_path / 'none'}")
    outcome = fanlight("check", f"127.0.0.1:{unused_tcp_port}")
    assert outcome.code == Exit.HOP
    lines = outcome.output.splitlines()
    assert [line[0] for line in lines] == ["✓", "–", "–", "✕", "✕", "–", "–", "✕"]
    assert "guacd-hostname" in lines[3]
    assert "bind" in lines[4]
    assert f"nothing listens on port {unused_tcp_port}" in lines[7]
    assert list(tmp_path.iterdir()) == []  # looking makes no store


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            WELL.replace(b"200 OK", b"503 Service Unavailable").replace(b"true", b"false"),
            "is not ready: proxyd",
        ),
        (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\nnothing here", "is not the broker"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is not the broker"),
    ],
)
def test_a_broker_that_is_ill(fanlight, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str) -> None:
    with answering(answer) as port:
        monkeypatch.setenv("FANLIGHT_BIND", f"127.0.0.1:{port}")
        outcome = fanlight("check", "--only", "broker")
    assert outcome.code == Exit.HOP
    assert said in outcome.output


@pytest.mark.parametrize(("banner", "said"), [(b"220 mail\r\n", "neither"), (b"", "neither")])
def test_an_instance_that_is_something_else(fanlight, banner: bytes, said: str) -> None:
    with answering(banner) as port:
        outcome = fanlight("check", f"127.0.0.1:{port}", "--only", "instance")
    assert (outcome.code, said in outcome.output) == (Exit.HOP, True)


def test_an_instance_in_a_private_network_without_connectors(
    fanlight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANLIGHT_STORE", f"sqlite:///{tmp_path}/store")
    outcome = fanlight("check", "10.1.2.3:22", "--network", "lab", "--only", "instance")
    assert (outcome.code, "no connector of lab is connected" in outcome.output) == (Exit.HOP, True)


@pytest.mark.real
def test_an_instance_behind_a_gateway_of_the_host_book(
    fanlight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with Sshd() as gateway, answering(b"RFB 003.008\n") as desktop, answering(b"220 mail\r\n") as mail:
        key = tmp_path / "key"
        key.touch(mode=0o600)
        key.write_text(gateway.private_key)
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh" / "known_hosts").write_text(f"corp {gateway.host_key}\n")
        book = tmp_path / "hosts.toml"
        book.write_text(
            f'[hosts.corp]\naddress = "127.0.0.1"\nport = {gateway.port}\nuser = "{gateway.user}"\n'
            f'host-key-alias = "corp"\nkey = ["{key}"]\n'
        )

        def check(port: int, via: str = "corp") -> Outcome:
            return fanlight("check", f"127.0.0.1:{port}", "--via", via, "--hosts", book, "--only", "instance")

        found = check(desktop)
        assert (found.code, "through corp is a VNC server (RFB 003.008)" in found.output) == (0, True), found
        other = check(mail)
        assert (other.code, "through corp answers, but neither" in other.output) == (Exit.HOP, True), other
        closed = check(1)
        assert (closed.code, "Nothing listens on port 1 of" in closed.output) == (Exit.HOP, True), closed


def test_a_key_that_others_can_read_is_found(
    fanlight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fanlight("keys", "ensure", "alice", "--key-directory", tmp_path)
    (tmp_path / "alice" / "id_ed25519_guac").chmod(0o644)
    monkeypatch.setenv("FANLIGHT_USE_LOCAL_PRIVKEY", "true")
    monkeypatch.setenv("FANLIGHT_KEY_DIRECTORY", str(tmp_path))
    outcome = fanlight("check", "--only", "keys")
    assert outcome.code == Exit.HOP
    assert "alice: id_ed25519_guac can be read by others" in outcome.output


async def known_instance(store: str, *, ready: str, keys: int) -> None:
    """An instance at 127.0.0.1 in a store, which showed so many keys of one type, one after the other."""
    opened = open_store(store, time.time)
    instance, _ = await Instances(opened, time.time).add({"name": "dev", "addresses": ["127.0.0.1"]})
    if ready:
        await Reports(opened, time.time).merge(instance.id, {"READY": ready})
    for _ in range(keys):
        line = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        await PinnedKeys(opened, time.time).saw(instance.id, [line], GATE)
    await opened.close()


@pytest.mark.parametrize(
    ("ready", "keys", "passed", "detail"),
    [
        ("YES", 1, True, r"instance 1 \(dev\) is ready, reported \d s ago, 1 host key pinned"),
        ("YES", 0, True, r"instance 1 \(dev\) is ready, reported \d s ago, 0 host keys pinned"),
        ("NO", 1, False, r"instance 1 \(dev\): The instance is still starting \(since \d s\)\."),
        ("", 0, False, r"instance 1 \(dev\): The instance is still starting \(since \d s\)\."),
        ("YES", 2, False, r"instance 1 \(dev\): The instance shows the host key SHA256:.+ but SHA256:.+"),
    ],
)
def test_what_the_gate_knows_of_an_instance(
    fanlight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ready: str, keys: int, passed, detail: str
) -> None:
    store = f"sqlite:///{tmp_path / 'broker.sqlite'}"
    asyncio.run(known_instance(store, ready=ready, keys=keys))
    monkeypatch.setenv("FANLIGHT_STORE", store)
    row = stages(fanlight("check", "127.0.0.1:22", "--only", "gate", "--json"))["gate"]
    assert row["passed"] is passed
    assert re.fullmatch(detail, row["detail"])
    assert stages(fanlight("check", "127.0.0.2:22", "--only", "gate", "--json"))["gate"]["passed"] is None


def test_the_gate_itself(fanlight, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def row() -> dict:
        return stages(fanlight("check", "--only", "gate", "--json"))["gate"]

    monkeypatch.setenv("FANLIGHT_STORE", "sqlite://")
    with answering(b"") as port:
        monkeypatch.setenv("FANLIGHT_GATE_BIND", f"0.0.0.0:{port}")
        assert (row()["passed"], row()["detail"]) == (True, f"listens at 0.0.0.0:{port}")
    monkeypatch.setenv("FANLIGHT_GATE_BIND", f"127.0.0.1:{free_port()}")
    assert (row()["passed"], "gate-bind: nothing answers at 127.0.0.1" in row()["detail"]) == (False, True)
    monkeypatch.setenv("FANLIGHT_GATE_BIND", f"unix:{tmp_path}/gate")
    assert (row()["passed"], "gate-bind" in row()["detail"]) == (False, True)
    monkeypatch.setenv("FANLIGHT_GATE_CORE_URL", "https://core.example")
    monkeypatch.setenv("FANLIGHT_GATE_CORE_KEY", "short")
    assert (row()["passed"], row()["detail"]) == (False, "gate-core-key: 32 bytes at least")
