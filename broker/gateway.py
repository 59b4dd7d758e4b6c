"""Opens tunnels: finds the connection, adds the person's key, and shakes hands with proxyd."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from broker.keys import KeyRefusedError
from broker.proxyd_client import answers, connect
from broker.store.base import StoreError
from broker.tunnel import Tunnel
from proxyd.wire.handshake import ClientHandshake
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from broker.auth.base import Connection
    from broker.keys import KeyDirectory
    from broker.metrics import Metrics
    from broker.proxyd_client import Address
    from broker.records import Records
    from broker.sessions import Session, Sessions
    from broker.sharing import Sharing
    from proxyd.wire.handshake import ClientInfo

__all__ = ["Gateway"]

MAX_TUNNELS_PER_SESSION = 32
NO_CONNECTION = "This token opens no such connection."


class Gateway:
    """Opens and closes the tunnels of this broker."""

    def __init__(
        self,
        address: Address,
        sessions: Sessions,
        records: Records,
        sharing: Sharing,
        keys: KeyDirectory | None,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        allow_insecure: bool,
        max_tunnels: int,
    ) -> None:
        """Describe the way; nothing is opened.

        Args:
            address: where proxyd listens.
            sessions: where tunnels are registered.
            records: what runs and what ran.
            sharing: links to tunnels, which end with them.
            keys: the key directory, where it is used.
            metrics: what is counted.
            clock: Unix seconds.
            allow_insecure: let private keys cross plain TCP to another host.
            max_tunnels: tunnels of this broker.
        """
        self.address = address
        self._sessions = sessions
        self._records = records
        self._sharing = sharing
        self._keys = keys
        self._metrics = metrics
        self._clock = clock
        self._allow_insecure = allow_insecure
        self._max_tunnels = max_tunnels
        self._opening = 0
        self._chores: set[asyncio.Task[None]] = set()
        self.draining = False

    async def open(
        self, session: Session, wanted: tuple[str, str], client: ClientInfo, address: str
    ) -> Tunnel:
        """Open a tunnel to one of the session's connections.

        Args:
            session: whose connection.
            wanted: `c` and the identifier of a connection, or `a` and that of a tunnel which is to be joined.
            client: what the browser said of itself.
            address: the browser's address.

        Raises:
            StatusError: no such connection, no key that may be used, or proxyd refused.
        """
        connection = await self._find(session, *wanted)
        if connection.share and not await self._sharing.valid(connection.share):
            raise StatusError(Status.RESOURCE_CLOSED, "The link to this session is over.")
        self._check_room(session)
        self._opening += 1
        log = structlog.get_logger().bind(
            user=session.user, connection=connection.identifier, address=address
        )
        try:
            target = connection.join or connection.protocol
            handshake = ClientHandshake(target, await self._parameters(session, connection), client)
            upstream = await connect(self.address, handshake, allow_insecure=self._allow_insecure)
        except StatusError as error:
            self._metrics.tunnel_failures.labels(error.status.name).inc()
            log.warning("tunnel refused", status=error.status.name, reason=error.message)
            raise
        finally:
            self._opening -= 1
        tunnel = Tunnel(session, connection, upstream, address, self._clock())
        self._sessions.enter(tunnel)
        self._metrics.tunnels.inc()
        try:
            await self._records.opened(tunnel)
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
            unused=",".join(handshake.unused),
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
            await self._sharing.revoke(tunnel)
            await self._records.closed(tunnel)
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
            tunnel.end(Status.SESSION_CLOSED, reason)
            return True
        return await self._records.order_end(identifier, reason)

    async def say(self, identifier: str, text: str) -> bool:
        """Show somebody a text while their session goes on, here or at another broker; False where none runs."""
        tunnel = self._sessions.tunnel(identifier)
        if tunnel is not None:
            tunnel.say(text)
            return True
        return await self._records.order_words(identifier, text)

    async def keep_alive(self) -> None:
        """Let the daemon hear of every browser, also of those that sleep."""
        for tunnel in self._sessions.tunnels():
            tunnel.keep_alive()

    async def look_after(self) -> None:
        """Say what runs here, and do what another broker's operator wants done."""
        for tunnel, reason in await self._records.orders(self._sessions.tunnels()):
            tunnel.end(Status.SESSION_CLOSED, reason)
        for identifier, text in (await self._records.words()).items():
            tunnel_here = self._sessions.tunnel(identifier)
            if tunnel_here is not None:
                await self._records.said(identifier)
                tunnel_here.say(text)

    async def reachable(self) -> bool:
        """Whether something listens where proxyd should."""
        return await answers(self.address)

    def drain(self, status: Status = Status.SERVER_BUSY) -> None:
        """Open no more tunnels; called a second time, end those that are open."""
        if self.draining:
            for tunnel in self._sessions.tunnels():
                tunnel.end(status)
        self.draining = True

    def _check_room(self, session: Session) -> None:
        if self.draining:
            raise StatusError(Status.SERVER_BUSY, "Fanlight is being restarted.")
        if len(self._sessions) + self._opening >= self._max_tunnels:
            raise StatusError(Status.SERVER_BUSY, "Too many tunnels are open.")
        if len(self._sessions.tunnels(session.token_hash)) >= MAX_TUNNELS_PER_SESSION:
            raise StatusError(Status.CLIENT_TOO_MANY, "Too many tunnels are open on this token.")

    async def _parameters(self, session: Session, connection: Connection) -> Mapping[str, str]:
        """The connection's parameters, with the person's key where keys are used."""
        parameters = dict(connection.parameters)
        if self._keys is None or not session.user or connection.join:
            return parameters
        try:
            key = await asyncio.to_thread(self._keys.read, session.user)
        except KeyRefusedError as error:
            structlog.get_logger().warning("key refused", user=session.user, reason=str(error))
            raise StatusError(Status.CLIENT_FORBIDDEN, "The private key on file may not be used.") from None
        if key is None:
            return parameters
        if connection.protocol == "ssh":
            parameters["private-key"] = key.text
            parameters["public-key"] = key.certificate
        elif parameters.get("enable-sftp") == "true":
            parameters["sftp-private-key"] = key.text
        return parameters

    async def _find(self, session: Session, kind: str, identifier: str) -> Connection:
        if kind == "c":
            return _own(session, identifier)
        for record in await self._records.running():
            if record.identifier == identifier and record.session == session.token_hash:
                own = session.connections.get(record.connection)
                if own is not None:
                    return replace(own, join=record.proxyd)
        raise StatusError(Status.RESOURCE_NOT_FOUND, NO_CONNECTION)


def _own(session: Session, identifier: str) -> Connection:
    """A connection by its id, or by its id without the first two characters (sheet A.3)."""
    exact = session.connections.get(identifier)
    if exact is not None:
        return exact
    for candidate, connection in session.connections.items():
        if identifier and candidate[2:] == identifier:
            return connection
    raise StatusError(Status.RESOURCE_NOT_FOUND, NO_CONNECTION)
