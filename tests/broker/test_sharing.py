"""Links to a running session: watching, controlling, and every way they end."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import WSMsgType

from broker.app import LINKS_INTERVAL
from broker.proxyd_client import connect
from broker.sharing import MAX_SHARES, share_name
from broker.store import Kind, StoreError
from tests.fakes.guacd import Guacd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.broker.conftest import Broker
    from tests.fakes.guacd import Peer

BASE = "/guacamole/"


class Owner:
    """Somebody with an open session, and a link to give away."""

    def __init__(self, broker: Broker, stack: AsyncExitStack) -> None:
        self.broker = broker
        self._stack = stack
        self.token = ""
        self.tunnel = ""

    async def open(self) -> Peer:
        assert self.broker.daemon
        self.token = await self.broker.token()
        self.socket = await self.connect(self.broker.tunnel_query(self.token))
        self.tunnel = re.sub(r"^0\.,36\.|;$", "", await self.socket.receive_str())
        self.peer = await self.broker.daemon.accepted()
        return self.peer

    async def connect(self, query: dict[str, str]) -> Any:
        socket = self.broker.client.ws_connect(f"{BASE}websocket-tunnel", params=query)
        return await self._stack.enter_async_context(socket)

    async def get(self, path: str, **query: str) -> Any:
        return await self.broker.client.get(
            f"{BASE}api/session/tunnels/{self.tunnel}/activeConnection/{path}",
            params={"token": self.token, **query},
        )

    async def link(self, profile: str = "watch", **query: str) -> str:
        answer = await self.get(f"sharingCredentials/{profile}", **query)
        assert answer.status == 200, await answer.text()
        key: str = (await answer.json())["values"]["key"]
        return key

    async def joined(self, key: str) -> Any:
        """Somebody who opened a link: socket, and what reached the daemon."""
        assert self.broker.daemon
        answer = await self.broker.post_form(f"key={key}")
        assert answer.status == 200
        body = await answer.json()
        path = f"{BASE}api/session/data/{body['dataSource']}/connections"
        token = body["authToken"]
        rows = await (await self.broker.client.get(path, params={"token": token})).json()
        (identifier,) = rows
        query = {**self.broker.tunnel_query(token, identifier), "GUAC_DATA_SOURCE": body["dataSource"]}
        socket = await self.connect(query)
        await socket.receive_str()
        return socket, await self.broker.daemon.accepted(), query


@asynccontextmanager
async def sharing(serve: Any, **settings: Any) -> AsyncIterator[Owner]:
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Guacd(["hostname", "port", "read-only", "private-key"]))
        owner = Owner(await stack.enter_async_context(serve(daemon, **settings)), stack)
        await owner.open()
        yield owner


@pytest.fixture
async def owner(serve: Any) -> AsyncIterator[Owner]:
    async with sharing(serve) as owner:
        yield owner


async def ending(socket: Any) -> tuple[str, int, str]:
    """The last thing that was said, and how the socket was closed."""
    said = ""
    async with asyncio.timeout(10):
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            said = message.data
    return said, message.data, message.extra


@pytest.mark.parametrize(("profile", "read_only"), [("watch", "true"), ("control", "false")])
async def test_a_link_joins_the_running_session(owner: Owner, profile: str, read_only: str) -> None:
    key = await owner.link(profile)
    assert re.fullmatch("[A-Za-z0-9_-]{44}", key)
    _, peer, _ = await owner.joined(key)
    assert peer.selected == owner.peer.connection_id
    assert peer.parameters == {"hostname": "", "port": "", "read-only": read_only, "private-key": ""}
    assert "name" not in peer.said or peer.said["name"] == ("",)  # a stranger


async def test_several_may_come(owner: Owner) -> None:
    key = await owner.link()
    for _ in range(3):
        await owner.joined(key)


async def test_what_may_be_shared_is_listed(owner: Owner) -> None:
    profiles = await (await owner.get("connection/sharingProfiles")).json()
    assert {row["name"] for row in profiles.values()} == {"Watch", "Control"}
    assert profiles["watch"]["primaryConnectionIdentifier"] == "abc"


@pytest.mark.parametrize(
    ("setting", "permitted"), [("off", set()), ("watch", {"watch"}), ("control", {"watch", "control"})]
)
async def test_a_site_may_permit_less(serve: Any, setting: str, permitted: set[str]) -> None:
    async with sharing(serve, sharing=setting) as owner:
        assert set(await (await owner.get("connection/sharingProfiles")).json()) == permitted
        for profile in ("watch", "control", "own"):
            answer = await owner.get(f"sharingCredentials/{profile}")
            assert answer.status == (200 if profile in permitted else 403)


async def test_who_came_through_a_link_gives_none_away(owner: Owner) -> None:
    _, _, query = await owner.joined(await owner.link("control"))
    token = query["token"]
    (tunnel,) = await (
        await owner.broker.client.get(f"{BASE}api/session/tunnels", params={"token": token})
    ).json()
    owner.tunnel, owner.token = tunnel, token
    assert await (await owner.get("connection/sharingProfiles")).json() == {}
    assert (await owner.get("sharingCredentials/watch")).status == 403


async def test_the_owner_sees_what_was_given_away(owner: Owner) -> None:
    """Also after a reload of the page: the links are still good."""
    assert await (await owner.get("sharingCredentials")).json() == []
    for profile, more in (("watch", {"minutes": "10", "uses": "2"}), ("control", {})):
        owner.broker.clock.now += 1
        await owner.link(profile, **more)
    first, second = await (await owner.get("sharingCredentials")).json()
    assert (first["profile"], first["uses"]) == ("watch", 2)
    assert first["expires"] == round((owner.broker.clock() - 1 + 600) * 1000)
    assert (second["profile"], second["uses"]) == ("control", None)
    (tunnel,) = owner.broker.parts.sessions.tunnels()
    assert await owner.broker.parts.sharing.revoke(tunnel, first["identifier"]) == 1
    assert await (await owner.get("sharingCredentials")).json() == [second]
    for forged in (b"", b"[]", b'["watch", null, 1]'):
        name = f"{tunnel.connection_id}:forged"
        await owner.broker.parts.store.put(Kind.SHARED, name, forged, owner.broker.clock() + 60)
        assert await (await owner.get("sharingCredentials")).json() == [second]


async def test_only_so_many(owner: Owner) -> None:
    for _ in range(MAX_SHARES):
        await owner.link()
    assert (await owner.get("sharingCredentials/watch")).status == 429


async def test_the_store_does_not_hold_the_key(owner: Owner) -> None:
    key = await owner.link()
    records = await owner.broker.parts.store.newest(Kind.SHARE, 10)
    assert len(records) == 1
    assert key not in str(records)


# -- endings ---------------------------------------------------------------------------------------------------------


async def test_a_link_ends_when_it_says(owner: Owner) -> None:
    answer = await owner.get("sharingCredentials/watch", minutes="10")
    body = await answer.json()
    assert body["expires"] == round((owner.broker.clock() + 600) * 1000)
    assert body["identifier"] == share_name(body["values"]["key"])
    socket, _, _ = await owner.joined(body["values"]["key"])
    owner.broker.clock.now += 601
    assert await owner.broker.refused(f"key={body['values']['key']}") == "unknown-share"
    await owner.broker.parts.sharing.look_after()
    said, code, reason = await ending(socket)
    assert "ended it" in said
    assert (code, reason) == (1002, "523")


async def test_a_link_ends_by_itself_whatever_the_store_says(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for those who have it beside connections of their own."""
    shared = owner.broker.parts.sharing
    (tunnel,) = owner.broker.parts.sessions.tunnels()
    made = await shared.share(tunnel, "watch", 0.5)
    assert made is not None
    guest, _, _ = await owner.joined(made[0])
    owner.broker.platform.username = "bob"
    token = await owner.broker.token(identifier="bobs")
    answer = await owner.broker.post_form(f"key={made[0]}&token={token}")
    assert (await answer.json())["authToken"] == token
    session = await owner.broker.parts.sessions.find(token)
    assert session is not None
    identifier = next(name for name, row in session.connections.items() if row.share)
    query = {**owner.broker.tunnel_query(token, identifier), "GUAC_DATA_SOURCE": "hmac-shared"}
    visitor = await owner.connect(query)

    async def fail(*_: object) -> None:
        raise StoreError("gone")

    for name in ("get", "extend", "put", "delete"):
        monkeypatch.setattr(owner.broker.parts.store, name, fail)
    for socket in (guest, visitor):
        assert "ended it" in (await ending(socket))[0]
    assert not owner.socket.closed


