"""One person, two brokers, one daemon: windows that come, go and die in any order find one session, and it is known whether one looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.auth.base import Connection, Grant
from broker.fleet import Fleet
from broker.gateway import Gateway, Limits
from broker.keeping import Keeping, identify
from broker.metrics import Metrics
from broker.proxyd_client import Address
from broker.records import Records
from broker.sessions import Sessions
from broker.sharing import Sharing
from broker.store import open_store
from proxyd.wire.handshake import ClientHandshake, ClientInfo
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from broker.tunnel import Tunnel

BROKERS = strategies.sampled_from((0, 1))
KEEP = 900


@dataclass(eq=False)
class Daemon:
    """What proxyd knows: its sessions, whose they are, and how many windows look at each."""

    words: dict[str, str] = field(default_factory=dict)
    windows: dict[str, set[Upstream]] = field(default_factory=dict)

    async def connect(
        self, address: Address, handshake: ClientHandshake, *, allow_insecure: bool = False
    ) -> Upstream:
        await asyncio.sleep(0)
        name, word = handshake.target, handshake.parameters["session-owner"]
        if not name.startswith("$"):
            name = f"${len(self.words)}"
            self.words[name] = word
            self.windows[name] = set()
        elif name not in self.windows or self.words[name] != word:
            raise StatusError(Status.RESOURCE_NOT_FOUND, "No such connection.")
        upstream = Upstream(name, self)
        self.windows[name].add(upstream)
        return upstream


@dataclass(eq=False)
class Upstream:
    connection_id: str
    daemon: Daemon
    waiting_since: float | None = None

    async def write(self, data: bytes) -> None:
        """Nothing is asked of it."""

    def close(self, goodbye: bytes = b"") -> None:
        self.daemon.windows.get(self.connection_id, set()).discard(self)
        if goodbye:
            self.daemon.windows.pop(self.connection_id, None)


def gateway_of(store: Any, clock: Callable[[], float]) -> tuple[Gateway, Sessions]:
    """What one broker has of it."""

    async def introduce(_: str, connection: Connection) -> Connection:
        return connection

    def completed(parameters: Mapping[str, str], *_: object) -> dict[str, str]:
        return dict(parameters)

    sessions, anything = Sessions(store, clock, 3600.0), SimpleNamespace()
    made = Gateway(
        Fleet([Address("127.0.0.1", 4822)]),
        sessions,
        Records(store, clock, 0.0),
        Keeping(store, clock),
        Sharing(store, sessions, clock),
        anything,  # type: ignore[arg-type]
        SimpleNamespace(completed=completed),  # type: ignore[arg-type]
        None,
        SimpleNamespace(introduce=introduce),  # type: ignore[arg-type]
        Metrics(),
        clock,
        Limits(100, KEEP, 5),
        allow_insecure=True,
    )
    return made, sessions


class Windows(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.loop = asyncio.new_event_loop()
        self.daemon = Daemon()
        self.patch = mock.patch("broker.gateway.connect", self.daemon.connect)
        self.patch.start()
        self.store = open_store("sqlite://", lambda: self.now)
        self.brokers = [gateway_of(self.store, lambda: self.now) for _ in range(2)]
        connection = Connection("abc", "shell", "ssh", {"hostname": "10.0.0.1"})
        grant = Grant("hmac", "alice", (connection,), "k", "", 0.0)
        _, self.session = self.do(self.brokers[0][1].open(grant))
        self.key = identify(self.session, connection, "").key
        self.open: list[tuple[int, Tunnel]] = []

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _come(self, *brokers: int) -> None:
        client = ClientInfo()
        opening = (self.brokers[n][0].open(self.session, ("c", "abc"), client, "192.0.2.1") for n in brokers)
        self.open += zip(brokers, await asyncio.gather(*opening), strict=True)

    def _leave(self, number: int) -> None:
        broker, tunnel = self.open.pop(number % len(self.open))
        self.brokers[broker][0].close(tunnel, Status.SUCCESS)

    @rule(broker=BROKERS)
    def come(self, broker: int) -> None:
        self.do(self._come(broker))

    @rule(first=BROKERS, second=BROKERS)
    def two_come_at_once(self, first: int, second: int) -> None:
        self.do(self._come(first, second))

    @precondition(lambda self: self.open)
    @rule(number=strategies.integers(0, 9))
    def leave(self, number: int) -> None:
        async def work() -> None:
            self._leave(number)

        self.do(work())

    @precondition(lambda self: self.open)
    @rule(number=strategies.integers(0, 9), broker=BROKERS)
    def come_back_while_the_old_socket_dies(self, number: int, broker: int) -> None:
        async def work() -> None:
            coming = asyncio.create_task(self._come(broker))
            await asyncio.sleep(0)
            self._leave(number)
            await coming

        self.do(work())

    @rule()
    def the_session_ends(self) -> None:
        """The instance ended it: every window is told."""

        async def work() -> None:
            self.daemon.windows.clear()
            for _, tunnel in self.open:
                tunnel.end(Status.SUCCESS, for_good=True)
            while self.open:
                self._leave(0)

        self.do(work())

    @rule(seconds=strategies.sampled_from((1.0, 30.0)))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def it_is_known_whether_somebody_looks(self) -> None:
        for gateway, _ in self.brokers:
            self.do(gateway.settled())
        for gateway, _ in self.brokers:
            self.do(gateway.look_after())
        kept = self.do(Keeping(self.store, lambda: self.now).find(self.key))
        if self.open:
            assert kept is not None
            assert kept.detached is None
        elif kept is not None:
            assert kept.detached is not None

    @invariant()
    def there_is_one_session_and_it_is_found_again(self) -> None:
        assert {tunnel.connection_id for _, tunnel in self.open} <= self.daemon.windows.keys()
        assert len(self.daemon.windows) <= 1
        kept = self.do(Keeping(self.store, lambda: self.now).find(self.key))
        for name in self.daemon.windows:
            assert kept is not None
            assert kept.proxyd == name

    def teardown(self) -> None:
        self.patch.stop()
        self.do(self.store.close())
        self.loop.close()


TestWindows = Windows.TestCase
TestWindows.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
