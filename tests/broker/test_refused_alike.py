"""Somebody else's connection, an old token, a link that is over, a record that was forged: refused as what never was, and logged."""

from __future__ import annotations

import json
import secrets
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from broker.sessions import hashed
from broker.sharing import share_name
from broker.store.base import Kind
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.broker.conftest import Broker

BASE = "/guacamole/"
REFUSALS = {"refused", "token refused", "tunnel refused"}


class Owner:
    """Somebody with a token, an open tunnel, and a link to it; and somebody else with the same."""

    def __init__(self, broker: Broker, stack: AsyncExitStack) -> None:
        self.broker = broker
        self._stack = stack

    async def begin(self) -> None:
        self.token = await self.broker.token(identifier="mine")
        self.tunnel = await self._open(self.broker.tunnel_query(self.token, "mine"))
        self.broker.platform.username = "bob"
        self.others = await self.broker.token(identifier="bobs-own")
        await self._open(self.broker.tunnel_query(self.others, "bobs-own"))

    async def _open(self, query: dict[str, str]) -> str:
        connecting = self.broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query)
        socket = await self._stack.enter_async_context(connecting)
        return str(await socket.receive_str())[6:-1]

    async def link(self, **more: str) -> str:
        """The key of a new one, to watch."""
        path = f"{BASE}api/session/tunnels/{self.tunnel}/activeConnection/sharingCredentials/watch"
        answer = await self.broker.client.get(path, params={"token": self.token, **more})
        return str((await answer.json())["values"]["key"])

    async def tamper(self, kind: Kind, name: str, change: Callable[[bytes], bytes]) -> None:
        value = await self.broker.parts.store.get(kind, name)
        assert value is not None
        await self.broker.parts.store.put(kind, name, change(value), self.broker.clock() + 900)


@pytest.fixture
async def owner(serve: Any) -> AsyncIterator[Owner]:
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Guacd())
        made = Owner(await stack.enter_async_context(serve(daemon, ban_after=0)), stack)
        await made.begin()
        yield made


# -- what is tried ------------------------------------------------------------------------------------------------------


def nowhere() -> str:
    return secrets.token_bytes(32).hex().upper()


