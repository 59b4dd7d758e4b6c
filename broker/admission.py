"""The one door: a request that nobody believed yet goes in, a session comes out, or one uniform refusal.

Schemes check what is signed; here is what holds for all of them: replay, targets, keys on file, the log line.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import structlog

from broker.auth.base import Claim, Reason, RefusedError
from broker.bans import retry_after
from broker.keyring import source_allowed
from broker.keys import KeyRefusedError
from broker.limits import enforce
from broker.sharing import share_name
from broker.store.base import Kind
from broker.targets import TargetRefusedError, Targets, resolve
from proxyd.wire.status import StatusError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from broker.auth.base import Connection, Grant, Scheme
    from broker.auth.jwt import Call, JwtScheme
    from broker.bans import Bans
    from broker.jumps import Jumps
    from broker.keyring import Entry, KeyRing
    from broker.keys import KeyDirectory
    from broker.metrics import Metrics
    from broker.sessions import Session, Sessions
    from broker.sharing import Sharing
    from broker.store.base import Store

__all__ = ["Admission", "Door", "Platform", "Refusal", "Rules"]

HOST_PARAMETERS = (("hostname", "port"), ("sftp-hostname", "sftp-port"), ("dest-host", "dest-port"))
"""Parameters that name an address to dial, with the one that holds its port."""
SSH_PORT = "22"
SHARE_KEY = "key"
"""The parameter that holds the key of a link, as the original has it."""
MAX_REFUSALS = 500
"""Refusals that are remembered for the operator."""
NONCE_GRACE = 60.0
"""Seconds that a redeemed request is remembered beyond its age limit: clocks of several brokers differ."""


class Admission(NamedTuple):
    """A person who was let in.

    Attributes:
        token: to be used from now on.
        session: what it stands for.
        granted: identifiers of the connections that this request granted; none where it renewed a session.
    """

    token: str
    session: Session
    granted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Platform:
    """A platform whose request was believed.

    Attributes:
        entry: its key.
        address: from which it asks.
        body: of its request.
    """

    entry: Entry
    address: str
    body: bytes = field(repr=False)


class Refusal(NamedTuple):
    """A request that was refused lately; in the words of the log line."""

    when: float
    address: str
    reason: str
    detail: str
    key_id: str
    user: str
    target: str


class Rules(NamedTuple):
    """What is asked of everybody.

    Attributes:
        schemes: how requests may be signed; the first that recognises one verifies it.
        calls: how platforms sign what they ask of the interface.
        targets: what may be dialled.
        require_key: refuse a person without a key on file.
    """

    schemes: Sequence[Scheme]
    calls: JwtScheme
    targets: Targets
    require_key: bool = False


class Door:
    """Lets people in.

    Attributes:
        rules: in force; they may change.
        refusals: the last ones of this broker.
    """

    def __init__(
        self,
        rules: Rules,
        ring: KeyRing,
        sessions: Sessions,
        store: Store,
        keys: KeyDirectory | None,
        bans: Bans,
        sharing: Sharing,
        jumps: Jumps,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        resolver: Callable[[str], Awaitable[Iterable[str]]] = resolve,
    ) -> None:
        """Open it.

        Args:
            rules: for everybody.
            ring: the keys.
            sessions: where a session is made.
            store: where redeemed requests are remembered.
            keys: the key directory, where it is used.
            bans: who is kept out.
            sharing: links to running sessions.
            jumps: the operator's gateways.
            metrics: what is counted.
            clock: Unix seconds.
            resolver: names to addresses.
        """
        self.rules = rules
        self._ring = ring
        self._sessions = sessions
        self._store = store
        self._keys = keys
        self._bans = bans
        self._sharing = sharing
        self._jumps = jumps
        self._metrics = metrics
        self._clock = clock
        self._resolve = resolver
        self.refusals: deque[Refusal] = deque(maxlen=MAX_REFUSALS)

    async def enter(self, claim: Claim, token: str) -> Admission:
        """Redeem a signed request, or renew the session of a token that comes with it.

        Args:
            claim: the request.
            token: a token sent along; empty where there is none.

        Raises:
            RefusedError: no; logged and counted already.
            MalformedError: it cannot be read.
        """
        held = await self._sessions.find(token) if token else None
        try:
            if held is None:
                await self._check_ban(f"address {claim.address}")
            scheme = next((scheme for scheme in self.rules.schemes if scheme.recognises(claim)), None)
            if scheme is not None:
                return await self._redeem(scheme, claim, token, held)
            if claim.first(SHARE_KEY):
                return await self._join(claim, token, held)
            if held is not None:
                return Admission(token, held)
            raise RefusedError(Reason.NO_CREDENTIALS)
        except RefusedError as error:
            await self._refused(claim, error)
            raise

    async def hear(self, call: Call, body: Callable[[], Awaitable[bytes]]) -> Platform:
        """Believe what a platform asks of the interface.

        Args:
            call: the request.
            body: reads its body, once the rest is believed.

        Raises:
            RefusedError: no; logged and counted already.
        """
        try:
            await self._check_ban(f"address {call.address}")
            now = self._clock()
            signed = self.rules.calls.verify_call(call, self._ring.keys(self.rules.calls.name, now), now)
            try:
                entry = self._ring.entry(signed.key_id)
                if entry is None or not entry.limits.instances:
                    raise RefusedError(Reason.OUTSIDE_PROFILE, "the key may not describe instances")
                if entry.limits.sources and not source_allowed(entry.limits.sources, call.address):
                    raise RefusedError(Reason.SOURCE_NOT_ALLOWED, "from another network than the key's")
                content = await body()
                if not signed.covers(content):
                    raise RefusedError(Reason.OUTSIDE_PROFILE, "body is the digest of another one")
                until = max(signed.nonce_expires, now) + NONCE_GRACE
                if not await self._store.add(Kind.NONCE, signed.nonce, b"", until):
                    raise RefusedError(Reason.REPLAYED)
            except RefusedError as error:
                error.key_id = signed.key_id
                raise
        except RefusedError as error:
            await self._refused(Claim({}, call.address), error)
            raise
        return Platform(entry, call.address, content)

    def refuse(self, platform: Platform, error: RefusedError) -> None:
        """Log and count that a platform asked for more than its key may have; nobody is kept out for it."""
        error.key_id = platform.entry.key.key_id
        self._note(Claim({}, platform.address), error)

    def note_origin(self, origin: str, address: str) -> None:
        """Remember for the operator that a page of this origin was refused."""
        detail = f"{origin} is not in allowed-origins"
        self.refusals.append(Refusal(self._clock(), address, "origin-not-allowed", detail, "", "", ""))

    async def _redeem(self, scheme: Scheme, claim: Claim, token: str, held: Session | None) -> Admission:
        now = self._clock()
        grant = scheme.verify(claim, self._ring.keys(scheme.name, now), now)
        log = structlog.get_logger().bind(
            user=grant.user, key_id=grant.key_id, address=claim.address, scheme=scheme.name
        )
        try:
            await self._check_ban(_user(grant.key_id, grant.user))
            if held is not None and await self._redeemed_by(grant) == held.token_hash:
                return Admission(token, held)  # a page whose address holds the signature, reloaded
            grant = await self._checked(grant, claim.address)
            if not await self._first_time(grant):
                raise RefusedError(Reason.REPLAYED)
            return await self._admitted(grant, token, held, log)
        except RefusedError as error:
            error.key_id, error.user = grant.key_id, grant.user
            raise

    async def _join(self, claim: Claim, token: str, held: Session | None) -> Admission:
        """Let in who has a link to somebody's running session: as a guest, or beside what a token opens already."""
        key = claim.first(SHARE_KEY)
        if held is not None and any(row.share == share_name(key) for row in held.connections.values()):
            return Admission(token, held)  # a page whose address holds the link, reloaded
        grant = await self._sharing.redeem(key)
        if grant is None:
            raise RefusedError(Reason.UNKNOWN_SHARE)
        log = structlog.get_logger().bind(user=grant.user, address=claim.address, scheme="share")
        if held is not None:
            (shared,) = grant.connections
            gained = await self._sessions.gain(token, held, replace(shared, source=grant.source))
            if gained is not None:
                log.info("granted", connections=shared.identifier, subject=grant.subject, beside=held.user)
                self._metrics.granted.inc()
                return Admission(token, gained, (shared.identifier,))
        return await self._admitted(grant, "", None, log)

    async def _admitted(
        self, grant: Grant, token: str, held: Session | None, log: structlog.stdlib.BoundLogger
    ) -> Admission:
        session = await self._sessions.add(token, held, grant) if held is not None else None
        if session is None:
            token, session = await self._sessions.open(grant)
        if grant.nonce:
            until = self._nonce_until(grant)
            await self._store.put(Kind.NONCE, grant.nonce, session.token_hash.encode(), until)
        self._metrics.granted.inc()
        log.info(
            "granted",
            connections=",".join(connection.identifier for connection in grant.connections),
            targets=",".join(connection.parameters.get("hostname", "") for connection in grant.connections),
            dropped=",".join(grant.dropped),
            subject=grant.subject,
        )
        return Admission(token, session, tuple(row.identifier for row in grant.connections))

    # -- replay ------------------------------------------------------------------------------------------------------

    async def _redeemed_by(self, grant: Grant) -> str | None:
        """The session that redeemed this very request, if one did."""
        holder = await self._store.get(Kind.NONCE, grant.nonce) if grant.nonce else None
        return holder.decode() if holder else None

    async def _first_time(self, grant: Grant) -> bool:
        """Whether the request was not redeemed before, or may be redeemed again."""
        if not grant.nonce:
            return True
        return await self._store.add(Kind.NONCE, grant.nonce, b"", self._nonce_until(grant))

    def _nonce_until(self, grant: Grant) -> float:
        return max(grant.nonce_expires, self._clock()) + NONCE_GRACE

    # -- what holds for every scheme ---------------------------------------------------------------------------------

    async def _checked(self, grant: Grant, address: str) -> Grant:
        entry = self._ring.entry(grant.key_id)
        if entry is None:  # it was taken off the ring meanwhile
            raise RefusedError(Reason.UNKNOWN_KEY)
        grant = enforce(grant, entry.limits, address)
        if grant.connections:
            await self._check_key(grant.user)
        targets = self._targets(entry)
        connections = [await self._dialable(connection, targets) for connection in grant.connections]
        return replace(grant, connections=tuple(connections))

    async def permitted(self, key_id: str, connection: Connection) -> Connection:
        """A connection as this key may lead to it, checked as when it was signed for.

        Raises:
            RefusedError: it may not.
        """
        entry = self._ring.entry(key_id)
        if entry is None:
            raise RefusedError(Reason.UNKNOWN_KEY)
        return await self._dialable(connection, self._targets(entry))

    def _targets(self, entry: Entry) -> list[Targets]:
        """What is open to everybody, and what the key permits of it."""
        return [self.rules.targets, *([Targets(entry.limits.targets)] if entry.limits.targets else [])]

    async def _check_key(self, user: str) -> None:
        if self._keys is None or not user:
            return
        try:
            key = await asyncio.to_thread(self._keys.read, user)
        except KeyRefusedError as error:
            raise RefusedError(Reason.KEY_REFUSED, str(error)) from None
        if key is None and self.rules.require_key:
            raise RefusedError(Reason.KEY_MISSING, "no private key is on file")
        if key is not None and key.weak:
            structlog.get_logger().warning("weak key", user=user, file=key.name)

    async def _dialable(self, connection: Connection, targets: Sequence[Targets]) -> Connection:
        """The connection with the addresses that were checked in the place of names.

        What is in a private network means something there alone: its connector resolves names, and has its own list.
        """
        parameters = self._jumps.routed(connection.parameters)
        if parameters.get("network"):
            return replace(connection, parameters=parameters)
        if parameters.get("jump-hosts"):
            return replace(connection, parameters=await self._jumping(parameters, targets))
        for host, port in HOST_PARAMETERS:
            if parameters.get(host):
                is_ssh = port == "sftp-port" or (port == "port" and connection.protocol == "ssh")
                number = parameters.get(port) or (SSH_PORT if is_ssh else "")
                parameters[host] = await self._permitted(parameters[host], number, targets)
        return replace(connection, parameters=parameters)

    async def _jumping(self, parameters: dict[str, str], targets: Sequence[Targets]) -> dict[str, str]:
        """Parameters of a connection behind jump hosts, the first of which was checked.

        What is behind them is named as they know it: what a key permits beyond that are addresses, no names.
        """
        try:
            first = self._jumps.unvouched(parameters)
            for host, port in HOST_PARAMETERS:
                for limits in targets[1:]:
                    if parameters.get(host):
                        limits.check(parameters[host], int(parameters.get(port) or SSH_PORT))
        except StatusError as error:
            raise RefusedError(Reason.OUTSIDE_PROFILE, error.message) from None
        except (TargetRefusedError, ValueError) as error:
            raise RefusedError(Reason.TARGET_NOT_ALLOWED, str(error)) from None
        if first is None:
            return parameters
        return self._jumps.pinned(
            parameters, await self._permitted(first.address, str(first.port), targets[:1])
        )

    async def _permitted(self, host: str, port: str, targets: Sequence[Targets]) -> str:
        if not (port.isascii() and port.isdigit() and len(port) <= 5):
            raise RefusedError(Reason.TARGET_NOT_ALLOWED, "the port is not a number")
        try:
            addresses = list(await self._resolve(host))
            # all of them: a name that has one good address beside others is a name somebody plays with
            for address, allowed in itertools.product(addresses, targets):
                allowed.check(address, int(port))
        except TargetRefusedError as error:
            raise RefusedError(Reason.TARGET_NOT_ALLOWED, str(error)) from None
        if not addresses:
            raise RefusedError(Reason.TARGET_NOT_ALLOWED, "the name has no address")
        return addresses[0]

    # -- refusals ----------------------------------------------------------------------------------------------------

    async def _check_ban(self, subject: str) -> None:
        remaining = await self._bans.remaining(subject)
        if remaining:
            raise RefusedError(Reason.RATE_LIMITED, retry_after(remaining))

    async def _refused(self, claim: Claim, error: RefusedError) -> None:
        """Note a refusal, and count it towards a ban.

        What somebody signed counts against the person it names, anything else against the sender: neither a forged
        name nor a neighbour behind the same address locks a person out.
        """
        self._note(claim, error)
        uncounted = {Reason.NO_CREDENTIALS, Reason.RATE_LIMITED}
        if error.reason in uncounted or self._ring.has_source(claim.address):
            return
        subject = _user(error.key_id, error.user) if error.user else f"address {claim.address}"
        await self._bans.failed(subject, error.reason.value)

    def _note(self, claim: Claim, error: RefusedError) -> None:
        """Log, count and remember a refusal; a key may let its platform hear the reason."""
        entry = self._ring.entry(error.key_id)
        error.explain = entry is not None and entry.limits.explain
        self._metrics.refused.labels(error.reason.value).inc()
        expected = error.reason is Reason.NO_CREDENTIALS  # the sign-in page asks so
        refusal = Refusal(
            self._clock(),
            claim.address,
            error.reason.value,
            error.detail,
            error.key_id,
            error.user or claim.first("guac.username")[:64],
            claim.first("guac.hostname")[:64],
        )
        facts = refusal._asdict()
        del facts["when"]
        structlog.get_logger().log(logging.INFO if expected else logging.WARNING, "refused", **facts)
        if not expected:
            self.refusals.append(refusal)


def _user(key_id: str, user: str) -> str:
    return f"user {key_id} {user}"
