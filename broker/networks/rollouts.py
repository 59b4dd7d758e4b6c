"""Updates of a network's connectors: whose turn it is to restart, and which version failed at one and is held back from all.

A connector that comes back with an older version than it left for has gone back to it; one that does not come back at all
is worse. Either way the version waits, for the whole network, until an operator or another release says otherwise. The
connector at which it failed makes its own further attempts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from broker.store.base import Kind
from connector.release import ReleaseError, number

if TYPE_CHECKING:
    from collections.abc import Callable

    from broker.networks.registry import Connector
    from broker.store.base import Store

__all__ = ["LOST_AFTER", "Held", "Rollout", "Rollouts", "Turn", "words"]

LOST_AFTER = 900.0
"""Seconds after which a connector has not come back from an update: a trial takes 300, then the old version dials."""
AGAIN_AFTER = 60.0
"""Seconds after which a connector that never left may be told again."""
KEPT = 50 * 365 * 86400.0


@dataclass(frozen=True)
class Turn:
    """A connector's turn to restart.

    Attributes:
        machine, host: the connector.
        process: names its process before the restart.
        version: into which it restarts.
        since: Unix seconds.
    """

    machine: str
    host: str
    process: str
    version: str
    since: float

    def packed(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self)).encode()


@dataclass(frozen=True)
class Held:
    """A version that failed.

    Attributes:
        version: of the release.
        machine, host: the connector at which it failed.
        since: Unix seconds.
        gone: whether that never came back; else it runs its old version.
    """

    version: str
    machine: str
    host: str
    since: float
    gone: bool


class Rollout(NamedTuple):
    """How a network's updates stand; None where there is nothing of the kind."""

    turn: Turn | None
    held: Held | None


class Rollouts:
    """The records of all brokers on one store."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them; `clock` tells Unix seconds."""
        self._store = store
        self._clock = clock

    async def find(self, network: str) -> Rollout:
        """How a network's updates stand; who is away for too long counts as lost."""
        turn, held = await self._read(network)
        if turn is not None and self._clock() - turn.since > LOST_AFTER:
            return Rollout(None, _failed(turn, turn.since, gone=True))
        return Rollout(turn, held)

    async def _read(self, network: str) -> Rollout:
        turn, held = [_fields(await self._store.get(kind, network)) for kind in (Kind.TURN, Kind.HELD)]
        return Rollout(Turn(**turn) if turn else None, Held(**held) if held else None)

    async def take_turn(self, connector: Connector, process: str, version: str) -> bool:
        """Whether a connector may restart into a version: it is not held back, and no other one is away."""
        turn, held = await self._read(connector.network)
        if held is not None and _equal(held.version, version) and held.machine != connector.machine:
            return False
        now = self._clock()
        new = Turn(connector.machine, connector.host, process, version, now).packed()
        if turn is None:
            return await self._store.add(Kind.TURN, connector.network, new, now + KEPT)
        if (turn.machine, turn.process) == (connector.machine, process):
            return now - turn.since > AGAIN_AFTER and await self._store.swap(
                Kind.TURN, connector.network, turn.packed(), new, now + KEPT
            )
        if now - turn.since > LOST_AFTER:
            await self._hold(connector.network, turn, gone=True)
        return False

    async def give_back(self, connector: Connector) -> None:
        """A connector does not take its turn."""
        turn, _ = await self._read(connector.network)
        if turn is not None and turn.machine == connector.machine:
            await self._store.delete(Kind.TURN, connector.network)

    async def came(self, connector: Connector, process: str) -> Held | None:
        """A connector is there: where it was its turn, that is over; returns what is held back from now on."""
        turn, held = await self._read(connector.network)
        if held is not None:
            await self._heard_of(held, connector)
        if turn is None or turn.machine != connector.machine or turn.process == process:
            return None
        if not _reached(connector.version, turn.version):
            return await self._hold(connector.network, turn, gone=False)
        await self._store.delete(Kind.TURN, connector.network)
        return None

    async def retry(self, network: str) -> bool:
        """Let connectors try again what is held back; False where nothing is."""
        turn, _ = await self._read(network)
        lost = turn is not None and self._clock() - turn.since > LOST_AFTER
        if lost:
            await self._store.delete(Kind.TURN, network)
        return await self._store.delete(Kind.HELD, network) or lost

    async def forget(self, network: str) -> None:
        """The network is removed."""
        for kind in (Kind.TURN, Kind.HELD):
            await self._store.delete(kind, network)

    async def _heard_of(self, held: Held, connector: Connector) -> None:
        """A connector is there: it may run what was held back, or be the one that was gone."""
        if _refuted(held, connector):
            await self._store.delete(Kind.HELD, connector.network)
        elif held.gone and held.machine == connector.machine:
            await self._keep(connector.network, replace(held, gone=False))

    async def _hold(self, network: str, turn: Turn, *, gone: bool) -> Held:
        held = _failed(turn, self._clock(), gone=gone)
        await self._keep(network, held)
        await self._store.delete(Kind.TURN, network)
        return held

    async def _keep(self, network: str, held: Held) -> None:
        await self._store.put(Kind.HELD, network, json.dumps(asdict(held)).encode(), self._clock() + KEPT)


def _failed(turn: Turn, since: float, *, gone: bool) -> Held:
    return Held(turn.version, turn.machine, turn.host, since, gone)


def _fields(value: bytes | None) -> dict[str, Any] | None:
    """A record; one of another version of the broker is as good as none."""
    try:
        fields = json.loads(value or b"null")
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _refuted(held: Held, connector: Connector) -> bool:
    """Whether it runs after all where it had failed, or something newer does anywhere."""
    if connector.machine == held.machine:
        return _reached(connector.version, held.version)
    return _reached(connector.version, held.version) and not _equal(connector.version, held.version)


def _reached(running: str, wanted: str) -> bool:
    try:
        return number(running) >= number(wanted)
    except ReleaseError:
        return running == wanted


def _equal(one: str, other: str) -> bool:
    return _reached(one, other) and _reached(other, one)


def words(rollout: Rollout, network: str) -> str:
    """How it stands, in a sentence for operators; empty where there is nothing to say."""
    turn, held = rollout
    if held is not None:
        how = "did not come back from it" if held.gone else "went back to its old version"
        return (
            f"{held.version} is held back: {held.host} {how}. "
            f"A newer release goes on, or: fanlight network retry {network}"
        )
    return "" if turn is None else f"{turn.host} restarts into {turn.version}, the others wait for it"