@pytest.mark.parametrize(("asked", "minutes"), [("99999", 240), ("240", 240), ("1", 1)])
async def test_no_longer_than_the_site_permits(owner: Owner, asked: str, minutes: int) -> None:
    body = await (await owner.get("sharingCredentials/watch", minutes=asked)).json()
    assert body["expires"] == round((owner.broker.clock() + minutes * 60) * 1000)


@pytest.mark.parametrize("asked", ["0", "-1", "x", "1.5", "9999999"])
@pytest.mark.parametrize("name", ["minutes", "uses"])
async def test_numbers_that_are_none(owner: Owner, name: str, asked: str) -> None:
    assert (await owner.get("sharingCredentials/watch", **{name: asked})).status == 400


async def test_a_link_may_be_for_two(owner: Owner) -> None:
    key = await owner.link("watch", uses="2")
    for _ in range(2):
        await owner.joined(key)
    assert await owner.broker.refused(f"key={key}") == "unknown-share"


async def test_the_owner_ends_it(owner: Owner) -> None:
    key = await owner.link()
    socket, peer, query = await owner.joined(key)
    answer = await owner.broker.client.delete(
        f"{BASE}api/session/tunnels/{owner.tunnel}/activeConnection/sharingCredentials",
        params={"token": owner.token},
    )
    assert answer.status == 204
    said, code, reason = await ending(socket)
    assert said.startswith("5.error,")
    assert "session: The person who shared this session ended it." in said
    assert said.endswith("10.disconnect;")
    assert (code, reason) == (1002, "523")
    assert await peer.next() is None
    assert await owner.broker.refused(f"key={key}") == "unknown-share"
    assert (await ending(await owner.connect(query)))[1:] == (
        1002,
        "518",
    )  # the token that is left opens nothing


