from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from connector import agent as module
from connector.agent import Agent, delay
from connector.keyfile import Endpoint, KeyFileError
from connector.settings import Settings
from connector.state import (
    RunningError,
    is_running,
    load_key,
    machine_id,
    only_one,
    read_status,
    save_key,
    say,
)
from tests.connector.test_keyfile import KEY
from tests.fakes.connectors import server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


def test_waiting_grows_to_a_minute_and_half_of_it_is_chance() -> None:
    assert [delay(failures, 1.0) for failures in (1, 2, 3, 6, 7, 50)] == [1, 2, 4, 32, 60, 60]
    assert [delay(failures, 0.0) for failures in (1, 2, 7)] == [1, 1, 30]


def test_a_key_is_kept_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "connector.key"
    save_key(path, KEY)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path) == KEY
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="may be read by others: chmod 600"):
        load_key(path)
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_key(tmp_path / "none")


def test_a_state_directory_has_one_connector(tmp_path: Path) -> None:
    assert not is_running(tmp_path)
    with only_one(tmp_path):
        assert is_running(tmp_path)
        with pytest.raises(RunningError, match="another connector"), only_one(tmp_path):
            pass
    assert not is_running(tmp_path)


def test_a_machine_has_one_name_in_each_network(tmp_path: Path) -> None:
    assert machine_id(tmp_path, "lab") == machine_id(tmp_path, "lab") != machine_id(tmp_path, "other")


def test_status_is_read_as_it_was_said(tmp_path: Path) -> None:
    assert read_status(tmp_path) == {}
    say(tmp_path, {"state": "connected"})
    assert read_status(tmp_path) == {"state": "connected"}
    (tmp_path / "status.json").write_text("[")
    assert read_status(tmp_path) == {}


async def test_endpoints_are_tried_in_turn_with_longer_and_longer_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled: list[str] = []
    waited: list[int] = []
    monkeypatch.setattr(module, "SHORTEST", 0.01)
    monkeypatch.setattr(module, "delay", lambda failures, _: waited.append(failures) or 0.01)

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.append("second")
        writer.close()

    async with server(close) as port:
        endpoints = tuple(map(Endpoint.parse, ("tcp://127.0.0.1:1", f"tcp://127.0.0.1:{port}")))
        agent = Agent(
            Settings.model_validate({"state-directory": tmp_path}), replace(KEY, endpoints=endpoints)
        )
        running = asyncio.create_task(agent.run(), name="agent")
        async with asyncio.timeout(10):
            while len(waited) < 6:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert waited[:6] == [1, 2, 3, 4, 5, 6]
    assert len(dialled) >= 3
    assert read_status(tmp_path)["state"] == "disconnected"


async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


async def drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)


async def floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while True:
            writer.write(bytes(65536))
            await writer.drain()


async def sends_packets_that_are_none(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-x\r\n\0\0\xff\xff" + bytes(70_000))
    await says_nothing(reader, writer)


@pytest.mark.parametrize("serve", [says_nothing, drips, floods, sends_packets_that_are_none])
async def test_what_answers_and_is_no_broker_is_left(
    serve: Callable[..., Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.serving.LOGIN_TIMEOUT", 0.5)
    async with server(serve) as port:
        endpoint = Endpoint.parse(f"tcp://127.0.0.1:{port}")
        agent = Agent(
            Settings.model_validate({"state-directory": tmp_path}), replace(KEY, endpoints=(endpoint,))
        )
        before = len(asyncio.all_tasks())
        for _ in range(3):
            assert await agent.try_once(endpoint, 5)
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)
