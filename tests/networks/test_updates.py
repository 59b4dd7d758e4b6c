"""Connectors that update themselves, for real: a broker that serves a release, pip, and a version that does not come back."""

from __future__ import annotations

import asyncio
import datetime
import json
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from tests.networks.test_private_network import Lab, fact, lab, private
from tests.servers.releases import publish

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.private import ConnectorProcess

pytestmark = [pytest.mark.real, pytest.mark.timeout(480)]

__all__ = ["lab", "private"]  # fixtures


def said(connector: ConnectorProcess) -> dict[str, Any]:
    try:
        return dict(json.loads((connector.folder / "status.json").read_text()))
    except (OSError, ValueError):
        return {}


def runs(connector: ConnectorProcess, version: str) -> bool:
    return (said(connector).get("state"), said(connector).get("version")) == ("connected", version)


def moments(connector: ConnectorProcess, event: str) -> list[str]:
    return [str(row["timestamp"]) for row in connector.events if row["event"] == event]


def around_now() -> str:
    """A window that is open for the next hours."""
    hour = datetime.datetime.now(datetime.UTC).hour
    return f"{(hour - 1) % 24:02}:00-{(hour + 6) % 24:02}:00"


async def test_connectors_update_one_after_the_other_and_go_back_where_that_fails(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = asyncssh.generate_private_key("ssh-ed25519")
    releases = tmp_path / "releases"
    releases.mkdir()
    publish(releases, "99.0.0", signer)
    monkeypatch.setenv("FANLIGHT_CONNECTOR_RELEASES", str(releases))  # for the broker
    monkeypatch.setenv("FANLIGHT_TRIAL_SECONDS", "10")  # for the connectors
    lab.stop_broker()
    lab.start_broker()
    options = {
        "force": True,
        "installed-as": "user",
        "update-keys": signer.export_public_key().decode().strip(),
        "update-window": around_now(),
    }
    key = lab.new_key()
    first, second = lab.begin(key, **options), lab.begin(key, **options)

    # both come to run it, one after the other
    await fact(lambda: runs(first, "99.0.0") and runs(second, "99.0.0"), "the new version", 240)
    begins = {one: moments(one, "update begins") for one in (first, second)}
    assert [len(rows) for rows in begins.values()] == [1, 1]
    early, late = sorted(begins, key=lambda one: begins[one])
    assert moments(early, "signed in")[1] < begins[late][0]
    await fact(lambda: {row["version"] for row in lab.connectors()} == {"99.0.0"}, "the page shows it")
    assert (first.folder / "versions" / "current").readlink().name == "99.0.0"

    # a restart of the service begins with it at once
    first.process.terminate()
    assert first.process.wait(20) == 0
    again = lab.private.restart(first)
    await fact(lambda: runs(again, "99.0.0"), "the adopted version", 20)

    # a version that does not come back is left, and said so
    publish(releases, "100.0.0", signer, works=False)
    tried = len(moments(again, "update begins"))
    again.fanlight("connector", "update")
    await fact(lambda: len(moments(again, "update begins")) > tried, "it is tried", 90)
    await fact(lambda: runs(again, "99.0.0") and len(moments(again, "signed in")) > 3, "it goes back", 60)
    assert not (again.folder / "versions" / "100.0.0").exists()
    failed = "attempt 1 failed: version 100.0.0 was not connected within 10 seconds"
    await fact(lambda: any(failed in row["update"] for row in lab.connectors()), "the page says why", 40)

    # and the other one does not try it, though it is ready to, until an operator says so
    held = "100.0.0 is held back: "
    await fact(lambda: held in lab.fanlight("network", "status", "lab"), "the network says so", 20)
    begun = len(moments(second, "update begins"))
    second.fanlight("connector", "update")
    ready = "100.0.0 waits for its turn"
    await fact(lambda: any(ready in row["update"] for row in lab.connectors()), "the other is ready", 90)
    await asyncio.sleep(5)  # in which a broker gives a turn twice
    assert len(moments(second, "update begins")) == begun
    assert "may try it again" in lab.fanlight("network", "retry", "lab")
    await fact(lambda: len(moments(second, "update begins")) > begun, "it is tried there", 60)
