"""Connectors that are connected to this broker: each is a stream that a daemon has the other end of.

The broker carries bytes that it cannot read; the daemon knows who it is and how it is, and is asked at an interval.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from broker.networks.registry import Connector, NetworkError
from broker.proxyd_client import ask, open_relay
from proxyd.wire.instruction import encode
from proxyd.wire.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.bans import Bans
    from broker.fleet import Fleet
    from broker.networks.registry import PrivateNetwork, PrivateNetworks
    from broker.proxyd_client import Address

__all__ = ["Entrance", "NoEntryError", "RefusedError", "Relays", "printable"]

MAX_RELAYS, MAX_OF_NETWORK = 1000, 100
"""Connectors of this broker, and those of one network: whoever has one key shall not keep other networks out."""
MAX_STRANGERS = 64
"""Connections of this broker that have not shown a good key yet."""
MAX_STRANGERS_PER_ADDRESS = 4
LOGIN_TIMEOUT = 10.0
READ_SIZE = 262_144
ASKED_AT_ONCE = 40
ANSWER_LIMIT = 1 << 20
"""Connections of which a daemon is asked in one go, and bytes of its answer, in which so many greetings have room."""
STATUS_TIMEOUT = 2.0
CLOSING_TIMEOUT = 3.0
WORD_TIMEOUT = 20.0
MAX_REASON = 300
"""Characters of why a connector does not do what it is told."""
MAX_UPDATE = 300
"""Characters of what a connector says of an update."""
MAX_COUNT = (1 << 53) - 1
"""What a page can reckon with."""
FIRST_LOOKS = (0.2, 0.5, 1.0)
"""Seconds after its beginning when a daemon is asked about a new connection, before its turn comes."""
REVOKED = "the key of the network was revoked or replaced"
REFUSED = frozenset({"refused", "failed"})
"""Ends by which a connection was not what it said: its address is counted."""


class NoEntryError(Exception):
    """A connector is not let in.

    Attributes:
        http: the HTTP status that says so.
    """

    def __init__(self, reason: str, http: int) -> None:
        super().__init__(reason)
        self.http = http


class RefusedError(NetworkError):
    """A connector did not do what it was told."""


class Entrance(Protocol):
    """How a connector came in: a WebSocket or a TCP connection."""

    kind: str

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the connector is slow."""

    async def close(self) -> None:
        """Close it."""


@dataclass
class _Relay:
    """One connection."""

    network: str
    daemon: Address
    address: str
    kind: str
    identifier: str = field(default_factory=lambda: str(uuid.uuid4()))
    live: Connector | None = None
    task: asyncio.Task[None] | None = None
    why: str = ""
    received: int = 0
    sent: int = 0


