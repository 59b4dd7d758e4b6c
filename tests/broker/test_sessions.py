"""Tokens and what they open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from broker.auth.base import Connection, Grant
from broker.sessions import MAX_CONNECTIONS, Sessions, hashed
from broker.store import Kind, StoreError, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from broker.store import Store
    from tests.broker.conftest import Clock

TIMEOUT = 3600.0


def grant(
    *identifiers: str, user: str = "alice", expires: float | None = None, source: str = "hmac"
) -> Grant:
    connections = tuple(
        Connection(name, name, "ssh", {"password": "hunter2"}) for name in identifiers or ("abc",)
    )
    return Grant(source, user, connections, "k", "nonce", 0.0, expires)


@pytest.fixture
async def store(clock: Clock) -> AsyncIterator[Store]:
    opened = open_store("sqlite://", clock)
    yield opened
    await opened.close()


@pytest.fixture
def sessions(store: Store, clock: Clock) -> Sessions:
    return Sessions(store, clock, TIMEOUT)


class StubTunnel:
    """A tunnel as the registry sees it."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.identifier = f"tunnel of {session.token_hash[:4]}"
        self.ended = False

    def end_session(self) -> None:
        self.ended = True


async def test_a_token_opens_its_session(sessions: Sessions) -> None:
    token, session = await sessions.open(grant("abc", "def"))
    assert len(token) == 64
    assert token.isupper() or token.isdigit()
    assert await sessions.find(token) == session
    assert list(session.connections) == ["abc", "def"]


async def test_every_token_is_another(sessions: Sessions) -> None:
    tokens = {(await sessions.open(grant()))[0] for _ in range(50)}
    assert len(tokens) == 50


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        lambda token: token[:-1],
        lambda token: token + "0",
        lambda _: "0" * 64,
        lambda _: "",
        lambda _: "\ud800",
    ],
)
async def test_another_token_opens_nothing(sessions: Sessions, change: Any) -> None:
    token, _ = await sessions.open(grant())
    if change(token) != token:
        assert await sessions.find(change(token)) is None


async def test_the_store_holds_neither_token_nor_secret(sessions: Sessions, store: Store) -> None:
    token, session = await sessions.open(grant())
    ((name, sealed),) = (await store.newest(Kind.TOKEN, 10)).items()
    assert name == session.token_hash == hashed(token)
    for secret in (token, token.lower(), "hunter2", "alice"):
        assert secret not in name
        assert secret.encode() not in sealed
    assert bytes.fromhex(token) not in sealed


@pytest.mark.parametrize(
    "forge",
    [lambda _: b"", lambda _: b"x" * 200, lambda sealed: sealed[:-1], lambda sealed: sealed[:-1] + b"x"],
)
async def test_a_forged_record_opens_nothing(
    sessions: Sessions, store: Store, clock: Clock, forge: Any
) -> None:
    token, session = await sessions.open(grant())
    sealed = await store.get(Kind.TOKEN, session.token_hash)
    await store.put(Kind.TOKEN, session.token_hash, forge(sealed), clock() + 1000)
    assert await sessions.find(token) is None


async def test_a_record_moved_to_another_name_opens_nothing(
    sessions: Sessions, store: Store, clock: Clock
) -> None:
    token, session = await sessions.open(grant())
    _, theirs = await sessions.open(grant(user="bob"))
    sealed = await store.get(Kind.TOKEN, theirs.token_hash)
    assert sealed
    await store.put(Kind.TOKEN, session.token_hash, sealed, clock() + 1000)
    assert await sessions.find(token) is None


async def test_an_idle_session_is_gone(sessions: Sessions, clock: Clock) -> None:
    token, _ = await sessions.open(grant())
    clock.now += TIMEOUT - 1
    assert await sessions.find(token) is not None
    clock.now += TIMEOUT - 1
    assert await sessions.find(token) is not None
    clock.now += TIMEOUT + 1
    assert await sessions.find(token) is None


async def test_a_grant_with_an_end_ends(sessions: Sessions, clock: Clock) -> None:
    token, _ = await sessions.open(grant(expires=clock() + 10))
    clock.now += 9
    assert await sessions.find(token) is not None
    clock.now += 1
    assert await sessions.find(token) is None


async def test_an_open_tunnel_keeps_its_session(sessions: Sessions, clock: Clock) -> None:
    token, session = await sessions.open(grant())
    tunnel: Any = StubTunnel(session)
    sessions.enter(tunnel)
    for _ in range(5):
        clock.now += TIMEOUT - 1
        await sessions.look_after()
    assert not tunnel.ended
    assert await sessions.find(token) is not None
    sessions.leave(tunnel)
    assert len(sessions) == 0


