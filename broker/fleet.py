"""The daemons behind this broker: which of them live, and which has most room for a new session."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from broker.proxyd_client import Address, Load, ask_load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from broker.settings import Settings

__all__ = ["Daemon", "Fleet", "addresses", "parted"]

DEAD_AFTER = 2
"""Looks without an answer after which a daemon counts as dead."""


@dataclass
class Daemon:
    """What is known of one daemon.

    Attributes:
        address: where it listens.
        load: what it said of itself last; None for one that does not say (a guacd).
        misses: looks without an answer since the last one with.
        opened: sessions that this broker opened there since the last look.
        opening: sessions that this broker is opening there.
    """

    address: Address
    load: Load | None = None
    misses: int = 0
    opened: int = field(default=0)
    opening: int = field(default=0)

    @property
    def alive(self) -> bool:
        """Whether it answered lately; one that was never looked at gets the benefit of the doubt."""
        return self.misses < DEAD_AFTER

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The smaller the better: the dead and those that drain last, then by the share of room that is taken."""
        if self.load is None:
            return not self.alive, False, (self.opened + self.opening) / 1000
        taken = self.load.sessions + self.opened + self.opening
        return not self.alive, self.load.draining, taken / max(self.load.room, 1)


class Fleet:
    """One daemon or several. A session lives on one of them and nowhere else."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self.daemons = [Daemon(address) for address in addresses]

    def find(self, name: str) -> Address | None:
        """The daemon of this name, as `str` writes its address; an empty name is the only one there is."""
        if not name and len(self.daemons) == 1:
            return self.daemons[0].address
        return next((daemon.address for daemon in self.daemons if str(daemon.address) == name), None)

    def choices(self) -> list[Address]:
        """Where to open a new session, the best first: all that live, or all where none does."""
        ranked = sorted(self.daemons, key=lambda daemon: daemon.rank)
        return [daemon.address for daemon in ranked if daemon.alive] or [row.address for row in ranked]

    def homes(self, key: str) -> list[Address]:
        """Where to put what shall be kept together, the best first: the same at every broker, as long as the same live."""
        living = [daemon for daemon in self.daemons if daemon.alive] or self.daemons
        draining = {row.address: row.load is not None and row.load.draining for row in living}
        places = [daemon.address for daemon in living]
        return sorted(places, key=lambda place: (draining[place], _weight(key, place)))

    @contextmanager
    def opening(self, address: Address) -> Iterator[None]:
        """A session is being opened there; it counts from the first moment, so that many at once are spread."""
        there = [daemon for daemon in self.daemons if daemon.address == address]
        for daemon in there:
            daemon.opening += 1
        try:
            yield
            for daemon in there:
                daemon.opened += 1
        finally:
            for daemon in there:
                daemon.opening -= 1

    async def look(self) -> None:
        """Ask all of them how they are; called at an interval."""
        await asyncio.gather(*(self._look(daemon) for daemon in self.daemons))

    async def _look(self, daemon: Daemon) -> None:
        was_alive = daemon.alive
        try:
            daemon.load = await ask_load(daemon.address)
        except OSError:
            daemon.misses += 1
        else:
            daemon.misses = daemon.opened = 0
        if daemon.alive != was_alive:
            structlog.get_logger().warning(
                "proxyd answers again" if daemon.alive else "proxyd does not answer",
                proxyd=str(daemon.address),
            )


def _weight(key: str, place: Address) -> bytes:
    """Of rendezvous hashing: where one daemon goes, only what it had moves."""
    return hashlib.sha256(f"{key} {place}".encode()).digest()


def parted(name: str) -> tuple[str, str]:
    """The daemon in the whole name of a running connection, `HOST:PORT$UUID`, and the name that it knows."""
    daemon, _, rest = name.partition("$")
    return daemon, f"${rest}"


def addresses(settings: Settings) -> list[Address]:
    """Where the settings say that daemons listen.

    Raises:
        OSError: a certificate or key cannot be read.
    """
    certificate, key = settings.guacd_certificate, settings.guacd_key
    return Address.several(
        settings.guacd_hostname,
        settings.guacd_port,
        secure=settings.guacd_ssl,
        authority=settings.guacd_ca,
        identity=(certificate, key or certificate) if certificate is not None else None,
    )
