"""Which instances there are: whose they are, where they are, and by which tokens they are known at the gate."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from broker.gate.groups import Groups
from broker.gate.records import MAX_LISTED, change, forever, paced
from broker.store.base import Kind

if TYPE_CHECKING:
    from broker.store.base import Store

__all__ = [
    "MAX_OVERLAP",
    "PORTS",
    "GateToken",
    "Instance",
    "InstanceError",
    "Instances",
    "hashed_token",
    "new_vnc_password",
]

MAX_OVERLAP = 86400.0
"""Seconds that the tokens before a new one may stay good at most."""
PORTS = {"ssh": (22, 22), "vnc": (5900, 5999)}
"""The ports that an instance may report, where its description does not say."""
TOKEN_BYTES = 32
MAX_TOKENS = 8
"""Tokens of one instance that are remembered, the newest."""
MAX_PLACES = 32
"""Addresses of one instance."""
MAX_USERS = 64
MAX_TEXT = 253
PORTS = {"ssh": (22, 22), "vnc": (5900, 5999)}
"""The ports that an instance may report, where its platform does not say."""
VNC_PASSWORD = 8
"""Characters: a VNC server looks at no more (sheet H.1)."""
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_LOGIN = re.compile(r"[a-z_][a-z0-9_.-]{0,31}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9+/]{1,512}={0,2}", re.ASCII)


class InstanceError(Exception):
    """What was asked of an instance cannot be done. The text is for an operator or a platform.

    Attributes:
        missing: there is no such instance.
        taken: there is one already, of that id or at that address.
    """

    def __init__(self, message: str, *, missing: bool = False, taken: bool = False) -> None:
        super().__init__(message)
        self.missing = missing
        self.taken = taken


@dataclass(frozen=True)
class GateToken:
    """What is kept of a token.

    Attributes:
        digest: its SHA-256, in hexadecimal.
        created: Unix seconds.
        until: Unix seconds at which it ends; None while it is in force.
        legacy: it was derived from an owner's password, as older gates did (sheet E.2).
    """

    digest: str
    created: float
    until: float | None = None
    legacy: bool = False

    def good(self, now: float) -> bool:
        """Whether an instance may come with it."""
        return self.until is None or now < self.until


@dataclass(frozen=True)
class Instance:
    """One instance, as its platform or an operator describes it.

    Attributes:
        id: decimal, as it stands in `X-ONEGATE-VMID`.
        name: for people.
        key_id: the key of the ring whose platform made it; empty is an operator: it holds for every key then.
        owner: the user whose instance it is; empty is nobody's.
        users: login names whose public keys it is served; the owner's where none are given.
        addresses: IP addresses or names by which connections name it.
        network: the private network in which these mean something; empty is here.
        sources: networks from which its token is taken; empty is anywhere.
        ports: the ports that it may report, by protocol; where one is missing, those of `PORTS`.
        service, role, router: the groups that it belongs to; ids, and a name of its role.
        nics: its network cards, as VM/TEMPLATE/NIC shows them (sheet E.3).
        template: attributes that its platform gives it, shown as USER_TEMPLATE.
        vnc_password: for its desktop alone.
        created: Unix seconds.
        booted: Unix seconds since when it has been waited for: it was made or built anew.
        tokens: newest last.
    """

    id: str
    name: str
    key_id: str = ""
    owner: str = ""
    users: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    network: str = ""
    sources: tuple[str, ...] = ()
    ports: dict[str, tuple[int, int]] = field(default_factory=dict)
    service: str = ""
    role: str = ""
    router: str = ""
    nics: tuple[dict[str, str], ...] = ()
    template: dict[str, str] = field(default_factory=dict)
    vnc_password: str = field(default="", repr=False)
    created: float = 0.0
    booted: float = 0.0
    tokens: tuple[GateToken, ...] = field(default=(), repr=False)

    @property
    def logins(self) -> tuple[str, ...]:
        """Whose public keys it is served."""
        return self.users or ((self.owner,) if self.owner else ())

    def reportable(self, protocol: str) -> tuple[int, int]:
        """The first and the last port of a protocol that it may report."""
        return self.ports.get(protocol, PORTS[protocol])


Permit = Callable[[Instance], None]

DESCRIBED = frozenset(
    {"name", "owner", "users", "addresses", "network", "sources", "ports", "service", "role", "router", "nics", "template"}
)  # fmt: skip
"""Fields that whoever describes an instance may set."""


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
        if not _ID.fullmatch(number):
            raise InstanceError("an id is a number of up to 18 digits that does not begin with 0")
        blank = Instance(
            number, "", key_id, vnc_password=new_vnc_password(), created=now, booted=now, tokens=(kept,)
        )
        instance = _described(blank, described)
        permit(instance)
        await self._check_places(instance)
        if not await self._store.add(Kind.INSTANCE, _key(number), _written(instance), forever(now)):
            if not identifier:  # a platform chose the number that would have been next
                return await self.add(described, key_id=key_id, permit=permit)
            raise InstanceError(f"there is an instance {number} already", taken=True)
        await self._settle(instance)
        return instance, token

    async def find(self, identifier: str, key_id: str | None = None) -> Instance | None:
        """The instance of an id; only one that this key made, where a key is given."""
        value = await self._store.get(Kind.INSTANCE, _key(identifier)) if _ID.fullmatch(identifier) else None
        instance = _read(value) if value is not None else None
        return instance if instance is not None and key_id in {None, instance.key_id} else None

    async def all(self, key_id: str | None = None) -> list[Instance]:
        """All instances by id, or those that one key made."""
        values = await self._store.newest(Kind.INSTANCE, MAX_LISTED)
        found = [_read(value) async for name, value in paced(values.items()) if name.startswith("id-")]
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
            row = _described(row, described)
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
        for kind in (Kind.REPORT, Kind.HOST_KEYS):
            await self._store.delete(kind, identifier)
        return await self._store.delete(Kind.INSTANCE, _key(identifier))

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
            for kind in (Kind.REPORT, Kind.HOST_KEYS):
                await self._store.delete(kind, identifier)
        return token

    async def take_over_token(self, identifier: str, token: str) -> None:
        """Let an instance come with a token that an older gate gave it (sheet E.2), beside its own.

        Raises:
            InstanceError: there is none.
        """
        kept = GateToken(hashed_token(token), self._clock(), legacy=True)
        await self._change(identifier, lambda row: replace(row, tokens=(kept, *row.tokens)[:MAX_TOKENS]))

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
        return [row for row in await self.all() if _address(address) in row.addresses]

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

        def written(value: bytes | None) -> bytes:
            before = _read(value) if value is not None else None
            if before is None or key_id not in {None, before.key_id}:  # it was removed meanwhile
                raise _missing(identifier)
            return _written(work(before))

        return _read(await change(self._store, Kind.INSTANCE, _key(identifier), written, self._clock()))


def _missing(identifier: str) -> InstanceError:
    return InstanceError(f"there is no instance {identifier}", missing=True)


def _key(identifier: str) -> str:
    """Of the record; the counter of ids stands beside them."""
    return f"id-{identifier}"


def _place(key_id: str, network: str, address: str) -> str:
    return f"{key_id} {network} {_address(address)}"


def _group(key_id: str, what: str, identifier: str) -> str:
    return f"{key_id} {what} {identifier}"


def _groups(instance: Instance) -> set[str]:
    """In which groups an instance is."""
    given = (("service", instance.service), ("router", instance.router))
    return {_group(instance.key_id, what, identifier) for what, identifier in given if identifier}


def _address(text: str) -> str:
    """One spelling of an address or a name."""
    text = text.strip().strip("[]").rstrip(".").lower()
    try:
        value = ipaddress.ip_address(text)
    except ValueError:
        return text
    return str(getattr(value, "ipv4_mapped", None) or value)


def _from(instance: Instance, address: str) -> bool:
    if not instance.sources:
        return True
    try:
        value = ipaddress.ip_address(_address(address))
    except ValueError:
        return False
    return any(value in ipaddress.ip_network(source) for source in instance.sources)


def _new_token(now: float) -> tuple[str, GateToken]:
    token = b64encode(secrets.token_bytes(TOKEN_BYTES)).decode()
    return token, GateToken(hashed_token(token), now)


def _with_token(instance: Instance, new: GateToken, until: float) -> Instance:
    ended = tuple(replace(old, until=min(old.until or until, until)) for old in instance.tokens)
    return replace(instance, tokens=(*ended, new)[-MAX_TOKENS:])


# -- what may be said of an instance -----------------------------------------------------------------------------------


def _described(instance: Instance, given: dict[str, Any]) -> Instance:
    """An instance with other fields.

    Raises:
        InstanceError: a field is unknown or will not do; the text names it.
    """
    unknown = given.keys() - DESCRIBED
    if unknown:
        raise InstanceError(f"an instance has no {min(unknown)}")
    readers: dict[str, Callable[[str, Any], Any]] = {name: _FIELDS.get(name, _text) for name in given}
    return replace(instance, **{name: read(name, given[name]) for name, read in readers.items()})


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not (value.isprintable()):
        raise InstanceError(f"{name} is a printable text of up to {MAX_TEXT} characters")
    return value


def _login(name: str, value: Any) -> str:
    if value == "":
        return ""
    if not isinstance(value, str) or not _LOGIN.fullmatch(value):
        raise InstanceError(f"{name}: a login is written like alice")
    return value


def _rows(name: str, value: Any, limit: int) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) > limit:
        raise InstanceError(f"{name} is a list of up to {limit}")
    return list(value)


def _users(name: str, value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (_login(name, row) for row in _rows(name, value, MAX_USERS)))))


def _addresses(name: str, value: Any) -> tuple[str, ...]:
    found = [_address(_text(name, row)) for row in _rows(name, value, MAX_PLACES)]
    if any(not row or " " in row for row in found):
        raise InstanceError(f"{name}: an address is written like 10.1.2.3")
    return tuple(dict.fromkeys(found))


def _sources(name: str, value: Any) -> tuple[str, ...]:
    try:
        return tuple(
            str(ipaddress.ip_network(_text(name, row), strict=False))
            for row in _rows(name, value, MAX_PLACES)
        )
    except ValueError:
        raise InstanceError(f"{name}: a network is written like 10.1.2.0/24 or 10.1.2.3") from None


def _ports(name: str, value: Any) -> dict[str, tuple[int, int]]:
    wrong = InstanceError(f'{name} is written like {{"ssh": [22, 22], "vnc": [5900, 5999]}}')
    if not isinstance(value, dict) or not value.keys() <= {"ssh", "vnc"}:
        raise wrong
    for row in value.values():
        if not isinstance(row, list | tuple) or len(row) != 2:
            raise wrong
        if not all(type(port) is int and 1 <= port <= 65535 for port in row) or row[0] > row[1]:
            raise wrong
    return {protocol: (row[0], row[1]) for protocol, row in value.items()}


def _attributes(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > 64:
        raise InstanceError(f"{name} is an object of up to 64 texts")
    if not all(
        isinstance(key, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", key, re.ASCII) for key in value
    ):
        raise InstanceError(f"{name}: a name is written like WEB_PORT")
    if not all(
        isinstance(row, str) and len(row.encode("utf-8", "replace")) <= 8192 for row in value.values()
    ):
        raise InstanceError(f"{name}: a value is a text of up to 8 KiB")
    return dict(value)


def _nics(name: str, value: Any) -> tuple[dict[str, str], ...]:
    return tuple(_attributes(name, row) for row in _rows(name, value, MAX_PLACES))


_FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "owner": _login,
    "users": _users,
    "addresses": _addresses,
    "sources": _sources,
    "ports": _ports,
    "nics": _nics,
    "template": _attributes,
}


# -- records -----------------------------------------------------------------------------------------------------------

_TUPLES = frozenset(row.name for row in fields(Instance) if "tuple[" in str(row.type) and row.name != "ports")


def _written(instance: Instance) -> bytes:
    return json.dumps(asdict(instance)).encode()


def _read(value: bytes) -> Instance:
    row: dict[str, Any] = json.loads(value)
    for name in _TUPLES:
        row[name] = tuple(row[name])
    row["ports"] = {protocol: (low, high) for protocol, (low, high) in row["ports"].items()}
    row["tokens"] = tuple(GateToken(**token) for token in row["tokens"])
    return Instance(**row)
