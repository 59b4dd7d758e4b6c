"""Which private networks there are, by which keys their connectors are known, and where connectors are."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import asyncssh

from broker.networks.rollouts import Rollouts
from broker.store.base import Kind
from connector.keyfile import NETWORK_NAME, ConnectorKey, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from broker.store.base import Store

__all__ = ["MAX_OVERLAP", "AcceptedKey", "Connector", "NetworkError", "PrivateNetwork", "PrivateNetworks"]

MAX_OVERLAP = 86400.0
"""Seconds that the key before a new one may stay good at most."""
FOREVER = 50 * 365 * 86400.0
SHOWN_WITHIN = 86400.0
"""Seconds within which a new key has to be shown, once."""
REMEMBERED = 7 * 86400.0
"""Seconds that a connector is remembered that is gone."""
FRESH = 15.0
"""Seconds after which a connector counts as lost of which its broker says nothing."""
MAX_SKEW = 120.0
"""Seconds that a connector's clock may be off; see `connector.doctor`, which wants less."""
MAX_LISTED = 1000
MAX_KEYS = 16
"""Keys of one network that are remembered, the newest."""


class NetworkError(Exception):
    """What was asked of a network cannot be done. The text is for an operator."""


@dataclass(frozen=True)
class AcceptedKey:
    """One generation of a network's key.

    Attributes:
        generation: from 1.
        fingerprint: of the connector's public key.
        created: Unix seconds.
        until: Unix seconds at which it ends; None while it is in force.
    """

    generation: int
    fingerprint: str
    created: float
    until: float | None = None

    def good(self, now: float) -> bool:
        """Whether connectors may come with it."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class PrivateNetwork:
    """One network.

    Attributes:
        name: as connection parameters have it.
        created: Unix seconds.
        endpoints: where its connectors dial.
        client_key: the private SSH key with which brokers sign in at its connectors.
        keys: all generations, the oldest first.
    """

    name: str
    created: float
    endpoints: tuple[str, ...]
    client_key: str = field(repr=False)
    keys: tuple[AcceptedKey, ...] = ()

    def accepted(self, now: float) -> dict[str, int]:
        """Fingerprints that are good, with their generations."""
        return {key.fingerprint: key.generation for key in self.keys if key.good(now)}

    def ended(self, fingerprint: str, now: float) -> bool:
        """Whether a key was good once: who still has it forgot to change it."""
        return any(key.fingerprint == fingerprint and not key.good(now) for key in self.keys)


@dataclass(frozen=True)
class Connector:
    """One connector, as its broker knows it.

    Attributes:
        network, machine: name it.
        connected: whether it is there.
        since: Unix seconds since when it is there, or not.
        seen: Unix seconds when its broker said so last.
        relay: names its connection to the broker.
        daemon: the daemon that holds its SSH connection.
        address: from which it dialled.
        endpoint: where it came in: `wss` or `tcp`.
        generation: of its key.
        round_trip: milliseconds.
        sessions: streams that are open.
        received, sent: bytes from and to it.
        error: why it is not there.
        version, host, system, installed, standby, targets, denied, clock_offset: what it says of itself.
        update: what it says of a newer version; empty where none is offered.
    """

    network: str
    machine: str
    connected: bool
    since: float
    seen: float
    relay: str = ""
    daemon: str = ""
    address: str = ""
    endpoint: str = ""
    generation: int = 0
    round_trip: float | None = None
    sessions: int = 0
    received: int = 0
    sent: int = 0
    error: str = ""
    version: str = ""
    host: str = ""
    system: str = ""
    installed: str = ""
    standby: bool = False
    targets: tuple[str, ...] = ()
    denied: int = 0
    clock_offset: float = 0.0
    update: str = ""

    @property
    def skewed(self) -> bool:
        """Whether its clock is so far off that it does not know when its window is."""
        return self.connected and abs(self.clock_offset) > MAX_SKEW

    @property
    def key(self) -> str:
        """Of its record."""
        return f"{self.network}:{self.machine}"


class PrivateNetworks:
    """The records of all brokers on one store.

    Attributes:
        rollouts: of updates of their connectors.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._store = store
        self._clock = clock
        self.rollouts = Rollouts(store, clock)

    # -- networks and their keys ---------------------------------------------------------------------------------------

    async def find(self, name: str) -> PrivateNetwork | None:
        """The network of a name."""
        value = await self._store.get(Kind.NETWORK, name) if NETWORK_NAME.fullmatch(name) else None
        return _network(value) if value is not None else None

    async def all(self) -> list[PrivateNetwork]:
        """All networks, by name."""
        values = (await self._store.newest(Kind.NETWORK, MAX_LISTED)).values()
        return sorted(map(_network, values), key=lambda network: network.name)

    async def new_key(
        self, name: str, endpoints: Sequence[str] = (), overlap: float = 0.0, *, first: bool = False
    ) -> tuple[PrivateNetwork, AcceptedKey]:
        """Make a network's first key, or its next one; `show_once` hands it out.

        Args:
            name: of the network, which begins to exist with its first key.
            endpoints: where connectors shall dial, the best first; those of the key before where none are given.
            overlap: seconds for which the key before stays good.
            first: whether the network is meant to be new.

        Raises:
            NetworkError: the name, an endpoint or the overlap will not do; or somebody else changed it meanwhile.
        """
        if not NETWORK_NAME.fullmatch(name):
            raise NetworkError("a network is called by up to 63 characters of a-z, 0-9 and -")
        if not 0 <= overlap <= MAX_OVERLAP:
            raise NetworkError("the key before stays good for 24 hours at most")
        now = self._clock()
        before = await self._store.get(Kind.NETWORK, name)
        if first and before is not None:
            raise NetworkError(f"there is a network {name} already: manage it, and make its next key")
        network = (
            PrivateNetwork(name, now, (), _private(asyncssh.generate_private_key("ssh-ed25519")))
            if before is None
            else _network(before)
        )
        network = replace(network, endpoints=_endpoints(endpoints) or network.endpoints)
        if not network.endpoints:
            raise NetworkError(
                "say where connectors shall dial: --endpoint wss://desk.example.org/guacamole/connector"
            )
        pair = asyncssh.generate_private_key("ssh-ed25519")
        generation = max((key.generation for key in network.keys), default=0) + 1
        made = AcceptedKey(generation, pair.get_fingerprint(), now)
        ended = [replace(key, until=min(key.until or now + overlap, now + overlap)) for key in network.keys]
        network = replace(network, keys=(*ended, made)[-MAX_KEYS:])
        text = ConnectorKey(
            name,
            generation,
            tuple(map(Endpoint.parse, network.endpoints)),
            (asyncssh.import_private_key(network.client_key).export_public_key().decode().strip(),),
            _private(pair),
        ).text()
        await self._put(network, before)
        await self._store.put(Kind.NETWORK_KEY, name, text.encode(), now + SHOWN_WITHIN)
        return network, made

    async def show_once(self, name: str) -> str | None:
        """The text of the newest key, and never again; None where it was shown, or a day has passed."""
        value = await self._store.get(Kind.NETWORK_KEY, name)
        if value is None or not await self._store.delete(Kind.NETWORK_KEY, name):
            return None
        return value.decode()

    async def revoke(self, name: str, generation: int | None = None) -> list[AcceptedKey]:
        """End a key, or all: its connectors are cut off and refused from now on. Returns those that were good.

        Raises:
            NetworkError: there is no such network.
        """
        before = await self._store.get(Kind.NETWORK, name)
        if before is None:
            raise NetworkError(f"there is no network {name}")
        network, now = _network(before), self._clock()
        ending = [key for key in network.keys if key.good(now) and generation in {None, key.generation}]
        await self._put(
            replace(
                network, keys=tuple(replace(key, until=now) if key in ending else key for key in network.keys)
            ),
            before,
        )
        if any(key.generation == max(row.generation for row in network.keys) for key in ending):
            await self._store.delete(Kind.NETWORK_KEY, name)
        return ending

    async def remove(self, name: str) -> bool:
        """Forget a network, its keys and its connectors; False where there is none."""
        await self._store.delete(Kind.NETWORK_KEY, name)
        await self.rollouts.forget(name)
        for connector in await self.connectors(name):
            await self._store.delete(Kind.CONNECTOR, connector.key)
        return await self._store.delete(Kind.NETWORK, name)

    async def _put(self, network: PrivateNetwork, before: bytes | None) -> None:
        """Write a network that was read as `before`: nobody's revocation shall be undone by somebody's new key."""
        value, until = json.dumps(asdict(network)).encode(), self._clock() + FOREVER
        written = (
            self._store.add(Kind.NETWORK, network.name, value, until)
            if before is None
            else self._store.swap(Kind.NETWORK, network.name, before, value, until)
        )
        if not await written:
            raise NetworkError(
                f"somebody else changed the network {network.name} meanwhile: look, and try again"
            )

    # -- connectors ----------------------------------------------------------------------------------------------------

    async def note(self, connector: Connector) -> None:
        """Say how a connector is."""
        value = json.dumps(asdict(connector)).encode()
        await self._store.put(Kind.CONNECTOR, connector.key, value, self._clock() + REMEMBERED)

    async def note_end(self, connector: Connector) -> None:
        """Say that a connector is gone, unless it came back by another relay meanwhile."""
        value = await self._store.get(Kind.CONNECTOR, connector.key)
        if value is None or _fields(value)["relay"] == connector.relay:
            await self.note(connector)

    async def connectors(self, name: str) -> list[Connector]:
        """A network's connectors, those that are there first; one of which nothing is heard counts as lost."""
        values = (await self._store.newest(Kind.CONNECTOR, MAX_LISTED, name)).values()
        rows = [self._judged(Connector(**_fields(value))) for value in values]
        return sorted(rows, key=lambda row: (not row.connected, row.standby, row.host, row.machine))

    def _judged(self, connector: Connector) -> Connector:
        if not connector.connected or self._clock() - connector.seen <= FRESH:
            return connector
        error = "the broker that it was connected to is gone"
        return replace(connector, connected=False, since=connector.seen, error=error)

    async def daemons(self, name: str) -> list[str]:
        """The daemons that reach a network, the best first."""
        rows = [row for row in await self.connectors(name) if row.connected]
        return list(dict.fromkeys(row.daemon for row in rows))


def _network(value: bytes) -> PrivateNetwork:
    fields = _fields(value)
    return PrivateNetwork(**{**fields, "keys": tuple(AcceptedKey(**key) for key in fields["keys"])})


def _fields(value: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(value)
    return {name: tuple(item) if isinstance(item, list) else item for name, item in fields.items()}


def _endpoints(given: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(str(Endpoint.parse(text)) for text in given)
    except ValueError as error:
        raise NetworkError(str(error)) from None


def _private(key: asyncssh.SSHKey) -> str:
    return key.export_private_key().decode()
