"""What an operator sees and does of instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from broker.gate.host_keys import GATE, OPERATOR
from tests.broker.views.test_operator import Operator, operating

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def line() -> str:
    return asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()


OLD, NEW, NEWER = line(), line(), line()
OLD_PRINT, NEW_PRINT, NEWER_PRINT = (
    asyncssh.import_public_key(text).get_fingerprint() for text in (OLD, NEW, NEWER)
)


@pytest.fixture
async def operator(serve: Any, tmp_path: Path) -> AsyncIterator[Operator]:
    """An operator's browser; three instances: one says nothing, one is well, one is not what it was."""
    async with operating(serve, tmp_path) as here:
        parts = here.broker.parts
        await parts.instances.add({"name": "quiet"}, identifier="1")
        await parts.instances.add(
            {"name": "well", "owner": "alice", "addresses": ["10.20.3.4"]}, identifier="2", key_id="portal"
        )
        await parts.instances.add({"name": "odd"}, identifier="3")
        said = {"READY": "YES", "BROKER_AGENT": "1.0", "NOTE": "a\u202eb\x9b\n" + "c" * 900, "V": {"A": "1"}}
        await parts.reports.merge("2", said, "10.20.3.4")
        await parts.host_keys.saw("2", [OLD], GATE)
        await parts.host_keys.saw("3", [OLD], GATE)
        await parts.host_keys.saw("3", [NEW], GATE, "10.6.6.6")
        yield here


async def test_where_something_is_wrong_comes_first(operator: Operator) -> None:
    listed = await operator.get("instances")
    assert (listed["total"], listed["found"]) == (3, 3)
    assert [(row["id"], row["readiness"], row["blocked"]) for row in listed["rows"]] == [
        ("3", "no report yet", True),
        ("2", "ready", False),
        ("1", "no report yet", False),
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("changed", ["3"]), ("ALICE 10.20", ["2"]), ("portal", ["2"]), ("1.0", ["2"]), ("no report", ["3", "1"]), ("alice odd", []),
    ],
)  # fmt: skip
async def test_the_filter_looks_at_what_is_shown(operator: Operator, words: str, found: list[str]) -> None:
    listed = await operator.get("instances", contains=words)
    assert [row["id"] for row in listed["rows"]] == found
    assert listed["total"] == 3


async def test_one_instance_in_legible_lines(operator: Operator) -> None:
    shown = await operator.get("instances/2")
    note = shown["attributes"]["NOTE"]
    assert note.startswith("a b  c")
    assert len(note) == 200
    assert shown["attributes"]["V"] == "[A=1]"
    assert shown["report"]["reported"] == round(operator.broker.clock() * 1000)
    assert "vnc_password" not in shown
    assert "digest" not in str(shown)


async def test_an_operator_accepts_what_was_seen_and_nothing_else(operator: Operator, log_lines: Any) -> None:
    keys = operator.broker.parts.host_keys
    await keys.saw("3", [NEWER], GATE, "10.6.6.6")
    assert await operator.post("instances/3/host-keys", {"accept": [NEW_PRINT]}) == 200
    known = await keys.find("3")
    assert [(pin.fingerprint, pin.source) for pin in known.pins] == [(NEW_PRINT, OPERATOR)]
    assert known.blocked
    assert await operator.post("instances/3/host-keys", {"dismiss": [NEWER_PRINT]}) == 200
    assert not (await keys.find("3")).blocked
    said = [
        (row["event"], row["operator"], row["instance"], row["fingerprints"])
        for row in log_lines
        if "operator" in row
    ]
    assert said == [
        ("host keys accepted", "olga", "3", NEW_PRINT),
        ("host keys dismissed", "olga", "3", NEWER_PRINT),
    ]


async def test_tokens_are_revoked_and_an_instance_is_removed(operator: Operator, log_lines: Any) -> None:
    instances = operator.broker.parts.instances
    token = await instances.new_token("2")
    assert await operator.delete("instances/2/tokens") == 204
    assert not await instances.authentic("2", token, "")
    assert await operator.delete("instances/2") == 204
    assert await instances.find("2") is None
    events = [(row["event"], row["operator"]) for row in log_lines if "operator" in row]
    assert events == [("tokens of an instance revoked", "olga"), ("instance removed", "olga")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({"accept": []}, 400), ({"accept": NEW_PRINT}, 400), ({"accept": [1]}, 400), ({"accept": ["a\nb"]}, 400),
        ({"accept": ["x"], "dismiss": ["x"]}, 400), ({"forget": ["x"]}, 400), ({"accept": ["x"] * 17}, 400),
        ({"accept": ["SHA256:nothing"]}, 200),
    ],
)  # fmt: skip
async def test_what_decides_nothing(operator: Operator, body: dict[str, Any], status: int) -> None:
    before = await operator.broker.parts.host_keys.find("3")
    assert await operator.post("instances/3/host-keys", body) == status
    assert await operator.broker.parts.host_keys.find("3") == before


async def test_what_is_not_there(operator: Operator) -> None:
    assert await operator.post("instances/9/host-keys", {"accept": ["x"]}) == 404
    assert await operator.delete("instances/9/tokens") == 404
    assert await operator.delete("instances/9") == 404
    assert (await operator.broker.parts.host_keys.find("9")).pins == ()
