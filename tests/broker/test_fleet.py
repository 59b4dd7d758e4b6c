"""Which daemon a new session goes to."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import pytest

from broker.fleet import Fleet, parted
from broker.proxyd_client import Address, Load
from proxyd.wire.instruction import encode
from tests.fakes.guacd import Guacd
from tests.servers import processes

ONE, TWO, THREE = Address("one", 4822), Address("two", 4822), Address(path="/run/three.sock")


def fleet(**loads: Load | None) -> Fleet:
    made = Fleet([ONE, TWO, THREE])
    for daemon, name in zip(made.daemons, ("one", "two", "three"), strict=True):
        daemon.load = loads.get(name, Load(0, 100, draining=False))
    return made


def test_the_emptiest_is_first() -> None:
    made = fleet(
        one=Load(5, 10, draining=False), two=Load(20, 100, draining=False), three=Load(3, 4, draining=False)
    )
    assert made.choices() == [TWO, ONE, THREE]


def test_who_drains_is_last_and_who_is_dead_is_none() -> None:
    made = fleet(one=Load(0, 10, draining=True), two=Load(9, 10, draining=False))
    made.daemons[2].misses = 2
    assert made.choices() == [TWO, ONE]


def test_where_all_are_dead_all_are_tried() -> None:
    made = fleet()
    for daemon in made.daemons:
        daemon.misses = 5
    assert set(made.choices()) == {ONE, TWO, THREE}


def test_what_was_opened_since_counts() -> None:
    made = fleet()
    order = []
    for _ in range(6):
        order.append(made.choices()[0])
        with made.opening(order[-1]):
            pass
    assert {address: order.count(address) for address in order} == {ONE: 2, TWO: 2, THREE: 2}


def test_what_is_being_opened_counts_until_it_fails() -> None:
    """Fifty people may come in the same moment, before any of them has arrived."""
    made = fleet()
    with ExitStack() as stack:
        order = []
        for _ in range(6):
            order.append(made.choices()[0])
            stack.enter_context(made.opening(order[-1]))
        assert {address: order.count(address) for address in order} == {ONE: 2, TWO: 2, THREE: 2}
    with pytest.raises(OSError, match="refused"), made.opening(ONE):
        raise OSError("refused")
    assert [(row.opened, row.opening) for row in made.daemons] == [(2, 0)] * 3


def test_daemons_are_found_by_name() -> None:
    made = fleet()
    assert made.find("two:4822") is TWO
    assert made.find("unix:/run/three.sock") is THREE
    assert made.find("four:4822") is None
    assert made.find("") is None
    assert Fleet([ONE]).find("") is ONE


@pytest.mark.parametrize(
    ("name", "parts"),
    [("one:4822$ab", ("one:4822", "$ab")), ("$ab", ("", "$ab")), ("unix:/a$ab", ("unix:/a", "$ab"))],
)
def test_a_whole_name_has_two_parts(name: str, parts: tuple[str, str]) -> None:
    assert parted(name) == parts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one", ["one:1"]),
        ("one, two:2", ["one:1", "two:2"]),
        ("::1,[::2]:5", ["[::1]:1", "[::2]:5"]),
        ("unix:/a, /b", ["unix:/a", "unix:/b"]),
    ],
)
def test_a_list_of_hosts(text: str, found: list[str]) -> None:
    assert [str(address) for address in Address.several(text, 1, secure=False, authority=None)] == found


async def looked_at(answer: Any) -> Fleet:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read(100) == b"6.status;"
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        made = Fleet([Address("127.0.0.1", server.sockets[0].getsockname()[1])])
        await made.look()
    return made


@pytest.mark.parametrize(
    ("answer", "load"),
    [
        (encode("status", 3, 10, 1), Load(3, 10, draining=True)),
        (encode("status", 3, 10, 0, 1, -1, 2), Load(3, 10, draining=False, workers=(1, -1, 2))),
        (encode("status", "x", 10, 1), None),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", None),
        (b"", None),
    ],
)
async def test_what_a_daemon_says(answer: bytes, load: Load | None) -> None:
    made = await looked_at(answer)
    assert made.daemons[0].load == load
    assert made.daemons[0].alive


async def test_a_guacd_lives_and_says_nothing() -> None:
    async with Guacd() as daemon:
        made = Fleet([Address("127.0.0.1", daemon.port)])
        await made.look()
        assert made.daemons[0].alive
        assert made.daemons[0].load is None


async def test_nobody_there() -> None:
    made = Fleet([Address("127.0.0.1", processes.free_port())])
    for alive in (True, False):
        await made.look()
        assert made.daemons[0].alive is alive
