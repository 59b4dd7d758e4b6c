"""Pinned host keys of instances. The first report pins; whatever is shown later alarms, and never replaces a pin."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import asyncssh

from broker.gate.records import Shelf
from broker.store.base import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from broker.store.base import Store

__all__ = ["GATE", "OPERATOR", "SESSION", "HostKeyError", "HostKeys", "Mismatch", "Pin", "PinnedKeys"]

GATE, SESSION, OPERATOR = "gate", "session", "operator"
"""Where a key was seen: in a report or by a session, which pins nothing; or an operator vouched for it."""
MAX_KEYS = 8
"""Host keys of one instance, one a type."""
MAX_LINE = 8192
"""Characters of a key's line."""
MAX_MISMATCHES = 8


class HostKeyError(Exception):
    """What should be a host key is none. The text names the rule."""


@dataclass(frozen=True)
class Pin:
    """One host key that an instance has.

    Attributes:
        algorithm: like `ssh-ed25519`.
        line: type and base64, without a comment.
        fingerprint: SHA-256, as OpenSSH prints it.
        source: where it was seen first.
        since: Unix seconds.
    """

    algorithm: str
    line: str
    fingerprint: str
    source: str
    since: float


@dataclass(frozen=True)
class Mismatch:
    """A key that was shown and is not pinned.

    Attributes:
        shown: what was shown, and where and when first.
        expected: fingerprint of the pin of the same algorithm; empty where there is none.
        address: from where it came; empty where unknown.
    """

    shown: Pin
    expected: str
    address: str = ""


@dataclass(frozen=True)
class HostKeys:
    """What is known of one instance's host keys.

    Attributes:
        pins: in force, one an algorithm.
        mismatches: what else was shown since, the newest last.
    """

    pins: tuple[Pin, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()

    @property
    def blocked(self) -> bool:
        """Whether a pinned key was contradicted: no session is opened until an operator has decided."""
        return any(row.expected for row in self.mismatches)

    @property
    def lines(self) -> str:
        """The pins in lines of known_hosts, as the parameter `host-key` takes them; empty where there are none."""
        return "\n".join(f"* {pin.line}" for pin in self.pins)

    def seen(self, shown: Sequence[Pin], address: str = "") -> HostKeys:
        """The same after an instance showed keys: pinned, if they are the first; else compared with the pins."""
        if not self.pins:
            return replace(self, pins=tuple({pin.algorithm: pin for pin in shown}.values())[:MAX_KEYS])
        pinned = {pin.algorithm: pin for pin in self.pins}
        known = {row.shown.line for row in self.mismatches} | {pin.line for pin in self.pins}
        new = [
            Mismatch(pin, pinned[pin.algorithm].fingerprint if pin.algorithm in pinned else "", address)
            for pin in shown
            if pin.line not in known
        ]
        contradictions = [row for row in (*self.mismatches, *new) if row.expected]
        additions = [row for row in (*self.mismatches, *new) if not row.expected]
        return replace(self, mismatches=(*additions, *contradictions)[-MAX_MISMATCHES:])

    def accepted(self, fingerprints: Collection[str]) -> HostKeys:
        """The same after somebody vouched for keys that were shown: they take the place of the pins of their types."""
        taken = [row.shown for row in self.mismatches if row.shown.fingerprint in fingerprints]
        pins = {pin.algorithm: pin for pin in self.pins}
        pins |= {pin.algorithm: replace(pin, source=OPERATOR) for pin in taken}
        left = [
            replace(
                row, expected=pins[row.shown.algorithm].fingerprint if row.shown.algorithm in pins else ""
            )
            for row in self.mismatches
            if row.shown not in taken
        ]
        return HostKeys(tuple(pins.values())[-MAX_KEYS:], tuple(left))

    def dismissed(self, fingerprints: Collection[str]) -> HostKeys:
        """The same after somebody looked at keys that were shown: the pins stay in force."""
        left = [row for row in self.mismatches if row.shown.fingerprint not in fingerprints]
        return replace(self, mismatches=tuple(left))


class PinnedKeys:
    """The host keys of all instances."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._clock = clock
        self._shelf = Shelf(store, clock, Kind.HOST_KEYS, _read, _written)

    async def find(self, identifier: str) -> HostKeys:
        """What is known of an instance's host keys."""
        return await self._shelf.find(identifier)

    async def saw(
        self, identifier: str, lines: Sequence[str], source: str, address: str = ""
    ) -> tuple[HostKeys, list[Mismatch]]:
        """An instance showed keys.

        Args:
            identifier: the instance's.
            lines: public lines, as OpenSSH writes them.
            source: where a pin would come from.
            address: from where.

        Returns:
            What is known now, and what is new of it and not pinned: to be told to operators.

        Raises:
            HostKeyError: a line is no public key, or two are of one type; nothing changed then.
        """
        now = self._clock()
        shown = [_pin(line, source, now) for line in lines]
        if len({pin.line for pin in shown}) > len({pin.algorithm for pin in shown}):
            raise HostKeyError("two host keys of one type are reported, and sshd shows one")
        before = await self.find(identifier)
        if not shown or before.seen(shown, address) == before:
            return before, []
        after = await self._shelf.change(identifier, lambda row: row.seen(shown, address))
        return after, [row for row in after.mismatches if row not in before.mismatches]

    async def all(self) -> dict[str, HostKeys]:
        """What is known of every instance's host keys, by id."""
        return await self._shelf.all()

    async def accept(self, identifier: str, fingerprints: Collection[str]) -> HostKeys:
        """Let keys that were shown take the place of the pins: an operator vouches for these, and for no later ones."""
        return await self._shelf.change(identifier, lambda row: row.accepted(fingerprints))

    async def dismiss(self, identifier: str, fingerprints: Collection[str]) -> HostKeys:
        """Keep the pins, and forget what an operator has looked at."""
        return await self._shelf.change(identifier, lambda row: row.dismissed(fingerprints))


def _pin(line: str, source: str, now: float) -> Pin:
    if len(line) > MAX_LINE or any(ord(character) < 32 for character in line.strip()):
        raise HostKeyError("a host key is one line of type and base64")
    try:
        key = asyncssh.import_public_key(" ".join(line.split()[:2]))
    except asyncssh.KeyImportError:
        raise HostKeyError("a host key is one line of type and base64") from None
    text = key.export_public_key().decode().strip()
    return Pin(key.get_algorithm(), " ".join(text.split()[:2]), key.get_fingerprint(), source, now)


def _read(value: bytes | None) -> HostKeys:
    if value is None:
        return HostKeys()
    row = json.loads(value)
    return HostKeys(
        tuple(Pin(**pin) for pin in row["pins"]),
        tuple(
            Mismatch(Pin(**item["shown"]), item["expected"], item["address"]) for item in row["mismatches"]
        ),
    )


def _written(keys: HostKeys) -> bytes:
    return json.dumps(asdict(keys)).encode()
