"""Which instances there are: whose they are, where they are, and by which tokens they are known at the gate."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from broker.gate.groups import Groups
from broker.gate.instance import (
    ID,
    GateToken,
    Instance,
    InstanceError,
    address_of,
    describe,
    from_record,
    to_record,
)
from broker.gate.records import MAX_LISTED, Shelf, forever, paced
from broker.store.base import Kind

if TYPE_CHECKING:
    from broker.store.base import Store

__all__ = ["MAX_OVERLAP", "Instances", "hashed_token", "new_vnc_password"]

MAX_OVERLAP = 86400.0
"""Seconds that the tokens before a new one may stay good at most."""
TOKEN_BYTES = 32
MAX_TOKENS = 8
"""Tokens of one instance that are remembered, the newest."""
VNC_PASSWORD = 8
"""Characters: a VNC server looks at no more (sheet H.1)."""
_TOKEN = re.compile(r"[A-Za-z0-9+/]{1,512}={0,2}", re.ASCII)


Permit = Callable[[Instance], None]


def anything(_: Instance) -> None:
    """What an operator may describe."""


def hashed_token(token: str) -> str:
    """The digest by which a token is known."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_vnc_password() -> str:
    """A password for one desktop: eight characters, 48 bits."""
    return secrets.token_urlsafe(VNC_PASSWORD)[:VNC_PASSWORD]


