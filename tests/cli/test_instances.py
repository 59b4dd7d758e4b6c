"""`fanlight instance`, as people type it."""

from __future__ import annotations

import asyncio
import io
import json
import time
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from broker.gate.host_keys import GATE, PinnedKeys
from broker.gate.instance import Instance
from broker.gate.instances import Instances
from broker.gate.reports import Reports
from broker.store import open_store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

PASSWORD = "8bb0cf6eb9b17d0f7d22b456f121257dc1254e1f01665370476383ea776df414"


@pytest.fixture
def run(fanlight: Callable[..., Outcome], tmp_path: Path) -> Callable[..., Outcome]:
    """`fanlight instance ...` on a store of its own."""
    file = tmp_path / "fanlight.toml"
    file.write_text(f'[broker]\nstore = "sqlite:///{tmp_path}/store.sqlite"\n')
    return lambda *words: fanlight("instance", *words, "--config", file)


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Any]:
    """What the broker beside it makes of the store."""

    def ask(work: Callable[[Instances, Reports, PinnedKeys], Awaitable[Any]]) -> Any:
        async def all_of_it() -> Any:
            store = open_store(f"sqlite:///{tmp_path}/store.sqlite", time.time)
            try:
                reports, keys = Reports(store, time.time), PinnedKeys(store, time.time)
                return await work(Instances(store, time.time), reports, keys)
            finally:
                await store.close()

        return asyncio.run(all_of_it())

    return ask


def token_of(outcome: Outcome) -> str:
    (line,) = [line for line in outcome.output.splitlines() if line.startswith("ONEGATE_TOKEN=")]
    return line.partition("=")[2]


def known(ask: Callable[..., Any], identifier: str, token: str, **options: bool) -> bool:
    """Whether an instance is let in at the gate."""

    async def work(instances: Instances, *_: object) -> Instance | None:
        return await instances.authentic(identifier, token, "10.20.3.4", **options)

    return ask(work) is not None


def test_an_instance_is_made_known_shown_and_forgotten(run: Callable[..., Outcome], ask: Any) -> None:
    made = run(
        "add", "--id", "42", "--name", "web-1", "--owner", "alice", "--user", "bob", "--address", "10.20.3.4",
        "--address", "2001:db8::7", "--source", "10.20.0.0/16", "--port", "ssh=22, vnc=5900-5905",
        "--service", "7", "--role", "web", "--router", "8", "--nic", "NAME=NIC0,IP=10.20.3.4", "--attribute", "web_port=80=x",
    )  # fmt: skip
    assert made.code == 0
    assert "VMID=42\n" in made.output
    assert known(ask, "42", token_of(made))
    shown = run("show", "42", "--json")
    assert token_of(made) not in shown.output
    assert "vnc_password" not in shown.output
    assert {name: shown.json[name] for name in ("owner", "users", "ports", "nics", "template", "key_id")} == {
        "owner": "alice", "users": ["bob"], "ports": {"ssh": [22, 22], "vnc": [5900, 5905]},
        "nics": [{"NAME": "NIC0", "IP": "10.20.3.4"}], "template": {"WEB_PORT": "80=x"}, "key_id": "",
    }  # fmt: skip
    assert "Addresses:   10.20.3.4, 2001:db8::7\n" in run("show", "42").output
    assert run("list").output == "42 web-1: of alice; 10.20.3.4, 2001:db8::7; no report yet\n"
    assert [row["id"] for row in run("list", "WEB 2001:", "--json").json] == ["42"]
    assert run("list", "web-2").output == ""
    assert run("remove", "42").code == 0
    assert run("list").output == ""


def test_what_is_not_given_stays_and_an_empty_text_takes_away(run: Callable[..., Outcome]) -> None:
    run("add", "--name", "a", "--owner", "alice", "--address", "10.20.3.4", "--port", "vnc=5901")
    assert run("change", "1", "--name", "b", "--address", "", "--port", "").output == "Changed.\n"
    shown = run("show", "1", "--json").json
    assert (shown["name"], shown["owner"], shown["addresses"], shown["ports"]) == ("b", "alice", [], {})


