"""What `fanlight check` says of the front proxy."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from broker.app import make_app
from broker.cli.front import complaints, front
from broker.cli.outcome import CommandError
from broker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

URL = "https://desk.example/guacamole/"
GOOD = {
    "time": 1_700_000_000_000,
    "host": "desk.example",
    "scheme": "https",
    "address": "192.0.2.7",
    "forwarded": "believed",
    "upgrade": True,
    "status": "ok",
}


@pytest.mark.parametrize(
    ("change", "gap", "said"),
    [
        ({}, 0.5, []),
        ({"host": "desk.example:443"}, 0.5, []),
        ({"upgrade": False}, 0.5, ["WebSockets"]),
        ({}, 0.0, ["buffered"]),
        ({"host": "127.0.0.1:8080"}, 0.5, ["'127.0.0.1:8080'"]),
        ({"forwarded": "ignored", "scheme": None}, 0.5, ["trusted-proxies", "X-Forwarded-Proto"]),
        ({"scheme": "http"}, 0.5, ["arrives as http"]),
        ({"time": 1_700_000_060_000}, 0.5, ["+60 s off"]),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], gap: float, said: list[str]) -> None:
    found = complaints(URL, GOOD | change, gap, 1_700_000_000.5)
    assert len(found) == len(said)
    for text, word in zip(found, said, strict=True):
        assert word in text


def test_without_tls_the_scheme_may_be_unknown() -> None:
    assert complaints("http://desk.example/", GOOD | {"scheme": None}, 0.5, 1_700_000_000.5) == []


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/guacamole/"
    await runner.cleanup()


async def test_a_broker_without_a_front_is_well() -> None:
    async with listening(make_app(Settings(store="sqlite://", secret_key="x"))) as url:
        assert "passes upgrades" in str(await front(url))


async def test_something_else_is_told_apart() -> None:
    async with listening(web.Application()) as url:
        with pytest.raises(CommandError, match="does not lead to the broker"):
            await front(url)
    with pytest.raises(CommandError, match="does not answer"):
        await front(url)


async def test_nothing_to_check() -> None:
    assert await front("") is None
