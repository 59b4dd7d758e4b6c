"""Machines on the way that refuse or say nothing: everybody behind them is told at once, and nobody is asked over and over."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from client.connecting import Connecting, RouteError
from client.fanout import Fanout, State
from client.hosts import Host, HostBook
from proxyd.instances import ssh_connection
from tests.fakes.connectors import server
from tests.fakes.ssh_server import FakeSsh
from tests.servers.transit import Answers

if TYPE_CHECKING:
    from pathlib import Path

MANY = [f"m{number}" for number in range(40)]


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


def behind(port: int, asker: Answers, folder: Path, *, once: bool = False) -> Connecting:
    """Machines behind a gateway on a port."""
    (folder / "none").touch()
    hosts = {"corp": Host("corp", "127.0.0.1", port, "alice", key=())}
    hosts |= {name: Host(name, "127.0.0.1", 9, "alice", via=("corp",)) for name in MANY}
    return Connecting(
        HostBook(hosts), asker=asker, accept_new=True, timeout=2, known=folder / "known", once=once
    )


async def test_a_code_that_is_refused_is_asked_for_once_however_many_wait(tmp_path: Path) -> None:
    async with FakeSsh(prompts=[["Code: "]], answers=[["1"]]) as gateway:
        person = Answers(*["2"] * 1000)
        async with behind(gateway.port, person, tmp_path, once=True) as connecting:
            run = Fanout(connecting, "id", MANY, limit=8)
            await run.run()
    assert {job.state for job in run.jobs} <= {State.REFUSED, State.UNAVAILABLE}
    assert all("corp" in job.error for job in run.jobs)
    assert len(person.asked) <= 6, "a token that locks itself after ten"


async def test_those_who_waited_share_a_refusal_and_who_comes_later_is_asked(tmp_path: Path) -> None:
    async with FakeSsh(prompts=[["Code: "]], answers=[["1"]]) as gateway:
        person = Answers(*["2"] * 1000)
        async with behind(gateway.port, person, tmp_path) as connecting:
            both = await asyncio.gather(
                connecting.transport("m1"), connecting.transport("m2"), return_exceptions=True
            )
            assert all(isinstance(one, RouteError) for one in both)
            asked = len(person.asked)
            person._answers = ["1"]
            await connecting.transport("m3")
            assert len(person.asked) == asked + 1


async def test_a_gateway_that_hangs_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_connection, "SIGN_IN_SECONDS", 1.0)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    began = time.monotonic()
    async with server(hang) as port, behind(port, Answers(), tmp_path, once=True) as connecting:
        run = Fanout(connecting, "id", MANY, limit=8)
        await run.run()
    assert time.monotonic() - began < 10
    assert all("corp does not answer" in job.error for job in run.jobs), run.jobs[0].error