def test_tokens_are_rotated_with_overlap_and_revoked(run: Callable[..., Outcome], ask: Any) -> None:
    first = run("add", "--json").json["token"]
    second = run("token", "1", "--overlap", "1h", "--json").json["token"]
    assert known(ask, "1", first)
    assert known(ask, "1", second)
    assert "for another" in run("show", "1").output
    third = token_of(run("token", "1"))
    assert not known(ask, "1", second)
    assert run("revoke", "1").code == 0
    assert not known(ask, "1", third)
    assert "Tokens:      none in force" in run("show", "1").output
    assert run("revoke", "1").code == 1


def test_a_rebuilt_instance_is_believed_anew(run: Callable[..., Outcome], ask: Any) -> None:
    run("add")

    async def report(_: Instances, reports: Reports, keys: PinnedKeys) -> None:
        await reports.merge("1", {"READY": "YES"}, "10.20.3.4")
        await keys.saw("1", [line()], GATE)

    ask(report)
    assert run("token", "1", "--rebuilt").code == 0
    shown = run("show", "1", "--json").json
    assert (shown["report"]["reported"], shown["host_keys"]["pins"]) == (None, [])


def test_tokens_of_an_older_gate_are_taken_over(
    run: Callable[..., Outcome], ask: Any, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    legacy = ("--legacy-password-file", file, "--legacy-start", "1700000000")
    made = run("add", "--id", "42", *legacy)
    assert known(ask, "42", token_of(made))
    assert known(ask, "42", "CcbWOgxhjRRJQw8pkWvGrQ==", legacy=True)
    assert not known(ask, "42", "CcbWOgxhjRRJQw8pkWvGrQ==")
    run("add", "--id", "43")
    taken = run("token", "43", *legacy)
    assert "gate-legacy-tokens" in taken.output
    assert "older gate" in run("show", "43").output


def line() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


def test_an_operator_decides_about_host_keys_by_fingerprint(run: Callable[..., Outcome], ask: Any) -> None:
    run("add", "--name", "web")
    old, new = line(), line()
    prints = [asyncssh.import_public_key(row).get_fingerprint() for row in (old, new)]

    async def change(_: Instances, __: Reports, keys: PinnedKeys) -> None:
        await keys.saw("1", [old], GATE)
        await keys.saw("1", [new], GATE, "10.6.6.6")

    ask(change)
    shown = run("show", "1").output
    assert f"✕ ssh-ed25519 {prints[1]} instead of {prints[0]}, shown " in shown
    assert " ago from 10.6.6.6\n" in shown
    assert "HOST KEY CHANGED" in run("list").output
    assert run("keys", "accept", "1").code == 2
    wrong = run("keys", "accept", "1", prints[0])
    assert (wrong.code, prints[0] in wrong.errors) == (1, True)
    taken = run("keys", "accept", "1", prints[1])
    assert f"✓ ssh-ed25519 {prints[1]}, pinned " in taken.output
    assert taken.output.endswith(" ago by the operator\n")
    ask(change)
    assert run("keys", "dismiss", "1", prints[0]).code == 0
    assert "CHANGED" not in run("list").output


def test_what_an_instance_says_is_harmless_on_a_terminal(run: Callable[..., Outcome], ask: Any) -> None:
    run("add", "--name", "web")

    async def say(instances: Instances, reports: Reports, _: PinnedKeys) -> None:
        await instances.change("1", {"template": {"MOTD": "\x9b2J\ud800\U000e0001"}})
        said = {"BROKER_ERROR": "no\x1b[2J\u202edisk\n\x9b31m", "FREE": "\x1b]0;x\x07", "V": {"A": "1"}}
        await reports.merge("1", said, "10.20.3.4")

    ask(say)
    for words in (("show", "1"), ("list",), ("show", "1", "--json"), ("list", "--json")):
        output = run(*words).output
        assert "disk" in output
        assert not set(output) & set("\x1b\x9b\x07\u202e\ud800")
    assert "  V = [A=1]\n" in run("show", "1").output
    shown = run("show", "1", "--json").json
    assert shown["template"]["MOTD"] == "\x9b2J\ud800\U000e0001"
    assert shown["report"]["attributes"]["BROKER_ERROR"] == "no\x1b[2J\u202edisk\n\x9b31m"


def test_virtual_networks(
    run: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = {
        "name": "lab", "parent": "", "routers": ["8"], "template": {"GATEWAY": "10.20.0.1"},
        "ranges": [{"IP": "10.20.0.10", "SIZE": "10", "leases": [{"IP": "10.20.0.10"}]}],
    }  # fmt: skip
    file = tmp_path / "net.json"
    file.write_text(json.dumps(net))
    assert run("net", "put", "0", file).output == "Network 0: 1 ranges, 1 leases.\n"
    assert run("net", "list").output == "0 lab: seen by 8; 1 leases\n"
    shown = run("net", "show", "0")
    assert shown.json == net
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(shown.output.encode())))
    assert run("net", "put", "1", "-").code == 0
    assert [row["id"] for row in run("net", "list", "--json").json] == ["0", "1"]
    assert run("net", "remove", "0").code == 0
    for words, code, says in (
        (("remove", "0"), 1, "no network 0"),
        (("show", "0"), 1, "no network 0"),
        (("put", "x", file), 1, "id"),
        (("put", "2", tmp_path), 2, "cannot be read"),
        (("put", "2", "/dev/null"), 2, "no JSON object"),
    ):
        outcome = run("net", *words)
        assert (outcome.code, outcome.output) == (code, "")
        assert says in outcome.errors


