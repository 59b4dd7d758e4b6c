"""A running broker reads its settings again: what can change does, for those who are there and those who come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import structlog
from pydantic import SecretStr

from broker.reload import LIVE, read_again
from broker.settings import Settings, parse_target
from proxyd.sources import SettingsError

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

BASE = "/guacamole/"


def changed(broker: Broker, **values: Any) -> list[dict[str, Any]]:
    """Read settings that differ in these values; what was logged."""
    new = broker.parts.settings.model_copy(update=values)
    with structlog.testing.capture_logs() as lines:
        read_again(broker.parts, lambda: new)
    return lines


def test_only_settings_are_listed() -> None:
    assert set(Settings.model_fields) >= LIVE


async def test_a_session_goes_on_and_the_next_one_meets_the_new_rules(serve: Any) -> None:
    async with serve() as broker:
        token = await broker.token()
        lines = changed(
            broker,
            allowed_targets=(parse_target("10.9.0.0/16"),),
            detach_timeout=7,
            ban_after=0,
            site_name="New Name",
            allowed_origins=("https://portal.example",),
        )
        (told,) = [line for line in lines if line["event"] == "settings read"]
        assert told["changed"] == "allowed-origins, allowed-targets, ban-after, detach-timeout, site-name"
        tunnels = f"{BASE}api/session/tunnels"
        assert (await broker.client.get(tunnels, params={"token": token})).status == 200
        body = broker.platform.body("10.1.2.3", "ssh", "abc")
        assert await broker.refused(body) == "target-not-allowed"
        assert broker.parts.gateway.limits.detach_timeout == 7
        page = await broker.client.get(BASE)
        assert "New Name" in await page.text()
        assert "https://portal.example" in page.headers["Content-Security-Policy"]


async def test_a_new_secret_replaces_the_old_one(serve: Any) -> None:
    async with serve() as broker:
        await broker.token()
        changed(broker, secret_key=SecretStr("another-secret"))
        broker.clock.now += 1
        assert await broker.refused(broker.platform.body("10.1.2.3", "ssh", "abc")) == "bad-signature"


async def test_what_waits_for_a_restart_is_named_and_left(serve: Any) -> None:
    async with serve() as broker:
        before = broker.parts.settings.store
        lines = changed(broker, store="redis://elsewhere/0", bind="127.0.0.1:1")
        (told,) = [line for line in lines if "restart" in line["event"]]
        assert (told["names"], told["log_level"]) == ("bind, store", "warning")
        assert broker.parts.settings.store == before


@pytest.mark.parametrize("reason", ["detach-timeout: Input should be a valid integer"])
async def test_broken_settings_change_nothing(serve: Any, reason: str) -> None:
    def broken() -> Settings:
        raise SettingsError(reason)

    async with serve() as broker:
        before = broker.parts.settings
        with structlog.testing.capture_logs() as lines:
            read_again(broker.parts, broken)
        assert ("settings not read", reason) in [(line["event"], line.get("reason")) for line in lines]
        assert broker.parts.settings is before
        await broker.token()
