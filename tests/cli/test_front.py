"""What `fanlight check` says of the front proxy."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from broker.app import make_app
from broker.cli.front import clock, complaints, front
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


def portal_of(offset: float | None) -> web.Application:
    """A portal whose clock is off."""

    async def answer(_: web.Request) -> web.Response:
        date = "soon" if offset is None else formatdate(time.time() + offset, usegmt=True)
        return web.Response(headers={"Date": date})

    app = web.Application()
    app.router.add_get("/guacamole/", answer)
    return app


async def test_a_portal_with_our_time() -> None:
    async with listening(portal_of(0.0)) as url:
        assert "same time" in str(await clock(url))


@pytest.mark.parametrize(
    ("offset", "said"), [(840.0, r"\+8\d\d s off"), (-60.0, "-(60|59) s off"), (None, "date")]
)
async def test_a_portal_with_another_time(offset: float | None, said: str) -> None:
    async with listening(portal_of(offset)) as url:
        with pytest.raises(CommandError, match=said):
            await clock(url)


async def test_no_portal_to_ask() -> None:
    assert await clock("") is None
    assert await clock("mailto:help@example.org") is None