def test_the_address_of_the_gate_is_told_as_far_as_it_is_known(
    run: Callable[..., Outcome], ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run("add", "--json").json
    token, endpoint = made["token"], made["endpoint"]
    assert endpoint == "http://ADDRESS-OF-THE-GATE:5030"
    for bind, told in (
        ("0.0.0.0:5031", "http://ADDRESS-OF-THE-GATE:5031"),
        ("[::]:5031", "http://ADDRESS-OF-THE-GATE:5031"),
        ("10.20.0.1:5031", "http://10.20.0.1:5031"),
        ("[2001:db8::1]:5031", "http://[2001:db8::1]:5031"),
        ("unix:/run/gate", "http://ADDRESS-OF-THE-GATE:5030"),
    ):
        monkeypatch.setenv("FANLIGHT_GATE_BIND", bind)
        assert run("token", "1", "--overlap", "1h", "--json").json["endpoint"] == told
    monkeypatch.setenv("FANLIGHT_GATE_URL", "https://gate.example.org:5030")
    assert "ONEGATE_ENDPOINT=https://gate.example.org:5030\n" in run("add").output
    monkeypatch.setenv("FANLIGHT_GATE_PERMISSIONS", "vm.fly")
    assert run("token", "1").code == 2
    assert known(ask, "1", token), "nothing is changed where the answer cannot be told"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("show", "9"), 1, "no instance 9"),
        (("show", "../9"), 1, "no instance"),
        (("change", "9", "--name", "x"), 1, "no instance 9"),
        (("change", "9"), 2, "what shall change"),
        (("token", "9"), 1, "no instance 9"),
        (("revoke", "9"), 1, "no instance 9"),
        (("remove", "9"), 1, "no instance 9"),
        (("keys", "dismiss", "9", "SHA256:x"), 1, "showed no other key"),
        (("add", "--id", "1"), 1, "an instance 1 already"),
        (("add", "--id", "x"), 1, "an id is a number"),
        (("add", "--address", "10.0.0.1"), 1, "address of instance 1"),
        (("add", "--owner", "Mallory!"), 1, "owner"),
        (("add", "--port", "ssh"), 2, "--port ssh"),
        (("add", "--port", "rdp=3389"), 1, "ports"),
        (("add", "--port", "vnc=5905-5900"), 1, "ports"),
        (("add", "--nic", "IP"), 2, "--nic IP"),
        (("add", "--attribute", "=1"), 2, "--attribute =1"),
        (("add", "--source", "here"), 1, "sources"),
        (("token", "1", "--overlap", "2 days"), 2, "overlap"),
        (("token", "1", "--overlap", "25h"), 1, "24 hours"),
        (("token", "1", "--legacy-start", "1"), 2, "go together"),
        (("add", "--legacy-password-file", "/nowhere", "--legacy-start", "1"), 2, "--id"),
        (("token", "1", "--legacy-password-file", "/nowhere", "--legacy-start", "1"), 2, "cannot be read"),
        (
            ("token", "1", "--legacy-password-file", "/dev/null", "--legacy-start", "1"),
            2,
            "no token password",
        ),
    ],
)
def test_what_cannot_be_done(
    run: Callable[..., Outcome], words: tuple[str, ...], code: int, says: str
) -> None:
    run("add", "--address", "10.0.0.1")
    outcome = run(*words)
    assert (outcome.code, outcome.output) == (code, "")
    assert says in outcome.errors
    assert outcome.errors.count("\n") == 1