class Relays:
    """Lets connectors in, carries their bytes, and says in the store how they are."""

    def __init__(
        self,
        networks: PrivateNetworks,
        fleet: Fleet,
        bans: Bans,
        clock: Callable[[], float],
        *,
        allow_insecure: bool,
    ) -> None:
        """Describe it.

        Args:
            networks: who may come.
            fleet: where proxyd listens.
            bans: who is kept out for a while.
            clock: Unix seconds.
            allow_insecure: let the broker's key cross plain TCP to a daemon on another host.
        """
        self._networks = networks
        self._fleet = fleet
        self._bans = bans
        self._clock = clock
        self._allow_insecure = allow_insecure
        self._relays: dict[str, _Relay] = {}
        self._entering: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._relays)

    async def check(self, name: str, address: str) -> PrivateNetwork:
        """Whether a connector may come in.

        Args:
            name: of the network, as the connector says.
            address: from which it comes.

        Raises:
            NoEntryError: no.
        """
        if await self._bans.remaining(_subject(address)):
            raise NoEntryError("too many failures from this address", 429)
        self._make_sure_of_room(name, address)
        network = await self._networks.find(name)
        if network is None:
            await self._bans.failed(_subject(address), "connector of an unknown network")
        if network is None or not network.accepted(self._clock()):
            raise NoEntryError("no such network, or its key was revoked", 403)
        return network

    def _make_sure_of_room(self, network: str, address: str) -> None:
        """Raise `NoEntryError` where there are too many connections already."""
        relays = self._relays.values()
        strangers = Counter(relay.address for relay in relays if relay.live is None) + self._entering
        crowded = strangers.total() >= MAX_STRANGERS or strangers[address] >= MAX_STRANGERS_PER_ADDRESS
        if crowded or len(relays) + self._entering.total() >= MAX_RELAYS:
            raise NoEntryError("too many connections that have not shown a key", 429)
        if sum(relay.network == network and relay.live is not None for relay in relays) >= MAX_OF_NETWORK:
            raise NoEntryError("too many connectors of this network", 429)

    async def carry(self, network: PrivateNetwork, entrance: Entrance, address: str) -> None:
        """Carry a connector's bytes until it leaves or is cut off.

        Raises:
            NoEntryError: no daemon takes it, or there is no room any more.
        """
        log = structlog.get_logger().bind(network=network.name, address=address, entrance=entrance.kind)
        self._make_sure_of_room(network.name, address)  # others came while this one was looked at
        self._entering[address] += 1
        try:
            relay, reader, writer = await self._begun(network, entrance.kind, address)
        finally:
            self._entering[address] -= 1
        self._relays[relay.identifier] = relay
        relay.task = asyncio.current_task()
        looking = asyncio.create_task(self._look_soon(relay), name=f"look at relay {relay.identifier}")
        log.info("connector dialled in", relay=relay.identifier, proxyd=str(relay.daemon))
        try:
            await _pump(relay, entrance, reader, writer)
        except asyncio.CancelledError:
            if not relay.why:
                raise
        finally:
            looking.cancel()
            writer.transport.abort()
            del self._relays[relay.identifier]
            await asyncio.shield(self._ended(relay))

    async def _begun(
        self, network: PrivateNetwork, kind: str, address: str
    ) -> tuple[_Relay, asyncio.StreamReader, asyncio.StreamWriter]:
        for daemon in self._fleet.homes(network.name):
            relay = _Relay(network.name, daemon, address, kind)
            order = {
                "relay": relay.identifier,
                "network": network.name,
                "accepted": network.accepted(self._clock()),
                "key": network.client_key,
            }
            with contextlib.suppress(StatusError):
                reader, writer = await open_relay(
                    daemon,
                    encode("connector", json.dumps(order)),
                    encode("ready", relay.identifier),
                    allow_insecure=self._allow_insecure,
                )
                return relay, reader, writer
        raise NoEntryError("no daemon takes connectors", 503)

    async def _ended(self, relay: _Relay) -> None:
        """Say why, and count an address that had no good key."""
        kind, reason, key = "", relay.why, ""
        with contextlib.suppress(OSError):
            for row in await self._asked(relay.daemon, _status([relay.identifier])):
                if "ended" in row:
                    kind, reason = str(row["ended"]), relay.why or str(row.get("reason", ""))
                    key = str(row.get("key", ""))
        structlog.get_logger().warning(
            "connector left",
            network=relay.network,
            address=relay.address,
            host=relay.live.host if relay.live else "",
            relay=relay.identifier,
            reason=reason,
        )
        if kind in REFUSED and relay.live is None and not await self._forgotten(relay, key):
            await self._bans.failed(_subject(relay.address), f"connector: {reason}"[:200])
        if relay.live is not None:
            now = self._clock()
            await self._networks.note_end(
                replace(relay.live, connected=False, since=now, seen=now, error=reason, sessions=0)
            )

    async def _forgotten(self, relay: _Relay, key: str) -> bool:
        """Whether a connector has a key that ended: no reason to keep out those with the new one behind its address."""
        network = await self._networks.find(relay.network)
        return network is not None and network.ended(key, self._clock())

    async def close(self) -> None:
        """Cut off all connectors, and wait until the store knows."""
        tasks = {relay.task for relay in self._relays.values() if relay.task is not None}
        for relay in list(self._relays.values()):
            self._cut(relay, "the broker is stopping")
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING_TIMEOUT)

    # -- how they are --------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Ask the daemons how connectors are, and cut off those whose key is no longer good; at an interval."""
        await self._cut_revoked()
        asked = defaultdict(list)
        for relay in self._relays.values():
            asked[relay.daemon].append(relay.identifier)
        await asyncio.gather(
            *(
                self._look(daemon, names[at : at + ASKED_AT_ONCE])
                for daemon, names in asked.items()
                for at in range(0, len(names), ASKED_AT_ONCE)
            )
        )

    async def _look_soon(self, relay: _Relay) -> None:
        for seconds in FIRST_LOOKS:
            await asyncio.sleep(seconds)
            if relay.live is None:
                await self._look(relay.daemon, [relay.identifier])
        await asyncio.sleep(LOGIN_TIMEOUT)
        if relay.live is None:
            self._cut(relay, "the connector did not sign in in time")

    async def _look(self, daemon: Address, relays: Sequence[str]) -> None:
        try:
            rows = await self._asked(daemon, _status(relays))
        except OSError:
            return  # a daemon that is gone ends its relays itself
        for row in rows:
            relay = self._relays.get(str(row.get("relay")))
            if relay is not None and "ended" not in row and isinstance(row.get("hello"), dict):
                await self._note(relay, row)

    async def _note(self, relay: _Relay, row: dict[str, Any]) -> None:
        first = relay.live is None
        if first and not await self._still_good(relay, row["generation"]):
            self._cut(relay, REVOKED)
            return
        hello: dict[str, Any] = row["hello"]
        update = hello.get("update")
        update = update if isinstance(update, dict) else {}
        relay.live = self._described(relay, row, _text(update, "about", MAX_UPDATE))
        await self._networks.note(relay.live)
        process = _text(hello, "process", 64)
        if first:
            await self._came(relay.live, process)
            structlog.get_logger().info(
                "connector signed in",
                network=relay.network,
                host=relay.live.host,
                generation=relay.live.generation,
                version=relay.live.version,
                relay=relay.identifier,
            )
        elif update.get("ready") is True and not relay.live.skewed:
            await self._give_turn(relay.live, process, _text(update, "version", 40))

    async def _still_good(self, relay: _Relay, generation: int) -> bool:
        """Whether the key with which a connector signed in was not ended meanwhile."""
        network = await self._networks.find(relay.network)
        return network is not None and generation in network.accepted(self._clock()).values()

    def _described(self, relay: _Relay, row: dict[str, Any], update: str) -> Connector:
        """A connector as its daemon and it itself say that it is."""
        now, hello = self._clock(), row["hello"]
        targets = hello.get("targets")
        return Connector(
            network=relay.network,
            machine="-".join(filter(None, [_text(hello, "machine", 64), _text(hello, "beside", 16)])),
            connected=True,
            since=now if relay.live is None else relay.live.since,
            seen=now,
            relay=relay.identifier,
            daemon=str(relay.daemon),
            address=relay.address,
            endpoint=relay.kind,
            generation=int(row["generation"]),
            round_trip=row.get("round_trip"),
            sessions=int(row.get("streams", 0)),
            received=relay.received,
            sent=relay.sent,
            version=_text(hello, "version", 32),
            host=_text(hello, "host", 64),
            system=_text(hello, "system", 64),
            installed=_text(hello, "installed", 16),
            standby=hello.get("standby") is True,
            targets=tuple(map(printable, targets[:100])) if isinstance(targets, list) else (),
            denied=_count(hello, "denied"),
            clock_offset=round(float(row.get("clock_offset", 0.0)), 1),
            update=update,
        )

    async def _came(self, connector: Connector, process: str) -> None:
        held = await self._networks.rollouts.came(connector, process)
        if held is not None:
            structlog.get_logger().error(
                "update held back", network=connector.network, host=connector.host, version=held.version
            )

    async def _give_turn(self, connector: Connector, process: str, version: str) -> None:
        """Let a connector restart into an update, one of its network at a time."""
        if not await self._networks.rollouts.take_turn(connector, process, version):
            return
        log = structlog.get_logger().bind(
            network=connector.network, host=connector.host, relay=connector.relay
        )
        try:
            await self.say(connector, f"update {version}")
        except RefusedError as error:
            log.warning("connector does not update", version=version, reason=str(error))
            await self._networks.rollouts.give_back(connector)
        except NetworkError as error:  # it may have begun all the same
            log.warning("connector does not say whether it updates", version=version, reason=str(error))
        else:
            log.warning("connector updates", version=version, before=connector.version)

    async def _cut_revoked(self) -> None:
        now = self._clock()
        for name in {relay.network for relay in self._relays.values()}:
            network = await self._networks.find(name)
            good = set(network.accepted(now).values()) if network is not None else set()
            for relay in list(self._relays.values()):
                if relay.network == name and relay.live is not None and relay.live.generation not in good:
                    self._cut(relay, REVOKED)

    def _cut(self, relay: _Relay, why: str) -> None:
        relay.why = why
        if relay.task is not None:
            relay.task.cancel()

    # -- what they are asked -------------------------------------------------------------------------------------------

    async def say(self, connector: Connector, word: str) -> dict[str, Any]:
        """What a connector answers to one of its words, whichever broker it is connected to.

        Raises:
            NetworkError: it does not answer; `RefusedError` where it did nothing for certain.
        """
        daemon = self._fleet.find(connector.daemon)
        if daemon is None:
            raise RefusedError(f"{connector.host} is connected by way of a daemon that is not this broker's")
        try:
            answer = await self._asked(
                daemon, {"op": "say", "relay": connector.relay, "word": word}, WORD_TIMEOUT
            )
        except OSError:
            answer = []
        if not answer:
            raise NetworkError(f"the connector on {connector.host} did not do it: no answer")
        if "error" in answer[0]:
            reason = _text(answer[0], "error", MAX_REASON)
            kind = NetworkError if answer[0].get("silent") is True else RefusedError
            raise kind(f"the connector on {connector.host} did not do it: {reason}")
        return answer[0]

    async def _asked(
        self, daemon: Address, request: dict[str, Any], seconds: float = STATUS_TIMEOUT
    ) -> list[dict[str, Any]]:
        """Objects that a daemon answers about connectors.

        Raises:
            OSError: it does not answer, or not so.
        """
        told = await ask(daemon, encode("connectors", json.dumps(request)), ANSWER_LIMIT, seconds)
        try:
            rows = [json.loads("".join(row.args)) for row in told if row.opcode == "connectors"]
        except (ValueError, RecursionError):
            raise ConnectionResetError("no objects") from None
        return [row for row in rows if isinstance(row, dict)]


