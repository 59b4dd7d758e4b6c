"""Requests of the unmodified OneGate client, as two of its releases sent them, one after the other to one gate.

`recorded_requests.json` holds what a listener saw of each command: method, path, headers without those that belong to one
connection, and body; with it the answer that the command needs. Release 6.6.1 sends attributes bare, 6.10.0 in a form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from broker.gate.core import Core, CoreError

RECORDED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("recorded_requests.json").read_text())
RELEASES = ("6.6.1", "6.10.0")


@pytest.mark.parametrize("release", RELEASES)
async def test_a_client_hears_what_it_needs(serve_gate: Any, monkeypatch: Any, release: str) -> None:
    orders: list[dict[str, Any]] = []

    async def order(_: Core, __: str, wanted: dict[str, Any]) -> None:
        orders.append(wanted)
        if wanted.get("perform") == "stop":
            raise CoreError("it cannot be stopped now")

    monkeypatch.setattr(Core, "order", order)
    async with serve_gate() as gate:
        await gate.parts.instances.change("5", {"router": "2"})
        rows = [row for row in RECORDED if row["client"] == release]
        for row in rows:
            token = {
                "itself": gate.tokens["5"],
                "another's token": gate.tokens["5"],
                "a wrong token": "AAAA",
            }[row["as"]]
            identifier = "6" if row["as"] == "another's token" else "5"
            headers = {**row["headers"], "X-Onegate-Token": token, "X-Onegate-Vmid": identifier}
            answer = await gate.send(row["method"], row["path"], row["body"], headers)
            text = await answer.text()
            assert (answer.status, row["words"] in text) == (row["status"], True), (row["command"], text)
            if row["method"] == "GET" and answer.status == 200:
                assert_readable(row["command"], json.loads(text))
        assert await gate.said("5") == {"READY": "YES", "V": {"A": "1", "B": "2"}, "JOB": "1"}
        assert await gate.said("6") == {"JOB": "go"}
    assert [(row["order"], row.get("perform") or row["role"]) for row in orders] == [
        ("scale", "web"), ("action", "resume"), ("action", "poweroff"), ("action", "stop"), ("action", "shutdown"),
    ]  # fmt: skip
    assert orders[0]["cardinality"] == 3
    assert orders[2]["params"] is True


def assert_readable(command: str, shown: dict[str, Any]) -> None:
    """What the client does with an answer: it concatenates ids, and goes through lists."""
    what = command.split(maxsplit=1)[0]
    if what == "vm":
        assert "VM " + shown["VM"]["ID"]
    elif what == "service":
        assert "SERVICE " + shown["SERVICE"]["id"]
        for role in shown["SERVICE"]["roles"]:
            for node in role["nodes"]:
                assert "VM " + node["vm_info"]["VM"]["ID"]
                assert all(isinstance(nic, dict) for nic in node["vm_info"]["VM"]["TEMPLATE"]["NIC"])
    elif what == "vrouter":
        assert "VROUTER " + shown["VROUTER"]["ID"] + ",".join(shown["VROUTER"]["VMS"]["ID"])
    else:
        assert shown["VNET"]["ID"] + ""


def test_both_releases_were_recorded_with_every_command() -> None:
    commands = [{row["command"] for row in RECORDED if row["client"] == release} for release in RELEASES]
    assert commands[0] == commands[1]
    for needed in (
        "vm show",
        "vm update",
        "service show",
        "service scale",
        "vrouter show",
        "vnet show",
        "vm reboot",
    ):
        assert any(command.startswith(needed) for command in commands[0])
