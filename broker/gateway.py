"""Opens tunnels: finds the session somebody left, or begins one with the person's key on the daemon with most room."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import structlog

from broker.commands import EXEC, runnable
from broker.expansion import expanded, values
from broker.finding import NO_CONNECTION, find_connection, own_connection
from broker.fleet import parted
from broker.gateway_logins import end_logins, uses_gateways
from broker.jumps import JumpsError
from broker.keeping import Kept, gateway_owner, identify, person
from broker.keys import KeyRefusedError
from broker.proxyd_client import connect, end_session
from broker.sharing import ENDED
from broker.store.base import StoreError
from broker.tunnel import GOODBYE, Tunnel
from proxyd.wire.handshake import ClientHandshake, ClientInfo
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from broker.auth.base import Connection
    from broker.fleet import Fleet
    from broker.gate.introduction import Introductions
    from broker.jumps import Jumps
    from broker.keeping import Identity, Keeping
    from broker.keys import KeyDirectory
    from broker.metrics import Metrics
    from broker.networks.registry import PrivateNetworks
    from broker.proxyd_client import Address, Upstream
    from broker.records import Records
    from broker.sessions import Session, Sessions
    from broker.sharing import Sharing

__all__ = ["Gateway", "Limits"]

MAX_TUNNELS_PER_SESSION = 32
ROOM_NEEDED = "You have left too many sessions open: the oldest was ended."
LOGGED_OUT = "You logged out."
ENDED_AWAY = "ended-away"
"""Notice: the session somebody comes back to is no more, this is a new one."""
UNREACHABLE = frozenset({Status.UPSTREAM_UNAVAILABLE, Status.UPSTREAM_TIMEOUT, Status.SERVER_BUSY})
"""Failures of a daemon where another one may do."""


class Way(NamedTuple):
    """An open connection to a daemon.

    Attributes:
        upstream: the connection.
        daemon: where the daemon is.
        kept: the record of the session, where it outlives its tunnels.
        unused: parameters that the daemon did not ask for.
        lost: the session that was left is no more.
    """

    upstream: Upstream
    daemon: Address
    kept: Kept | None = None
    unused: tuple[str, ...] = ()
    lost: bool = False


class Limits(NamedTuple):
    """How much and how long.

    Attributes:
        max_tunnels: tunnels of this broker.
        detach_timeout: seconds that a session is kept while nobody looks, where its connection does not say.
        max_detached: sessions of one person that nobody looks at.
    """

    max_tunnels: int
    detach_timeout: int
    max_detached: int


class Gateway:
    """Opens and closes the tunnels of this broker.

    Attributes:
        fleet: where proxyd listens.
        limits: in force; they may change.
        draining: no more tunnels are opened.
    """

    def __init__(
        self,
        fleet: Fleet,
        sessions: Sessions,
        records: Records,
        keeping: Keeping,
        sharing: Sharing,
        networks: PrivateNetworks,
        jumps: Jumps,
        keys: KeyDirectory | None,
        introductions: Introductions,
        metrics: Metrics,
        clock: Callable[[], float],
        limits: Limits,
        *,
        allow_insecure: bool,
    ) -> None:
        """Describe the way; nothing is opened.

        Args:
            fleet: where proxyd listens.
            sessions: where tunnels are registered.
            records: what runs and what ran.
            keeping: sessions that people come back to.
            sharing: links to tunnels, which end with them.
            networks: private networks, and which daemons reach them.
            jumps: the operator's gateways.
            keys: the key directory, where it is used.
            introductions: what is known of instances that sessions begin on.
            metrics: what is counted.
            clock: Unix seconds.
            limits: how much and how long.
            allow_insecure: let private keys cross plain TCP to another host.
        """
        self.fleet = fleet
        self._sessions = sessions
        self._records = records
        self._keeping = keeping
        self._sharing = sharing
        self._networks = networks
        self._jumps = jumps
        self._keys = keys
        self._introductions = introductions
        self._metrics = metrics
        self._clock = clock
        self._allow_insecure = allow_insecure
        self.limits = limits
        self._opening = 0
        self._chores: set[asyncio.Task[None]] = set()
        self.draining = False

    async def open(
        self, session: Session, wanted: tuple[str, str], client: ClientInfo, address: str, name: str = ""
    ) -> Tunnel:
        """Open a tunnel to one of the session's connections: to the session that was left there, if one was.

        Args:
            session: whose connection.
            wanted: `c` and the identifier of a connection, or `a` and that of a tunnel which is to be joined.
            client: what the browser said of itself.
            address: the browser's address.
            name: of a session beside the first.

        Raises:
            StatusError: no such connection, no key that may be used, or proxyd refused.
        """
        with self._refusals(session, wanted[1], address):
            connection = await find_connection(session, self._records, *wanted)
            return await self._open(session, connection, client, address, name)

    async def run(
        self, session: Session, identifier: str, command: str, seconds: int, address: str
    ) -> Tunnel:
        """Open a tunnel to a command that runs on one of the session's connections, without a terminal.

        Args:
            session: whose connection.
            identifier: the connection's.
            command: what shall run.
            seconds: how long it may take; 0 is for ever.
            address: the browser's address.

        Raises:
            StatusError: see `open`; or the connection is not one to run commands on.
        """
        with self._refusals(session, identifier, address):
            connection = runnable(own_connection(session, identifier), command, seconds)
            return await self._open(session, connection, ClientInfo(name=session.user), address)

    @contextmanager
    def _refusals(self, session: Session, identifier: str, address: str) -> Iterator[None]:
        """Count and log why a tunnel was not opened; StatusError says so, also where the store does not answer."""
        try:
            yield
        except (StatusError, StoreError) as failure:
            error = failure if isinstance(failure, StatusError) else _unanswered(failure)
            self._metrics.tunnel_failures.labels(error.status.name).inc()
            error.reference = secrets.token_hex(2).upper()
            structlog.get_logger().warning(
                "tunnel refused",
                user=session.user,
                connection=identifier,
                address=address,
                status=error.status.name,
                reason=error.message,
                ref=error.reference,
            )
            raise error from None

    async def _open(
        self, session: Session, connection: Connection, client: ClientInfo, address: str, name: str = ""
    ) -> Tunnel:
        """Open a tunnel to a connection; see `open`."""
        if connection.share and not await self._sharing.valid(connection.share):
            raise StatusError(Status.RESOURCE_CLOSED, "The link to this session is over.")
        self._check_room(session)
        self._opening += 1
        log = structlog.get_logger().bind(
            user=session.user, connection=connection.identifier, address=address
        )
        identifier = str(uuid.uuid4())
        known = values(session.user, address, self._clock(), identifier)
        try:
            way = await self._way(session, connection, client, address, name, known)
        finally:
            self._opening -= 1
        now, daemon = self._clock(), str(way.daemon)
        tunnel = Tunnel(
            session,
            connection,
            way.upstream,
            address,
            now,
            daemon=daemon,
            kept=way.kept,
            identifier=identifier,
        )
        if way.lost:
            tunnel.tell(ENDED_AWAY)
        if connection.until is not None:
            tunnel.end_in(connection.until - now, ENDED)
        self._sessions.enter(tunnel)
        self._metrics.tunnels.inc()
        if self.draining and tunnel.kept is not None:  # it began to while the tunnel was opened
            tunnel.end(Status.SERVER_BUSY)
        try:
            await self._records.opened(tunnel)
            if connection.share and not await self._sharing.valid(connection.share):  # it ended meanwhile
                tunnel.end(Status.SESSION_CLOSED, ENDED)
        except StoreError as error:
            log.error("not recorded", reason=str(error))
        except BaseException:  # the browser left meanwhile
            self.close(tunnel, Status.SUCCESS)
            raise
        log.info(
            "tunnel opened",
            tunnel=tunnel.identifier,
            proxyd=tunnel.connection_id,
            protocol=connection.protocol,
            target=connection.parameters.get("hostname", ""),
            unused=",".join(way.unused),
        )
        return tunnel

    def close(self, tunnel: Tunnel, status: Status) -> None:
        """A tunnel is over; `status` counts where it has not ended by itself.

        What the store is told of it is a task of its own: whoever calls this may be cancelled, its browser being gone.
        """
        tunnel.end(status)
        if self._sessions.tunnel(tunnel.identifier) is None:
            return
        self._sessions.leave(tunnel)
        ended = tunnel.status or status
        self._metrics.tunnels.dec()
        self._metrics.tunnel_ends.labels(ended.name).inc()
        self._metrics.relayed.labels("down").inc(tunnel.received)
        self._metrics.relayed.labels("up").inc(tunnel.sent)
        structlog.get_logger().info(
            "tunnel closed",
            user=tunnel.session.user,
            connection=tunnel.connection.identifier,
            proxyd=tunnel.connection_id,
            status=ended.name,
            seconds=round(self._clock() - tunnel.opened, 1),
            received=tunnel.received,
            sent=tunnel.sent,
        )
        chore = asyncio.create_task(self._settle(tunnel), name=f"settle {tunnel.identifier}")
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _settle(self, tunnel: Tunnel) -> None:
        try:
            if tunnel.kept is None or tunnel.over:
                await self._sharing.revoke(tunnel)
            await self._records.closed(tunnel)
            if tunnel.evidence:
                await self._introductions.met(tunnel.session.key_id, tunnel.connection, tunnel.evidence)
            if tunnel.kept is not None:
                await self._leave(tunnel.kept, over=tunnel.over)
        except StoreError as error:
            structlog.get_logger().error("not recorded", reason=str(error))

    async def settled(self) -> None:
        """Wait until the store knows of every tunnel that is over."""
        while self._chores:
            await asyncio.wait(self._chores)

    async def end(self, identifier: str, reason: str) -> bool:
        """End a tunnel of this broker or of another one, telling the person why; False where none runs."""
        tunnel = self._sessions.tunnel(identifier)
        if tunnel is not None:
            tunnel.end(Status.SESSION_CLOSED, reason, for_good=True)
            return True
        if await self._records.order_end(identifier, reason):
            return True
        for kept in await self.left_open():
            if kept.proxyd == f"${identifier}":
                return await self._end_kept(kept, reason)
        return False

    async def say(self, identifier: str, text: str) -> bool:
        """Show somebody a text while their session goes on, here or at another broker; False where none runs."""
        tunnel = self._sessions.tunnel(identifier)
        if tunnel is not None:
            tunnel.say(text)
            return True
        return await self._records.order_words(identifier, text)

    async def keep_alive(self) -> None:
        """Let the daemon hear of every browser, also of those that sleep; and hear of the daemon."""
        now = asyncio.get_running_loop().time()
        for tunnel in self._sessions.tunnels():
            tunnel.keep_alive()
            tunnel.check_daemon(now)

    async def look_after(self) -> None:
        """Say what runs here, and do what another broker's operator wants done."""
        for tunnel, reason in await self._records.orders(self._sessions.tunnels()):
            tunnel.end(Status.SESSION_CLOSED, reason, for_good=True)
        for kept in {tunnel.kept for tunnel in self._sessions.tunnels() if tunnel.kept is not None}:
            await self._keeping.looked_at(kept)
        for identifier, text in (await self._records.words()).items():
            tunnel_here = self._sessions.tunnel(identifier)
            if tunnel_here is not None:
                await self._records.said(identifier)
                tunnel_here.say(text)

    async def reachable(self) -> bool:
        """Whether a daemon answers."""
        await self.fleet.look()
        return any(not daemon.misses for daemon in self.fleet.daemons)

    def check_running(self) -> None:
        """Return if this broker does not drain. HTTP may say so: a balancer asks another one then.

        Raises:
            StatusError: it does (SERVER_BUSY).
        """
        if self.draining:
            raise StatusError(Status.SERVER_BUSY, "Fanlight is being restarted.")

    def drain(self, status: Status = Status.SERVER_BUSY) -> None:
        """Open no more tunnels, and send away those that find their session again; a second time, send away all."""
        for tunnel in self._sessions.tunnels():
            if self.draining or tunnel.kept is not None:
                tunnel.end(status)
        self.draining = True

    # -- sessions that are kept --------------------------------------------------------------------------------------

    async def log_out(self, session: Session) -> None:
        """A token is given back: what was left open with it ends."""
        for kept in await self._keeping.of(person(session)):
            if kept.session == session.token_hash:
                await self._end_kept(kept, LOGGED_OUT)
        if uses_gateways(session):
            await end_logins(self.fleet, gateway_owner(session))

    async def left_open(self) -> list[Kept]:
        """Sessions of all brokers that nobody looks at."""
        return await self._keeping.detached()

    async def _leave(self, kept: Kept, *, over: bool) -> None:
        """A window is closed: another one here has the session now, or nobody looks."""
        for tunnel in self._sessions.tunnels():
            if tunnel.kept is not None and tunnel.kept.proxyd == kept.proxyd:
                await self._keeping.put(tunnel.kept)
                return
        if await self._keeping.left(kept, over=over):
            await self._make_room(kept)

    async def _make_room(self, kept: Kept) -> None:
        """Of one person's sessions that nobody looks at, end the oldest beyond the limit."""
        left = [row for row in await self._keeping.of(kept.key.partition(":")[0]) if row.detached is not None]
        left.sort(key=lambda row: row.detached or 0.0, reverse=True)
        for row in left[self.limits.max_detached :]:
            await self._end_kept(row, ROOM_NEEDED)

    async def _end_kept(self, kept: Kept, reason: str) -> bool:
        await self._keeping.forget(kept)
        daemon = self.fleet.find(kept.daemon)
        return daemon is not None and await end_session(daemon, kept.proxyd, reason)

    # -- the way to a daemon -----------------------------------------------------------------------------------------

    async def _way(
        self,
        session: Session,
        connection: Connection,
        client: ClientInfo,
        address: str,
        name: str,
        known: Mapping[str, str],
    ) -> Way:
        """Join what is to be joined, go back to what was left, or begin.

        Raises:
            StatusError: see `open`.
        """
        if connection.join:
            return await self._join(connection, client)
        seconds = self._seconds(session, connection)
        if not seconds:
            return await self._begin(session, connection, client, {}, known)
        identity = identify(session, connection, name)
        earlier = await self._keeping.find(identity.key)
        if earlier is not None:
            way = await self._rejoin(earlier, identity, session, connection, client)
            if way is not None:
                return way
        extra = {"detach-timeout": str(seconds), "session-owner": identity.word}
        way = await self._begin(session, connection, client, extra, known)
        if "session-owner" in way.unused:  # a daemon that keeps nothing
            return way
        where = str(way.daemon), way.upstream.connection_id
        now = self._clock()
        kept = Kept.begun(identity, session, connection, where, address=address, seconds=seconds, created=now)
        way = way._replace(kept=kept, lost=earlier is not None and not earlier.over)
        try:
            if await self._keeping.add(kept, earlier):
                return way
            quicker = await self._keeping.find(identity.key)  # another window was
            theirs = None
            if quicker is not None:
                theirs = await self._rejoin(quicker, identity, session, connection, client)
        except BaseException:  # the browser left meanwhile, or theirs is out of reach
            way.upstream.close(GOODBYE)
            raise
        if theirs is not None:
            way.upstream.close(GOODBYE)
            return theirs
        await self._keeping.put(kept)
        return way

    def _seconds(self, session: Session, connection: Connection) -> int:
        """How long the session is kept while nobody looks; never beyond what the token permits."""
        given = connection.parameters.get("detach-timeout", "")
        seconds = (
            int(given)
            if given.isascii() and given.isdigit() and len(given) < 9
            else self.limits.detach_timeout
        )
        if session.expires is not None:
            seconds = min(seconds, int(session.expires - self._clock()))
        return max(seconds, 0)

    async def _rejoin(
        self, kept: Kept, identity: Identity, session: Session, connection: Connection, client: ClientInfo
    ) -> Way | None:
        """Go back to a session; None where it is no more, or not this person's."""
        daemon = self.fleet.find(kept.daemon)
        if daemon is None:
            return None
        parameters = {
            "read-only": connection.parameters.get("read-only", ""),
            "session-owner": identity.word,
        }
        handshake = ClientHandshake(kept.proxyd, parameters, client)
        try:
            upstream = await connect(daemon, handshake, allow_insecure=self._allow_insecure)
        except StatusError as error:
            elsewhere = error.status in UNREACHABLE and len(self.fleet.daemons) > 1
            if error.status is Status.RESOURCE_NOT_FOUND or elsewhere:
                structlog.get_logger().warning(
                    "session not found again", user=session.user, proxyd=kept.proxyd, status=error.status.name
                )
                return None
            raise
        kept = kept.seen_by(session, connection)
        self._metrics.resumed.inc()
        try:
            await self._keeping.put(kept)
        except BaseException:  # the browser left meanwhile
            upstream.close()
            raise
        return Way(upstream, daemon, kept)

    async def _begin(
        self,
        session: Session,
        connection: Connection,
        client: ClientInfo,
        extra: Mapping[str, str],
        known: Mapping[str, str],
    ) -> Way:
        """Begin a session on the best daemon that takes it."""
        connection = replace(connection, parameters=expanded(connection.parameters, known))
        connection = await self._introductions.introduce(session.key_id, connection)
        given = {**await self._parameters(session, connection), **extra}
        parameters = await self._with_gateways(session, given, known)
        *others, last = await self._choices(parameters)
        for daemon in others:
            try:
                return await self._connect(daemon, connection.protocol, parameters, client)
            except StatusError as error:
                if error.status not in UNREACHABLE:
                    raise
        return await self._connect(last, connection.protocol, parameters, client)

    async def _with_gateways(
        self, session: Session, parameters: Mapping[str, str], known: Mapping[str, str]
    ) -> dict[str, str]:
        """Parameters with what the daemon has to know of gateways; see `Jumps.completed`."""
        try:
            return await asyncio.to_thread(self._jumps.completed, parameters, gateway_owner(session), known)
        except JumpsError as error:
            structlog.get_logger().error("gateway not usable", reason=str(error))
            reason = "The gateway before the instance is not set up as it should be."
            raise StatusError(Status.SERVER_ERROR, reason, Hop.GATEWAY) from None

    async def _choices(self, parameters: Mapping[str, str]) -> list[Address]:
        """Daemons for a new session, the best first: all, or those that reach a private network.

        A person's sessions behind gateways are kept together, so that one login serves them all.

        Raises:
            StatusError: none reaches it.
        """
        network = parameters.get("network", "")
        if not network:
            owner = parameters.get("gateway-owner", "")
            return self.fleet.homes(owner) if owner else self.fleet.choices()
        names = await self._networks.daemons(network)
        reaching = [daemon for daemon in map(self.fleet.find, names) if daemon is not None]
        if not reaching:
            reason = f"No connector of the network {network} is connected."
            raise StatusError(Status.UPSTREAM_UNAVAILABLE, reason, Hop.GATEWAY)
        return reaching

    async def _join(self, connection: Connection, client: ClientInfo) -> Way:
        name, target = parted(connection.join)
        daemon = self.fleet.find(name)
        if daemon is None:
            raise StatusError(Status.RESOURCE_NOT_FOUND, NO_CONNECTION)
        return await self._connect(daemon, target, connection.parameters, client)

    async def _connect(
        self, daemon: Address, target: str, parameters: Mapping[str, str], client: ClientInfo
    ) -> Way:
        handshake = ClientHandshake(target, parameters, client)
        with self.fleet.opening(daemon):
            upstream = await connect(daemon, handshake, allow_insecure=self._allow_insecure)
        return Way(upstream, daemon, unused=tuple(handshake.unused))

    def _check_room(self, session: Session) -> None:
        self.check_running()
        if len(self._sessions) + self._opening >= self.limits.max_tunnels:
            raise StatusError(Status.SERVER_BUSY, "Too many tunnels are open.")
        if len(self._sessions.tunnels(session.token_hash)) >= MAX_TUNNELS_PER_SESSION:
            raise StatusError(Status.CLIENT_TOO_MANY, "Too many tunnels are open on this token.")

    async def _parameters(self, session: Session, connection: Connection) -> Mapping[str, str]:
        """The connection's parameters, with the person's key where keys are used."""
        parameters = dict(connection.parameters)
        parameters.pop("session-owner", None)
        if self._keys is None or not session.user:
            return parameters
        try:
            key = await asyncio.to_thread(self._keys.read, session.user)
        except KeyRefusedError as error:
            structlog.get_logger().warning("key refused", user=session.user, reason=str(error))
            raise StatusError(Status.CLIENT_FORBIDDEN, "The private key on file may not be used.") from None
        if key is None:
            return parameters
        if connection.protocol in {"ssh", EXEC}:
            parameters["private-key"] = key.text
            parameters["public-key"] = key.certificate
        elif parameters.get("enable-sftp") == "true":
            parameters["sftp-private-key"] = key.text
        return parameters


def _unanswered(error: StoreError) -> StatusError:
    """Whoever needs the store while it is away may come again soon."""
    structlog.get_logger().error("store failed", reason=str(error))
    return StatusError(Status.SERVER_BUSY, "Fanlight cannot look this up now.")