async def _pump(
    relay: _Relay, entrance: Entrance, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Both ways until one side ends; each direction waits for the slower side."""

    async def up() -> None:
        while data := await entrance.read():
            relay.received += len(data)
            writer.write(data)
            await writer.drain()

    async def down() -> None:
        while data := await reader.read(READ_SIZE):
            relay.sent += len(data)
            await entrance.write(data)

    both = [
        asyncio.create_task(up(), name=f"relay up {relay.identifier}"),
        asyncio.create_task(down(), name=f"relay down {relay.identifier}"),
    ]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        await entrance.close()


def _subject(address: str) -> str:
    """Whom a ban concerns: connectors from there, not the people who may sit behind the same address."""
    return f"connector {address}"


def _status(relays: Sequence[str]) -> dict[str, Any]:
    """The question how connectors are."""
    return {"op": "status", "relays": list(relays)}


def _text(hello: dict[str, Any], name: str, most: int) -> str:
    """A connector's word of itself."""
    return printable(hello.get(name, ""), most)


def printable(value: Any, most: int = 100) -> str:
    """What a connector says: it is inside somebody else's network, so it is cut and freed of controls."""
    return "".join(character for character in str(value)[:most] if character.isprintable())


def _count(hello: dict[str, Any], name: str) -> int:
    """A connector's number of something."""
    value = hello.get(name)
    return min(max(value, 0), MAX_COUNT) if isinstance(value, int) else 0
