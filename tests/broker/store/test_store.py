"""One suite for every store: what is promised of records that expire."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from broker.store import Kind, StoreError, open_store
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from broker.store import Store

LATER = 60.0
SOON = 0.05


@pytest.fixture(scope="module")
def redis_address() -> Iterator[str]:
    """A real redis-server without a file."""
    port = processes.free_port()
    server = processes.start(
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
    )
    try:
        processes.wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        processes.stop(server)


@pytest.fixture(params=["memory", "file", pytest.param("redis", marks=pytest.mark.real)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        address: str = request.getfixturevalue("redis_address")
        subprocess.run(
            [processes.require("redis-cli"), "-u", address, "flushall"], check=True, capture_output=True
        )
        return address
    return "sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path}/deep/er/broker.sqlite"


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    opened = open_store(address, time.time)
    yield opened
    await opened.close()


async def gone(store: Store, kind: Kind, key: str) -> None:
    async with asyncio.timeout(5):
        while await store.get(kind, key) is not None:
            await asyncio.sleep(0.01)


async def test_what_was_put_is_got(store: Store) -> None:
    value = bytes(range(256))
    await store.put(Kind.TOKEN, "a", value, time.time() + LATER)
    assert await store.get(Kind.TOKEN, "a") == value
    assert await store.get(Kind.TOKEN, "b") is None
    assert await store.get(Kind.NONCE, "a") is None
    await store.put(Kind.TOKEN, "a", b"other", time.time() + LATER)
    assert await store.get(Kind.TOKEN, "a") == b"other"


async def test_a_record_is_swapped_only_for_what_was_read(store: Store) -> None:
    later = time.time() + LATER
    assert not await store.swap(Kind.REPORT, "a", b"one", b"two", later)
    await store.put(Kind.REPORT, "a", b"one", later)
    assert await store.swap(Kind.REPORT, "a", b"one", b"two", later)
    assert not await store.swap(Kind.REPORT, "a", b"one", b"three", later)
    assert await store.get(Kind.REPORT, "a") == b"two"
    assert list(await store.newest(Kind.REPORT, 10)) == ["a"]


async def test_of_many_who_swap_at_once_each_counts(store: Store) -> None:
    later = time.time() + LATER
    await store.put(Kind.REPORT, "a", b"0", later)

    async def one_more() -> None:
        while True:
            old = await store.get(Kind.REPORT, "a")
            assert old is not None
            if await store.swap(Kind.REPORT, "a", old, str(int(old) + 1).encode(), later):
                return

    await asyncio.gather(*(one_more() for _ in range(8)))
    assert await store.get(Kind.REPORT, "a") == b"8"


async def test_what_was_swapped_was_put_last(store: Store) -> None:
    later = time.time() + LATER
    for name in ("a", "b"):
        await store.put(Kind.REPORT, name, b"old", later)
    assert await store.swap(Kind.REPORT, "a", b"old", b"new", later)
    assert list(await store.newest(Kind.REPORT, 10)) == ["a", "b"]


async def test_what_expired_is_not_swapped(store: Store) -> None:
    await store.put(Kind.REPORT, "a", b"x", time.time() + SOON)
    await gone(store, Kind.REPORT, "a")
    assert not await store.swap(Kind.REPORT, "a", b"x", b"y", time.time() + LATER)


async def test_records_expire(store: Store) -> None:
    await store.put(Kind.TOKEN, "a", b"x", time.time() + SOON)
    await gone(store, Kind.TOKEN, "a")
    assert not await store.extend(Kind.TOKEN, "a", time.time() + LATER)
    assert not await store.delete(Kind.TOKEN, "a")
    await store.put(Kind.TOKEN, "past", b"x", time.time() - 1)
    assert await store.get(Kind.TOKEN, "past") is None


async def test_only_the_first_adds(store: Store) -> None:
    added = await asyncio.gather(
        *(store.add(Kind.NONCE, "n", str(number).encode(), time.time() + LATER) for number in range(20))
    )
    assert sum(added) == 1
    assert await store.get(Kind.NONCE, "n") == str(added.index(True)).encode()


async def test_what_expired_can_be_added_again(store: Store) -> None:
    assert await store.add(Kind.NONCE, "n", b"1", time.time() + SOON)
    await gone(store, Kind.NONCE, "n")
    assert await store.add(Kind.NONCE, "n", b"2", time.time() + LATER)


async def test_extending_keeps(store: Store) -> None:
    await store.put(Kind.TOKEN, "a", b"x", time.time() + 0.3)
    assert await store.extend(Kind.TOKEN, "a", time.time() + LATER)
    await store.put(Kind.TOKEN, "witness", b"x", time.time() + 0.4)
    await gone(store, Kind.TOKEN, "witness")
    assert await store.get(Kind.TOKEN, "a") == b"x"


async def test_deleting(store: Store) -> None:
    await store.put(Kind.TOKEN, "a", b"x", time.time() + LATER)
    assert await store.delete(Kind.TOKEN, "a")
    assert not await store.delete(Kind.TOKEN, "a")
    assert await store.get(Kind.TOKEN, "a") is None


async def test_counting(store: Store) -> None:
    totals = await asyncio.gather(
        *(store.count(Kind.FAILURES, "10.0.0.1", time.time() + LATER) for _ in range(10))
    )
    assert sorted(totals) == list(range(1, 11))
    assert await store.count(Kind.FAILURES, "10.0.0.2", time.time() + SOON) == 1
    await gone(store, Kind.FAILURES, "10.0.0.2")
    assert await store.count(Kind.FAILURES, "10.0.0.2", time.time() + LATER) == 1


async def test_the_newest_come_first(store: Store) -> None:
    for number in range(6):
        await store.put(Kind.HISTORY, f"h{number}", str(number).encode(), time.time() + LATER)
    await store.add(Kind.HISTORY, "added", b"a", time.time() + LATER)
    await store.put(Kind.HISTORY, "h1", b"1 again", time.time() + LATER)
    await store.delete(Kind.HISTORY, "h4")
    await store.put(Kind.BAN, "other kind", b"", time.time() + LATER)
    assert await store.newest(Kind.HISTORY, 4) == {"h1": b"1 again", "added": b"a", "h5": b"5", "h3": b"3"}
    assert list(await store.newest(Kind.HISTORY, 4)) == ["h1", "added", "h5", "h3"]
    assert len(await store.newest(Kind.HISTORY, 100)) == 6


async def test_the_newest_without_what_expired(store: Store) -> None:
    await store.put(Kind.RUNNING, "short", b"", time.time() + SOON)
    await store.put(Kind.RUNNING, "long", b"", time.time() + LATER)
    await gone(store, Kind.RUNNING, "short")
    assert list(await store.newest(Kind.RUNNING, 10)) == ["long"]


async def test_odd_keys(store: Store) -> None:
    for key in ("", "a:b", "'; DROP TABLE record; --", "\u20ac", "x" * 500, "a b\nc"):
        assert await store.add(Kind.NONCE, key, b"x", time.time() + LATER)
        assert await store.get(Kind.NONCE, key) == b"x"


# -- each alone ------------------------------------------------------------------------------------------------------


async def test_a_file_survives_and_is_private(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/broker.sqlite"
    first = open_store(address, time.time)
    await first.put(Kind.NONCE, "n", b"x", time.time() + LATER)
    await first.close()
    assert stat.S_IMODE((tmp_path / "broker.sqlite").stat().st_mode) == 0o600
    second = open_store(address, time.time)
    assert await second.get(Kind.NONCE, "n") == b"x"
    await second.close()


async def test_two_brokers_share_one_file(tmp_path: Path) -> None:
    """A new broker opens the file while the old one drains."""
    address = f"sqlite:///{tmp_path}/broker.sqlite"
    first, second = open_store(address, time.time), open_store(address, time.time)
    added = await asyncio.gather(
        *(store.add(Kind.NONCE, "n", b"", time.time() + LATER) for store in (first, second) for _ in range(5))
    )
    assert sum(added) == 1
    await first.close()
    await second.close()


async def test_expired_records_leave_the_file(tmp_path: Path) -> None:
    from broker.store import sqlite

    store = sqlite.SqliteStore(tmp_path / "s.sqlite", time.time)
    for number in range(sqlite.SWEEP_EVERY):
        await store.put(Kind.NONCE, str(number), b"", time.time() - 1)
    left = store._thread.submit(store._connection.execute, "SELECT count(*) FROM record").result()
    assert store._thread.submit(left.fetchone).result()[0] <= 1
    await store.close()


def test_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    store = open_store("sqlite:///~/state/b.sqlite", time.time)
    asyncio.run(store.close())
    assert (tmp_path / "state" / "b.sqlite").exists()


@pytest.mark.parametrize("address", ["", "mysql://x", "/tmp/x", "sqlite:/x"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(StoreError, match="store: should be"):
        open_store(address, time.time)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/file/db", time.time)
    (tmp_path / "not-a-database").write_bytes(os.urandom(4096))
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/not-a-database", time.time)


async def test_a_server_that_does_not_answer() -> None:
    with socket.socket() as silent:  # bound, so that nobody else gets the port, and not listening
        silent.bind(("127.0.0.1", 0))
        store = open_store(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", time.time)
        with pytest.raises(StoreError, match="does not answer"):
            await store.get(Kind.TOKEN, "a")
        await store.close()


async def test_one_group_is_listed_alone(store: Store) -> None:
    later = time.time() + LATER
    for key in ("aa:1", "a:1", "a:2", "b:1", "ab:1"):
        await store.put(Kind.KEPT, key, key.encode(), later)
    assert list(await store.newest(Kind.KEPT, 10, "a")) == ["a:2", "a:1"]
    assert list(await store.newest(Kind.KEPT, 1, "a")) == ["a:2"]
    assert await store.newest(Kind.KEPT, 10, "c") == {}
    assert len(await store.newest(Kind.KEPT, 10)) == 5
    await store.delete(Kind.KEPT, "a:2")
    assert list(await store.newest(Kind.KEPT, 10, "a")) == ["a:1"]


async def test_a_thousand_calls_at_once(store: Store) -> None:
    """As a broker makes them that settles its tunnels when it stops."""
    until = time.time() + LATER
    await asyncio.gather(*(store.put(Kind.KEPT, f"who:{n}", b"x", until) for n in range(1000)))
    assert len(await store.newest(Kind.KEPT, 2000, "who")) == 1000