async def test_closing_a_session_ends_its_tunnels_only(sessions: Sessions) -> None:
    _, mine = await sessions.open(grant())
    _, theirs = await sessions.open(grant(user="bob"))
    tunnels: list[Any] = [StubTunnel(mine), StubTunnel(theirs)]
    for tunnel in tunnels:
        sessions.enter(tunnel)
    assert await sessions.close(mine.token_hash)
    assert [tunnel.ended for tunnel in tunnels] == [True, False]
    assert not await sessions.close(mine.token_hash)


async def test_a_session_closed_by_another_broker_ends_here_too(sessions: Sessions, store: Store) -> None:
    _, session = await sessions.open(grant())
    tunnel: Any = StubTunnel(session)
    sessions.enter(tunnel)
    await Sessions(store, sessions._clock, TIMEOUT).close(session.token_hash)
    await sessions.look_after()
    assert tunnel.ended


async def test_a_session_that_the_store_lost_goes_on(sessions: Sessions, store: Store) -> None:
    token, session = await sessions.open(grant())
    tunnel: Any = StubTunnel(session)
    sessions.enter(tunnel)
    await store.delete(Kind.TOKEN, session.token_hash)
    assert await sessions.find(token) is None
    await sessions.look_after()
    assert not tunnel.ended
    assert await sessions.find(token) == session


async def test_a_session_with_an_end_loses_its_tunnels(sessions: Sessions, clock: Clock) -> None:
    _, session = await sessions.open(grant(expires=clock() + 10))
    tunnel: Any = StubTunnel(session)
    sessions.enter(tunnel)
    clock.now += 11
    await sessions.look_after()
    assert tunnel.ended


async def test_more_connections_of_the_same_person(sessions: Sessions) -> None:
    token, session = await sessions.open(grant("abc"))
    added = await sessions.add(token, session, grant("def"))
    assert added is not None
    assert list(added.connections) == ["abc", "def"]
    assert await sessions.find(token) == added


@pytest.mark.parametrize(
    "other",
    [
        grant("abc"),
        grant("def", user="bob"),
        grant("def", source="json"),
        grant("def", expires=1.0),
        grant(*map(str, range(MAX_CONNECTIONS))),
    ],
    ids=["same id", "other user", "other source", "other end", "too many"],
)
async def test_what_does_not_fit_is_not_added(sessions: Sessions, other: Grant) -> None:
    token, session = await sessions.open(grant("abc"))
    assert await sessions.add(token, session, other) is None
    assert await sessions.find(token) == session


async def test_a_token_that_never_was_is_not_remembered_as_closed(sessions: Sessions, store: Store) -> None:
    """Whoever gives back made-up tokens fills no store."""
    name = hashed("made up")
    assert not await sessions.close(name)
    assert await store.get(Kind.CLOSED, name) is None


async def test_who_looks_while_a_session_is_closed_does_not_bring_it_back(
    sessions: Sessions, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, session = await sessions.open(grant())
    elsewhere = Sessions(store, clock, TIMEOUT)
    tunnel: Any = StubTunnel(session)
    elsewhere.enter(tunnel)
    delete = store.delete

    async def delete_watched(kind: Kind, key: str) -> bool:
        there = await delete(kind, key)
        await elsewhere.look_after()
        return there

    monkeypatch.setattr(store, "delete", delete_watched)
    assert await sessions.close(session.token_hash)
    assert await sessions.find(token) is None
    assert tunnel.ended


async def test_a_session_with_an_end_ends_while_the_store_does_not_answer(
    sessions: Sessions, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lives = await sessions.open(grant())
    _, session = await sessions.open(grant(expires=clock() + 10))
    tunnels: list[Any] = [StubTunnel(lives), StubTunnel(session)]
    for tunnel in tunnels:
        sessions.enter(tunnel)

    async def fail(*_: object) -> None:
        raise StoreError("gone")

    for name in ("get", "put", "extend", "delete"):
        monkeypatch.setattr(store, name, fail)
    clock.now += 11
    with pytest.raises(StoreError):
        await sessions.look_after()
    assert [tunnel.ended for tunnel in tunnels] == [False, True]


async def test_two_links_at_once_are_both_added(sessions: Sessions) -> None:
    token, session = await sessions.open(grant("abc"))
    shared = Connection("shared", "shared", "ssh", {}, share="x")
    await asyncio.gather(
        sessions.add(token, session, grant("def")),
        sessions.gain(token, session, shared),
        sessions.add(token, session, grant("ghi")),
    )
    found = await sessions.find(token)
    assert found is not None
    assert found.connections.keys() == {"abc", "def", "ghi", "shared"}


async def test_a_session_that_is_closed_meanwhile_gains_nothing(sessions: Sessions) -> None:
    token, session = await sessions.open(grant("abc"))
    await sessions.close(session.token_hash)
    assert await sessions.add(token, session, grant("def")) is None
    assert await sessions.find(token) is None


async def test_a_new_broker_on_the_same_store_knows_them(
    sessions: Sessions, store: Store, clock: Clock
) -> None:
    token, session = await sessions.open(grant())
    assert await Sessions(store, clock, TIMEOUT).find(token) == session
