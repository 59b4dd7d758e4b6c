"""Who is kept out for a while, and who is not."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from broker import log
from broker.bans import WINDOW, Ban, Bans
from broker.settings import Settings
from broker.store import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.broker.conftest import Broker, Clock

ADDRESS = "address 192.0.2.9"


@pytest.fixture
async def bans(clock: Clock) -> AsyncIterator[Bans]:
    store = open_store("sqlite://", clock)
    yield Bans(store, clock, after=3, longest=60)
    await store.close()


async def test_a_few_failures_are_forgiven(bans: Bans) -> None:
    for _ in range(3):
        await bans.failed(ADDRESS, "bad-signature")
    assert await bans.remaining(ADDRESS) == 0


async def test_bans_double_up_to_the_longest(bans: Bans) -> None:
    for _ in range(3):
        await bans.failed(ADDRESS, "bad-signature")
    lengths = []
    for _ in range(9):
        await bans.failed(ADDRESS, "bad-signature")
        lengths.append(await bans.remaining(ADDRESS))
    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert await bans.remaining("address 192.0.2.10") == 0


async def test_a_ban_ends_and_failures_are_forgotten(bans: Bans, clock: Clock) -> None:
    for _ in range(5):
        await bans.failed(ADDRESS, "bad-signature")
    clock.now += 3
    assert await bans.remaining(ADDRESS) == 0
    await bans.failed(ADDRESS, "bad-signature")
    assert await bans.remaining(ADDRESS) == 4
    clock.now += WINDOW + 1
    await bans.failed(ADDRESS, "bad-signature")
    assert await bans.remaining(ADDRESS) == 0


async def test_bans_are_listed_and_lifted(bans: Bans, clock: Clock) -> None:
    for subject in (ADDRESS, "user portal al\u00efce"):
        for _ in range(4):
            await bans.failed(subject, "bad-signature")
    assert await bans.newest() == [
        Ban("user portal al\u00efce", "bad-signature", 4, clock() + 1),
        Ban(ADDRESS, "bad-signature", 4, clock() + 1),
    ]
    assert await bans.lift(ADDRESS)
    assert not await bans.lift(ADDRESS)
    assert await bans.remaining(ADDRESS) == 0
    await bans.failed(ADDRESS, "bad-signature")
    assert await bans.remaining(ADDRESS) == 0


async def test_nobody_is_banned_where_that_is_switched_off(clock: Clock) -> None:
    store = open_store("sqlite://", clock)
    off = Bans(store, clock, after=0, longest=60)
    for _ in range(50):
        await off.failed(ADDRESS, "bad-signature")
    assert await off.remaining(ADDRESS) == 0
    assert await off.newest() == []
    await store.close()


# -- through the door ------------------------------------------------------------------------------------------------


async def fail(broker: Broker, times: int, body: str = "signature=x", **options: Any) -> list[int]:
    return [(await broker.post_form(body, **options)).status for _ in range(times)]


async def test_guessing_is_slowed_down(serve: Any) -> None:
    async with serve(ban_after=3) as broker:
        assert await fail(broker, 6) == [403, 403, 403, 403, 429, 429]
        answer = await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        broker.clock.now += 1
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200


async def test_asking_without_credentials_is_no_failure(serve: Any) -> None:
    async with serve(ban_after=3) as broker:
        assert await fail(broker, 10, "") == [403] * 10


async def test_who_is_in_stays_in(serve: Any) -> None:
    """A ban of their address does not end anybody's session."""
    async with serve(ban_after=3) as broker:
        token = await broker.token()
        await fail(broker, 5)
        answer = await broker.post_form(f"token={token}")
        assert answer.status == 200


async def test_one_address_is_not_another(serve: Any) -> None:
    async with serve(ban_after=3, trusted_proxies="127.0.0.1") as broker:
        await fail(broker, 5, headers={"X-Forwarded-For": "192.0.2.66"})
        assert await fail(broker, 1, headers={"X-Forwarded-For": "192.0.2.7"}) == [403]
        assert await fail(broker, 1, headers={"X-Forwarded-For": "192.0.2.66"}) == [429]
        (ban,) = await broker.parts.bans.newest()
        assert (ban.subject, ban.reason) == ("address 192.0.2.66", "bad-signature")


async def test_a_signed_link_opened_again_and_again_bans_its_user_alone(serve: Any) -> None:
    """Everybody behind one address, the platform's included, goes on."""
    async with serve(ban_after=3) as broker:
        old = broker.platform.body("10.1.2.3", "ssh")
        await broker.post_form(old)
        assert await fail(broker, 5, old) == [403, 403, 403, 403, 429]
        broker.clock.now += 0.001
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 429
        broker.platform.username = "bob"
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200


async def test_a_forged_name_bans_nobody(serve: Any) -> None:
    async with serve(ban_after=3, trusted_proxies="127.0.0.1") as broker:
        forged = broker.platform.body("10.1.2.3", "ssh").replace("signature=", "signature=x")
        await fail(broker, 10, forged, headers={"X-Forwarded-For": "192.0.2.66"})
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200


async def test_a_platforms_own_address_is_never_banned(serve: Any, tmp_path: Path) -> None:
    ring = tmp_path / "ring.toml"
    ring.write_text('[portal]\nsecret-text = "so-secret"\nschemes = ["v1"]\nfrom = ["127.0.0.0/8"]\n')
    async with serve(secret_key="", key_ring=ring, ban_after=3) as broker:
        assert await fail(broker, 10) == [403] * 10
        assert (await broker.post_form(broker.platform.body("10.1.2.3", "ssh"))).status == 200


async def test_every_refusal_is_one_line(broker: Broker, log_lines: list[dict[str, Any]]) -> None:
    await fail(broker, 15)
    lines = [line for line in log_lines if line["event"] == "refused"]
    assert len(lines) == 15
    assert {line["address"] for line in lines} == {"127.0.0.1"}
    assert {line["log_level"] for line in lines} == {"warning"}
    assert lines[-1]["reason"] == "rate-limited"


def test_the_fail2ban_filter_reads_our_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """The pattern of the filter that we ship, against lines as they are written in either format."""
    text = Path("docs/how-to/fail2ban/filter.d/fanlight.conf").read_text()
    pattern = re.search(r"^failregex = (.*(?:\n +.*)*)", text, re.MULTILINE)
    assert pattern
    patterns = [line.strip().replace("<HOST>", r"(?P<host>[0-9a-f.:]+)") for line in pattern[1].splitlines()]
    for log_format in ("text", "json"):
        structlog.reset_defaults()
        try:
            log.configure(Settings(log_format=log_format))  # type: ignore[arg-type]
            refused = {
                "detail": "x reason=no-credentials",
                "key_id": "",
                "user": "a address=10.0.0.1 b",
                "target": "",
            }
            structlog.get_logger().warning("refused", address="192.0.2.9", reason="bad-signature", **refused)
            structlog.get_logger().info("refused", address="192.0.2.8", reason="no-credentials", **refused)
            structlog.get_logger().info("granted", address="192.0.2.7", user="reason=bad-signature refused")
            # fail2ban takes the date out before it matches
            lines = re.sub(r"20\d\d-[^ \"]*Z", "", capsys.readouterr().err).splitlines()
        finally:
            logging.getLogger().handlers.clear()
            structlog.reset_defaults()
        hosts = [found["host"] for line in lines for one in patterns if (found := re.search(one, line))]
        assert hosts == ["192.0.2.9"], (log_format, lines)
