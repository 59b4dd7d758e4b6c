"""The folder of a release, as connectors fetch it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BASE = "/guacamole/connector/releases/"


async def test_a_release_is_served_and_nothing_beside_it(serve: Any, tmp_path: Path) -> None:
    folder = tmp_path / "releases"
    folder.mkdir()
    (folder / "release.json").write_text("{}")
    (folder / "fanlight-1.2.0-py3-none-any.whl").write_bytes(b"program")
    (folder / "notes.txt").write_text("secret")
    (tmp_path / "a.whl").write_text("secret")
    async with serve(None, connector_releases=folder) as broker:
        answer = await broker.client.get(f"{BASE}release.json")
        assert (answer.status, await answer.text()) == (200, "{}")
        answer = await broker.client.get(f"{BASE}fanlight-1.2.0-py3-none-any.whl")
        assert (answer.status, await answer.read()) == (200, b"program")
        for name in ("notes.txt", "..%2Fa.whl", "none.whl", "%2e%2e/a.whl", "", "x" * 5000):
            answer = await broker.client.get(f"{BASE}{name}")
            assert answer.status >= 400, name
            assert "secret" not in await answer.text()


@pytest.mark.parametrize("name", ["release.json", "a.whl"])
async def test_there_is_none_by_default(broker: Any, name: str) -> None:
    assert (await broker.client.get(f"{BASE}{name}")).status == 404