async def somebody_elses_connection(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    return ({"token": owner.token, "GUAC_ID": "bobs-own"}, {"token": owner.token, "GUAC_ID": "nobodys"})


async def somebody_elses_tunnel(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    return (
        {"token": owner.others, "GUAC_ID": owner.tunnel, "GUAC_TYPE": "a"},
        {"token": owner.others, "GUAC_ID": "nobodys", "GUAC_TYPE": "a"},
    )


async def a_token_that_was_given_back(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    await owner.broker.client.delete(f"{BASE}api/tokens/{owner.token}")
    return {"token": owner.token}, {"token": nowhere()}


async def a_token_that_is_too_old(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    token = await owner.broker.token(identifier="unused")
    owner.broker.clock.now += 100_000
    return {"token": token}, {"token": nowhere()}


async def a_token_with_a_forged_record(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    await owner.tamper(Kind.TOKEN, hashed(owner.token), lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]))
    return {"token": owner.token}, {"token": nowhere()}


async def a_made_up_record_of_a_token(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    token = nowhere()
    plain = json.dumps({"user": "alice", "source": "hmac", "operator": True, "connections": []}).encode()
    await owner.broker.parts.store.put(Kind.TOKEN, hashed(token), plain, owner.broker.clock() + 900)
    return {"token": token}, {"token": nowhere()}


async def a_token_with_somebody_elses_record(owner: Owner) -> tuple[dict[str, str], dict[str, str]]:
    theirs = await owner.broker.parts.store.get(Kind.TOKEN, hashed(owner.others))
    assert theirs is not None
    await owner.tamper(Kind.TOKEN, hashed(owner.token), lambda _: theirs)
    return {"token": owner.token}, {"token": nowhere()}


@pytest.mark.parametrize(
    "paper",
    [
        somebody_elses_connection, somebody_elses_tunnel, a_token_that_was_given_back, a_token_that_is_too_old,
        a_token_with_a_forged_record, a_made_up_record_of_a_token, a_token_with_somebody_elses_record,
    ],
)  # fmt: skip
async def test_at_the_tunnel(owner: Owner, paper: Callable[[Owner], Awaitable[Any]]) -> None:
    bad, absent = await paper(owner)
    for attempt in (by_socket, by_request):
        assert await refused(owner, attempt, bad) == await refused(owner, attempt, absent)


async def by_socket(owner: Owner, given: dict[str, str]) -> object:
    query = {**owner.broker.tunnel_query("", "mine"), **given}
    async with owner.broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query) as socket:
        message = await socket.receive()
        assert socket.closed
        return message.data, message.extra


async def by_request(owner: Owner, given: dict[str, str]) -> object:
    query = {**owner.broker.tunnel_query("", "mine"), **given}
    answer = await owner.broker.client.post(f"{BASE}tunnel?connect", data=query)
    return answer.status, dict(answer.headers) | {"Date": ""}, await answer.text()


async def refused(owner: Owner, attempt: Any, given: dict[str, str]) -> object:
    """What a refusal looks like from outside; it must be in the log, without the token."""
    with structlog.testing.capture_logs() as lines:
        answer = await attempt(owner, given)
    assert len([line for line in lines if line["event"] in REFUSALS]) == 1, lines
    shown = [given[name] for name in ("token", "key") if name in given]
    assert not any(secret in str(lines) for secret in shown)
    return answer


# -- links --------------------------------------------------------------------------------------------------------------


async def one_that_was_revoked(owner: Owner) -> str:
    key = await owner.link()
    path = f"{BASE}api/session/tunnels/{owner.tunnel}/activeConnection/sharingCredentials"
    assert (await owner.broker.client.delete(path, params={"token": owner.token})).status == 204
    return key


async def one_that_is_over(owner: Owner) -> str:
    key = await owner.link(minutes="10")
    owner.broker.clock.now += 600
    return key


async def one_that_was_used_up(owner: Owner) -> str:
    key = await owner.link(uses="1")
    assert (await owner.broker.post_form(f"key={key}")).status == 200
    return key


async def one_that_would_permit_more(owner: Owner) -> str:
    """The record of another link, of one's own, under this one's name."""
    key, other = await owner.link(), await owner.link()
    record = await owner.broker.parts.store.get(Kind.SHARE, share_name(other))
    assert record is not None
    await owner.tamper(Kind.SHARE, share_name(key), lambda _: record)
    return key


async def one_that_was_made_up(owner: Owner) -> str:
    key = secrets.token_urlsafe(33)
    record = {
        "proxyd": "$x", "user": "alice", "source": "hmac", "name": "x", "protocol": "ssh", "read_only": False,
        "expires": owner.broker.clock() + 900,
    }  # fmt: skip
    await owner.broker.parts.store.put(
        Kind.SHARE, share_name(key), json.dumps(record).encode(), owner.broker.clock() + 900
    )
    return key


async def one_that_is_rubbish(owner: Owner) -> str:
    key = await owner.link()
    await owner.tamper(Kind.SHARE, share_name(key), lambda _: b"[1")
    return key


@pytest.mark.parametrize(
    "link",
    [
        one_that_was_revoked, one_that_is_over, one_that_was_used_up, one_that_would_permit_more,
        one_that_was_made_up, one_that_is_rubbish,
    ],
)  # fmt: skip
async def test_links(owner: Owner, link: Callable[[Owner], Awaitable[str]]) -> None:
    key = await link(owner)
    bad = await refused(owner, by_key, {"key": key})
    assert bad == await refused(owner, by_key, {"key": secrets.token_urlsafe(33)})


async def by_key(owner: Owner, given: dict[str, str]) -> object:
    answer = await owner.broker.post_form(f"key={given['key']}")
    assert answer.status == 403
    return answer.status, dict(answer.headers) | {"Date": ""}, await answer.text()


async def test_a_guest_whose_link_was_revoked_comes_no_more(owner: Owner) -> None:
    key = await owner.link()
    token = (await (await owner.broker.post_form(f"key={key}")).json())["authToken"]
    session = await owner.broker.parts.sessions.find(token)
    assert session is not None
    (connection,) = session.connections
    given = {"token": token, "GUAC_ID": connection, "GUAC_DATA_SOURCE": "hmac-shared"}
    (tunnel,) = (row for row in owner.broker.parts.sessions.tunnels() if row.identifier == owner.tunnel)
    await owner.broker.parts.sharing.revoke(tunnel)
    assert await refused(owner, by_socket, given) == (1002, "518")
