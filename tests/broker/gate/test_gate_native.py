"""What instances ask for beside OneGate: keys, events, and how they should be."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from broker.gate import native
from broker.gate.routes import GATE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.gate.gates import Site


@pytest.fixture
def key_folder(tmp_path: Path) -> Path:
    """Keys of alice, and of bob who is on no instance."""
    for name in ("alice", "bob"):
        folder = tmp_path / "keys" / name
        folder.mkdir(parents=True, mode=0o700)
        folder.parent.chmod(0o755)
        key = folder / "id_ed25519_guac"
        key.touch(mode=0o600)
        key.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    return tmp_path / "keys"


@pytest.fixture
def with_keys(serve_gate: Any, key_folder: Path) -> Any:
    return serve_gate(use_local_privkey=True, key_directory=key_folder)


async def test_the_keys_of_an_instances_users_are_served_alone(with_keys: Any) -> None:
    async with with_keys as gate:
        status, text = await gate.ask("GET", "/keys/alice")
        assert status == 200
        assert text.startswith("restrict,pty ssh-ed25519 ")
        assert text.endswith(" alice\n")
        for path in ("/keys/bob", "/keys/root", "/keys/%2e%2e%2fbob"):
            assert (await gate.ask("GET", path))[0] in {400, 404}
        assert (await gate.ask("GET", "/keys/alice", by="6"))[0] == 404  # nobody's instance
        own = json.loads((await gate.ask("GET", "/vm"))[1])["VM"]["USER_TEMPLATE"]
        assert own["SSH_PUBLIC_KEY"] == text.rstrip("\n")
        seen = json.loads((await gate.ask("GET", "/vms/5", by="6"))[1])["VM"]["USER_TEMPLATE"]
        assert seen == {}


async def test_a_user_without_a_key_has_no_lines(gate: Site) -> None:
    assert await gate.ask("GET", "/keys/alice") == (200, "")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "boot"}, {"READY": "NO", "BROKER_ERROR": ""}),
        ({"event": "ready", "data": {"WEB": "1"}}, {"READY": "YES", "BROKER_ERROR": "", "WEB": "1"}),
        ({"event": "desktop"}, {"BROKER_DESKTOP": "YES"}),
        ({"event": "error", "detail": "no\nroom"}, {"BROKER_ERROR": "no\nroom"}),
        ({"event": "stopping"}, {"READY": "NO"}),
    ],
)
async def test_events_are_reports(
    gate: Site, log_lines: Any, event: dict[str, Any], said: dict[str, str]
) -> None:
    assert await gate.ask("POST", "/events", json.dumps(event)) == (204, "")
    assert await gate.said("5") == said
    (line,) = [row for row in log_lines if row["event"] == "instance event"]
    assert (line["instance"], line["what"]) == ("5", event["event"])


async def test_what_is_desired_has_a_tag(with_keys: Any) -> None:
    async with with_keys as gate:
        answer = await gate.send("GET", "/desired", b"", gate.headers())
        wanted = await answer.json()
        assert wanted.keys() == {"users", "keys", "vnc-password", "ports", "time"}
        assert wanted["users"] == ["alice"]
        assert wanted["keys"]["alice"][0].endswith(" alice")
        assert wanted["ports"] == {"ssh": [22, 22], "vnc": [5900, 5999]}
        assert len(wanted["vnc-password"]) == 8
        headers = gate.headers() | {"If-None-Match": answer.headers["ETag"]}
        again = await gate.send("GET", "/desired", b"", headers)
        assert (again.status, await again.text(), again.headers["ETag"]) == (304, "", answer.headers["ETag"])
        assert (await gate.send("GET", "/desired?wait=1", b"", gate.headers())).status == 200


async def test_news_end_a_wait(gate: Site, monkeypatch: Any) -> None:
    monkeypatch.setattr(native, "LOOK_AGAIN", 0.02)
    tag = (await gate.send("GET", "/desired", b"", gate.headers())).headers["ETag"]
    headers = gate.headers() | {"If-None-Match": tag}
    waiting = asyncio.ensure_future(gate.send("GET", "/desired?wait=55", b"", headers))
    async with asyncio.timeout(10):
        while not gate.client.app[GATE].waiting:
            await asyncio.sleep(0.01)
    assert (await gate.send("GET", "/desired?wait=55", b"", headers)).status == 304  # one waits at a time
    await gate.parts.instances.change("5", {"users": ["carol"]})
    answer = await asyncio.wait_for(waiting, 10)
    assert (answer.status, (await answer.json())["users"]) == (200, ["carol"])


async def test_a_wait_without_news_ends_in_time(gate: Site, monkeypatch: Any) -> None:
    monkeypatch.setattr(native, "LOOK_AGAIN", 0.02)
    tag = (await gate.send("GET", "/desired", b"", gate.headers())).headers["ETag"]
    headers = gate.headers() | {"If-None-Match": tag}
    answer = await asyncio.wait_for(gate.send("GET", "/desired?wait=1", b"", headers), 10)
    assert answer.status == 304


@pytest.mark.parametrize("end", ["remove", "revoke", "rebuild", "pin"])
async def test_a_wait_ends_with_the_token_that_it_came_with(gate: Site, monkeypatch: Any, end: str) -> None:
    monkeypatch.setattr(native, "LOOK_AGAIN", 0.02)
    tag = (await gate.send("GET", "/desired", b"", gate.headers())).headers["ETag"]
    headers = gate.headers() | {"If-None-Match": tag}
    waiting = asyncio.ensure_future(gate.send("GET", "/desired?wait=55", b"", headers))
    async with asyncio.timeout(10):
        while not gate.client.app[GATE].waiting:
            await asyncio.sleep(0.01)
    match end:
        case "remove":
            await gate.parts.instances.remove("5")
        case "revoke":
            await gate.parts.instances.revoke("5")
        case "rebuild":
            await gate.parts.instances.new_token("5", rebuilt=True)
        case "pin":
            await gate.parts.instances.change("5", {"sources": ["192.0.2.1"]})
    answer = await asyncio.wait_for(waiting, 10)
    assert (answer.status, await answer.text()) == (401, "Not authorized")
    assert not gate.client.app[GATE].waiting