async def test_a_link_that_is_ended_while_somebody_comes_through_it(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await owner.link()
    (tunnel,) = owner.broker.parts.sessions.tunnels()

    async def connect_slowly(*arguments: Any, **options: Any) -> Any:
        upstream = await connect(*arguments, **options)
        await owner.broker.parts.sharing.revoke(tunnel)
        return upstream

    monkeypatch.setattr("broker.gateway.connect", connect_slowly)
    socket, _, _ = await owner.joined(key)
    async with asyncio.timeout(LINKS_INTERVAL / 2):  # nobody has to look after it first
        assert "ended it" in (await ending(socket))[0]


async def test_the_owner_ends_one_of_two(owner: Owner) -> None:
    """Who came through the other one stays."""
    first, second = await owner.link(), await owner.link("control")
    (gone, _, _), (stays, _, _) = await owner.joined(first), await owner.joined(second)
    links = f"{BASE}api/session/tunnels/{owner.tunnel}/activeConnection/sharingCredentials"
    for status in (204, 404):
        answer = await owner.broker.client.delete(
            f"{links}/{share_name(first)}", params={"token": owner.token}
        )
        assert answer.status == status
    assert (await ending(gone))[1:] == (1002, "523")
    assert await owner.broker.refused(f"key={first}") == "unknown-share"
    await owner.joined(second)
    assert not stays.closed


async def test_only_the_owner_ends_a_link(owner: Owner) -> None:
    key = await owner.link()
    owner.broker.platform.username = "bob"
    token = await owner.broker.token(identifier="bobs-own")
    socket = await owner.connect(owner.broker.tunnel_query(token, "bobs-own"))
    tunnel = re.sub(r"^0\.,36\.|;$", "", await socket.receive_str())
    for path, status in ((owner.tunnel, 404), (tunnel, 404)):
        answer = await owner.broker.client.delete(
            f"{BASE}api/session/tunnels/{path}/activeConnection/sharingCredentials/{share_name(key)}",
            params={"token": token},
        )
        assert answer.status == status
    await owner.joined(key)


async def test_the_owner_leaves(owner: Owner) -> None:
    """Joiners never outlive the owner's permission."""
    key = await owner.link()
    socket, peer, _ = await owner.joined(key)
    await owner.socket.close()
    assert (await ending(socket))[1] == 1002
    assert await peer.next() is None
    assert await owner.broker.refused(f"key={key}") == "unknown-share"
    await owner.broker.idle()


@pytest.mark.parametrize("key", ["x", "0" * 44, "\u20ac", "../../etc"])
async def test_a_link_that_is_none(owner: Owner, key: str) -> None:
    assert await owner.broker.refused(f"key={key}") == "unknown-share"


# -- one's own session from another window -----------------------------------------------------------------------------


async def test_joining_ones_own_tunnel(owner: Owner) -> None:
    """`GUAC_TYPE=a`, as the stock client does."""
    query = {**owner.broker.tunnel_query(owner.token, owner.tunnel), "GUAC_TYPE": "a"}
    socket = await owner.connect(query)
    await socket.receive_str()
    assert owner.broker.daemon
    assert (await owner.broker.daemon.accepted()).selected == owner.peer.connection_id


async def test_somebody_elses_tunnel_cannot_be_joined(owner: Owner) -> None:
    owner.broker.platform.username = "bob"
    token = await owner.broker.token(identifier="abc")
    socket = await owner.connect({**owner.broker.tunnel_query(token, owner.tunnel), "GUAC_TYPE": "a"})
    assert (await ending(socket))[1:] == (1002, "516")


async def test_who_has_a_token_gains_what_is_shared_beside_it(owner: Owner) -> None:
    """As other clients send it: token and key together, again at every change of route."""
    broker = owner.broker
    key = await owner.link("watch", minutes="10")
    broker.platform.username = "bob"
    token = await broker.token(identifier="bobs-own")
    for _ in range(3):
        body = await (await broker.post_form(f"key={key}&token={token}")).json()
        assert body["authToken"] == token
        assert (body["dataSource"], body["availableDataSources"]) == ("hmac", ["hmac", "hmac-shared"])
    rows: dict[str, list[str]] = {}
    for source in body["availableDataSources"]:
        path = f"{BASE}api/session/data/{source}/connections"
        rows[source] = list(await (await broker.client.get(path, params={"token": token})).json())
    assert rows["hmac"] == ["bobs-own"]
    (shared,) = rows["hmac-shared"]
    query = {**broker.tunnel_query(token, shared), "GUAC_DATA_SOURCE": "hmac-shared"}
    socket = await owner.connect(query)
    await socket.receive_str()
    assert broker.daemon
    assert (await broker.daemon.accepted()).selected == owner.peer.connection_id
    broker.clock.now += 601
    await broker.parts.sharing.look_after()
    while (message := await socket.receive()).type is WSMsgType.TEXT:
        pass
    assert (message.data, message.extra) == (1002, "523")  # the link is over
    own = await owner.connect(broker.tunnel_query(token, "bobs-own"))
    await own.receive_str()  # and what was Bob's before is his still


async def test_a_guest_who_comes_while_the_store_does_not_answer_is_told_so(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket, _, query = await owner.joined(await owner.link())
    await socket.close()
    get = owner.broker.parts.store.get

    async def fail(kind: Kind, key: str) -> bytes | None:
        if kind is Kind.SHARE:
            raise StoreError("gone")
        return await get(kind, key)

    monkeypatch.setattr(owner.broker.parts.store, "get", fail)
    again = await owner.connect(query)
    assert await ending(again) == ("", 1008, "513")  # the page tries again
