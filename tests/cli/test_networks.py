"""`fanlight network` and `fanlight connector`, as people type them."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import asyncssh
import pytest

from broker.networks.registry import Connector, PrivateNetworks
from broker.store import open_store
from connector.doctor import EXITS
from connector.keyfile import parse_key
from connector.release import read
from connector.state import only_one
from connector.updates import Memory, remembered
from connector.versions import write_memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Outcome

ENDPOINT = "wss://127.0.0.1:1/guacamole/connector"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "fanlight.toml"
    file.write_text(
        f'[broker]\nstore = "sqlite:///{tmp_path}/store.sqlite"\n'
        f'[connector]\nstate-directory = "{tmp_path}/state"\nallowed-targets = "10.0.0.0/8:22"\n'
    )
    return file


@pytest.fixture
def key(fanlight: Callable[..., Outcome], config: Path, tmp_path: Path) -> Path:
    assert fanlight("network", "key", "new", "lab", "--endpoint", ENDPOINT, "--config", config).code == 0
    file = tmp_path / "key"
    assert fanlight("network", "key", "show-once", "lab", "--out", file, "--config", config).code == 0
    return file


def test_a_key_is_made_shown_once_and_revoked(
    fanlight: Callable[..., Outcome], config: Path, key: Path
) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    assert parse_key(key.read_text()).generation == 1
    again = fanlight("network", "key", "show-once", "lab", "--config", config)
    assert (again.code, again.output) == (1, "")
    assert "shown already" in again.errors
    made = fanlight("network", "key", "new", "lab", "--overlap", "8h", "--json", "--config", config)
    assert made.json["generation"] == 2
    status = fanlight("network", "status", "--config", config)
    assert status.output == "lab: pending; keys in force: 1 (for another 7 h), 2\n"
    assert fanlight("network", "key", "revoke", "lab", "--config", config).code == 0
    assert "none" in fanlight("network", "status", "--config", config).output
    assert fanlight("network", "key", "revoke", "lab", "--config", config).code == 1
    assert fanlight("network", "remove", "lab", "--config", config).code == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("key", "new", "Lab"), 1, "called by"),
        (("key", "new", "lab"), 1, "where connectors shall dial"),
        (("key", "new", "lab", "--overlap", "2 days"), 2, "overlap"),
        (("key", "revoke", "lab"), 1, "no network lab"),
        (("status", "lab"), 1, "no network lab"),
        (("firewall", "lab"), 1, "no network lab"),
        (("test", "lab", "db:22"), 3, "no connector of lab"),
        (("test", "lab", "db"), 2, "db.lab.example:22"),
        (("remove", "lab"), 1, "no network lab"),
        (("retry", "lab"), 1, "no update is held back"),
    ],
)
def test_what_cannot_be_done(
    fanlight: Callable[..., Outcome], config: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    outcome = fanlight("network", *words, "--config", config)
    assert outcome.code == code
    assert says in outcome.errors


def test_a_key_is_taken_and_the_firewall_is_told(
    fanlight: Callable[..., Outcome], config: Path, key: Path, tmp_path: Path
) -> None:
    taken = fanlight("connector", "setup", "--key-file", key, "--config", config)
    assert taken.code == 0
    kept = tmp_path / "state" / "connector.key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "daddr 127.0.0.1 tcp dport 1 " in fanlight("network", "firewall", "lab", "--config", config).output


def test_a_key_is_pasted(
    fanlight: Callable[..., Outcome], config: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key.read_text()}more that is not read"))
    assert fanlight("connector", "setup", "--config", config).code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(key.read_text()[:300]))
    cut = fanlight("connector", "setup", "--config", config)
    assert cut.code == 2
    assert "cut off" in cut.errors


def test_doctor_names_the_first_stage_that_fails(
    fanlight: Callable[..., Outcome], config: Path, key: Path, tmp_path: Path
) -> None:
    none = fanlight("connector", "doctor", "--config", config)
    assert none.code == EXITS["key"]
    assert "connector.key cannot be read" in none.output
    assert fanlight("connector", "setup", "--key-file", key, "--config", config).code == 0
    closed = fanlight("connector", "doctor", "--json", "--config", config)
    assert closed.code == EXITS["https"]
    assert [row["stage"] for row in closed.json if row["passed"] is False] == ["https", "accepted"]
    assert fanlight("connector", "status", "--config", config).code == 3


def test_the_bundle_holds_no_secrets(
    fanlight: Callable[..., Outcome], config: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fanlight("connector", "setup", "--key-file", key, "--config", config)
    with config.open("a") as file:
        file.write('update-from = "https://user:s3cret@releases.example/fanlight"\n')
    monkeypatch.setenv("https_proxy", "http://user:s3cret@127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    out = tmp_path / "bundle.tar.gz"
    assert fanlight("connector", "bundle", "--out", out, "--config", config).code == 0
    with tarfile.open(out) as packed:
        texts = {name: packed.extractfile(name).read().decode() for name in packed.getnames()}  # type: ignore[union-attr]
    assert {name.rpartition("/")[2] for name in texts} == {
        "settings.json", "status.json", "versions.json", "doctor.json", "connector.log"
    }  # fmt: skip
    secret = parse_key(key.read_text()).private.splitlines()[2]
    assert not any(word in text for word in (secret, "BEGIN", "s3cret") for text in texts.values())
    assert "https://releases.example/fanlight" in texts["fanlight-connector/settings.json"]
    assert "the HTTP proxy cannot be reached" in texts["fanlight-connector/doctor.json"]
    assert "10.0.0.0/8:22" in texts["fanlight-connector/settings.json"]


def test_a_release_is_signed(fanlight: Callable[..., Outcome], tmp_path: Path) -> None:
    signer = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "key").write_bytes(signer.export_private_key())
    folder = tmp_path / "wheels"
    folder.mkdir()
    without = fanlight("network", "release", folder, "--key", tmp_path / "key")
    assert (without.code, "one wheel of fanlight" in without.errors) == (2, True)
    (folder / "fanlight-1.2.0-py3-none-any.whl").write_bytes(b"program")
    (folder / "dep-3-py3-none-any.whl").write_bytes(b"more")
    done = fanlight("network", "release", folder, "--key", tmp_path / "key")
    public = signer.export_public_key().decode().strip()
    assert (done.code, "Release 1.2.0, 2 wheels" in done.output, public in done.output) == (0, True, True)
    release = read((folder / "release.json").read_text(), [asyncssh.import_public_key(public)])
    assert (release.version, len(release.wheels)) == ("1.2.0", 2)
    (tmp_path / "other").write_text("x")
    for key in ("other", "none"):
        wrong = fanlight("network", "release", folder, "--key", tmp_path / key)
        assert wrong.code in {1, 2}
        assert str(tmp_path / key) in wrong.errors


def test_an_update_is_asked_for(fanlight: Callable[..., Outcome], config: Path, tmp_path: Path) -> None:
    nobody = fanlight("connector", "update", "--config", config)
    assert (nobody.code, "nobody may sign" in nobody.errors) == (2, True)
    public = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    config.write_text(f'{config.read_text()}update-keys = "{public}"\n')
    stopped = fanlight("connector", "update", "--config", config)
    assert (stopped.code, "does not run" in stopped.errors) == (3, True)
    with only_one(tmp_path / "state"):
        assert fanlight("connector", "update", "--config", config).code == 0
        assert json.loads((tmp_path / "state" / "update.json").read_text())["asked"] is True
        status = fanlight("connector", "status", "--config", config)
        assert "update: asked for" in status.output
        write_memory(tmp_path / "state", asdict(Memory("2.0.0", 3, "it does not begin")))
        status = fanlight("connector", "status", "--json", "--config", config)
        assert status.json["update"] == "2.0.0: attempt 3 failed: it does not begin; update by hand"


@pytest.mark.parametrize(
    ("memory", "words"),
    [
        (Memory(), ""),
        (Memory("2.0.0", 1, "no room"), "2.0.0: attempt 1 failed: no room; it is tried again"),
        (Memory("2.0.0", installed=True), "2.0.0 is installed and waits for its turn"),
    ],
)
def test_what_is_remembered_of_updates(memory: Memory, words: str) -> None:
    assert remembered(memory) == words


def test_an_update_that_is_held_back_is_told_and_tried_again(
    fanlight: Callable[..., Outcome], config: Path, key: Path, tmp_path: Path
) -> None:
    async def held() -> None:
        store = open_store(f"sqlite:///{tmp_path}/store.sqlite", time.time)
        rollouts = PrivateNetworks(store, time.time).rollouts
        connector = Connector("lab", "m1", connected=True, since=0, seen=0, host="gw1", version="1.0.0")
        await rollouts.take_turn(connector, "p1", "2.0.0")
        await rollouts.came(connector, "p2")
        await store.close()

    asyncio.run(held())
    status = fanlight("network", "status", "--config", config).output
    assert "  update: 2.0.0 is held back: gw1 went back to its old version." in status
    assert "fanlight network retry lab" in status
    assert fanlight("network", "status", "--json", "--config", config).json[0]["held"] == "2.0.0"
    assert fanlight("network", "retry", "lab", "--config", config).code == 0
    assert "update:" not in fanlight("network", "status", "--config", config).output
