"""A person's own recordings, and nobody else's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.conftest import Broker

BASE = "/guacamole/"
HISTORY = f"{BASE}api/session/data/hmac/history/connections"


async def listed(broker: Broker, token: str) -> list[Any]:
    answer = await broker.client.get(HISTORY, params={"token": token})
    assert answer.status == 200
    rows: list[Any] = await answer.json()
    return rows


async def test_recordings_are_listed_and_served_to_whom_they_belong(serve: Any, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    async with Guacd() as daemon, serve(daemon, recording_search_path=str(folder)) as broker:
        token = await broker.token()
        path = f"{BASE}websocket-tunnel"
        async with broker.client.ws_connect(path, params=broker.tunnel_query(token)) as socket:
            await daemon.accepted()
            tunnel = re.sub(r"^0\.,36\.|;$", "", await socket.receive_str())
        (record,) = await broker.parts.records.history()
        name = record.proxyd.removeprefix("$") + ".cast"
        (folder / name).write_bytes(b'{"version": 2}\n')
        (row,) = await listed(broker, token)
        assert row["logs"] == {name: {"type": "ASCIICAST", "description": None}}

        async def fetch(name: str, token: str, source: str = "hmac") -> tuple[int, bytes]:
            url = f"{HISTORY.replace('hmac', source)}/{tunnel}/logs/{name}"
            answer = await broker.client.get(url, headers={"Guacamole-Token": token})
            if answer.status == 200:
                assert answer.headers["Content-Disposition"] == "attachment"
            return answer.status, await answer.read()

        assert await fetch(name, token) == (200, b'{"version": 2}\n')
        assert (await fetch("other", token))[0] == 404
        assert (await fetch("..%2F..%2Fetc%2Fpasswd", token))[0] == 404
        assert (await fetch(name, token, "default"))[0] == 404
        broker.platform.username = "bob"
        bob = await broker.token()
        assert (await fetch(name, bob))[0] == 404
        assert await listed(broker, bob) == []