class Instances:
    """The records of all brokers on one store."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """Read and write them.

        Args:
            store: where they are.
            clock: Unix seconds.
        """
        self._store = store
        self._clock = clock
        self._shelf = Shelf(store, clock, Kind.INSTANCE, _read, to_record)
        self._groups = Groups(store, clock)

    async def add(
        self,
        described: dict[str, Any],
        *,
        identifier: str = "",
        key_id: str = "",
        permit: Permit = anything,
    ) -> tuple[Instance, str]:
        """Make an instance; returns it with its token, which is kept nowhere else.

        Args:
            described: the fields of `DESCRIBED` that are not empty.
            identifier: its id; the next free one where it is empty.
            key_id: the key of the ring that makes it; empty is an operator.
            permit: raises an error of its own for an instance that may not be described so.

        Raises:
            InstanceError: a field will not do, or the id or an address is another instance's.
        """
        now = self._clock()
        token, kept = _new_token(now)
        number = identifier or str(await self._store.count(Kind.INSTANCE, "next", forever(now)))
        if not ID.fullmatch(number):
            raise InstanceError("an id is a number of up to 18 digits, without a 0 before it")
        blank = Instance(
            number, "", key_id, vnc_password=new_vnc_password(), created=now, booted=now, tokens=(kept,)
        )
        instance = describe(blank, described)
        permit(instance)
        await self._check_places(instance)
        if not await self._store.add(Kind.INSTANCE, _key(number), to_record(instance), forever(now)):
            if not identifier:  # a platform chose the number that would have been next
                return await self.add(described, key_id=key_id, permit=permit)
            raise InstanceError(f"there is an instance {number} already", taken=True)
        await self._forget_words(number)  # what one of this id said while it was being removed
        await self._settle(instance)
        return instance, token

    async def find(self, identifier: str, key_id: str | None = None) -> Instance | None:
        """The instance of an id; only one that this key made, where a key is given."""
        value = await self._store.get(Kind.INSTANCE, _key(identifier)) if ID.fullmatch(identifier) else None
        instance = from_record(value) if value is not None else None
        return instance if instance is not None and key_id in {None, instance.key_id} else None

    async def all(self, key_id: str | None = None) -> list[Instance]:
        """All instances by id, or those that one key made."""
        values = await self._store.newest(Kind.INSTANCE, MAX_LISTED)
        found = [from_record(value) async for name, value in paced(values.items()) if name.startswith("id-")]
        return sorted((row for row in found if key_id in {None, row.key_id}), key=lambda row: int(row.id))

    async def change(
        self,
        identifier: str,
        described: dict[str, Any],
        *,
        key_id: str | None = None,
        permit: Permit = anything,
    ) -> Instance:
        """Describe an instance anew; fields that are not given stay.

        Args:
            identifier: whose.
            described: the fields of `DESCRIBED` that shall be others.
            key_id: only one that this key made, where it is given; so it is wherever else it can be given.
            permit: as in `add`.

        Raises:
            InstanceError: there is none, a field will not do, or an address is another instance's.
        """

        def changed(row: Instance) -> Instance:
            row = describe(row, described)
            permit(row)
            return row

        before = await self._existing(identifier, key_id)
        await self._check_places(changed(before))
        after = await self._change(identifier, changed, key_id)
        await self._settle(after, before)
        return after

    async def remove(self, identifier: str, key_id: str | None = None) -> bool:
        """Forget an instance and all that is known of it; False where there is none."""
        instance = await self.find(identifier, key_id)
        if instance is None:
            return False
        await self._settle(replace(instance, addresses=(), service="", router=""), instance)
        removed = await self._store.delete(Kind.INSTANCE, _key(identifier))
        await self._forget_words(identifier)
        return removed

    async def _forget_words(self, identifier: str) -> None:
        for kind in (Kind.REPORT, Kind.HOST_KEYS):
            await self._store.delete(kind, identifier)

    # -- tokens --------------------------------------------------------------------------------------------------------

    async def new_token(
        self, identifier: str, *, overlap: float = 0.0, rebuilt: bool = False, key_id: str | None = None
    ) -> str:
        """Give an instance another token; returns it.

        Args:
            identifier: whose.
            overlap: seconds for which those before stay good.
            rebuilt: it is built anew: what it said, its host keys and its VNC password are forgotten.
            key_id: as in `change`.

        Raises:
            InstanceError: there is none, or the overlap is too long.
        """
        if not 0 <= overlap <= MAX_OVERLAP:
            raise InstanceError("the tokens before stay good for 24 hours at most")
        now = self._clock()
        token, kept = _new_token(now)
        await self._change(identifier, lambda row: _with_token(row, kept, now + overlap), key_id)
        if rebuilt:
            await self._change(
                identifier, lambda row: replace(row, booted=now, vnc_password=new_vnc_password())
            )
            await self._forget_words(identifier)
        return token

    async def take_over_token(self, identifier: str, token: str) -> None:
        """Let an instance come with a token that an older gate gave it (sheet E.2), beside its own.

        Raises:
            InstanceError: there is none.
        """
        kept = GateToken(hashed_token(token), self._clock(), legacy=True)
        await self._change(identifier, lambda row: replace(row, tokens=(kept, *row.tokens[1 - MAX_TOKENS :])))

    async def revoke(self, identifier: str, key_id: str | None = None) -> int:
        """End all tokens of an instance; returns how many were good.

        Raises:
            InstanceError: there is none.
        """
        now = self._clock()
        good = sum(token.good(now) for token in (await self._existing(identifier, key_id)).tokens)
        await self._change(
            identifier,
            lambda row: replace(
                row, tokens=tuple(replace(old, until=min(old.until or now, now)) for old in row.tokens)
            ),
            key_id,
        )
        return good

    async def authentic(
        self, identifier: str, token: str, address: str, *, legacy: bool = False
    ) -> Instance | None:
        """The instance that comes with a token from an address; None for anybody else.

        Args:
            identifier: which one it says it is.
            token: what it shows.
            address: from where; an IP address, or empty where it is unknown.
            legacy: whether tokens that an older gate gave are good.
        """
        if not _TOKEN.fullmatch(token):
            return None
        instance = await self.find(identifier)
        if instance is None:
            return None
        shown, now = hashed_token(token), self._clock()
        matching = [
            kept
            for kept in instance.tokens
            if hmac.compare_digest(kept.digest, shown) and kept.good(now) and (legacy or not kept.legacy)
        ]
        return instance if matching and _from(instance, address) else None

    # -- places --------------------------------------------------------------------------------------------------------

    async def at(self, key_id: str, network: str, address: str) -> Instance | None:
        """The instance that a connection leads to: one of the key that signed for it, or an operator's.

        Args:
            key_id: the key that signed.
            network: the private network, or empty.
            address: as the connection has it: an IP address, or a name in a private network.
        """
        for maker in dict.fromkeys((key_id, "")):
            value = await self._store.get(Kind.PLACE, _place(maker, network, address))
            if value is not None:
                return await self.find(value.decode())
        return None

    async def known_at(self, address: str) -> list[Instance]:
        """Every instance that has an address or a name, whoever made it and in whatever network."""
        return [row for row in await self.all() if address_of(address) in row.addresses]

    # -- groups --------------------------------------------------------------------------------------------------------

    async def of_service(self, key_id: str, service: str) -> list[Instance]:
        """The instances of one key that belong to a service, by id."""
        return await self._members(_group(key_id, "service", service))

    async def of_router(self, key_id: str, router: str) -> list[Instance]:
        """The instances of one key that are one virtual router, by id."""
        return await self._members(_group(key_id, "router", router))

    async def _members(self, group: str) -> list[Instance]:
        found = [await self.find(identifier) for identifier in await self._groups.members(group)]
        return sorted((row for row in found if row and group in _groups(row)), key=lambda row: int(row.id))

    # -- places and groups, kept up to date ----------------------------------------------------------------------------

    async def _check_places(self, instance: Instance) -> None:
        for address in instance.addresses:
            value = await self._store.get(Kind.PLACE, _place(instance.key_id, instance.network, address))
            if value is not None and value.decode() != instance.id:
                raise InstanceError(f"{address} is the address of instance {value.decode()}", taken=True)

    async def _settle(self, instance: Instance, before: Instance | None = None) -> None:
        """Let an instance be found at its addresses and in its groups, and no longer where it was."""
        now = [_place(instance.key_id, instance.network, address) for address in instance.addresses]
        had = (
            [_place(before.key_id, before.network, address) for address in before.addresses] if before else []
        )
        for place in set(had) - set(now):
            await self._store.delete(Kind.PLACE, place)
        for place in now:
            await self._store.put(Kind.PLACE, place, instance.id.encode(), forever(self._clock()))
        await self._groups.move(instance.id, _groups(before) if before else set(), _groups(instance))

    # -- changes -------------------------------------------------------------------------------------------------------

    async def _existing(self, identifier: str, key_id: str | None = None) -> Instance:
        instance = await self.find(identifier, key_id)
        if instance is None:
            raise _missing(identifier)
        return instance

    async def _change(
        self, identifier: str, work: Callable[[Instance], Instance], key_id: str | None = None
    ) -> Instance:
        await self._existing(identifier, key_id)

        def changed(before: Instance) -> Instance:
            if not before.id or key_id not in {None, before.key_id}:  # it was removed meanwhile
                raise _missing(identifier)
            return work(before)

        return await self._shelf.change(_key(identifier), changed)


def _missing(identifier: str) -> InstanceError:
    return InstanceError(f"there is no instance {identifier}", missing=True)


def _read(value: bytes | None) -> Instance:
    """A record; one without an id where there is none."""
    return from_record(value) if value is not None else Instance("", "")


def _key(identifier: str) -> str:
    """Of the record; the counter of ids stands beside them."""
    return f"id-{identifier}"


def _place(key_id: str, network: str, address: str) -> str:
    return f"{key_id} {network} {address_of(address)}"


def _group(key_id: str, what: str, identifier: str) -> str:
    return f"{key_id} {what} {identifier}"


def _groups(instance: Instance) -> set[str]:
    """In which groups an instance is."""
    given = (("service", instance.service), ("router", instance.router))
    return {_group(instance.key_id, what, identifier) for what, identifier in given if identifier}


def _from(instance: Instance, address: str) -> bool:
    if not instance.sources:
        return True
    try:
        value = ipaddress.ip_address(address_of(address))
    except ValueError:
        return False
    return any(value in ipaddress.ip_network(source) for source in instance.sources)


def _new_token(now: float) -> tuple[str, GateToken]:
    token = b64encode(secrets.token_bytes(TOKEN_BYTES)).decode()
    return token, GateToken(hashed_token(token), now)


def _with_token(instance: Instance, new: GateToken, until: float) -> Instance:
    ended = tuple(replace(old, until=min(old.until or until, until)) for old in instance.tokens)
    return replace(instance, tokens=(*ended, new)[-MAX_TOKENS:])
