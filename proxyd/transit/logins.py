"""Logins at gateways: one for a person and a chain of jump hosts, whoever needs it, kept while it is used."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import structlog

from proxyd.carrying import Shared
from proxyd.instances.ssh_auth import Asker
from proxyd.transit.carrier import Carrier
from proxyd.transport import Direct
from proxyd.transport.jump import Leaving, signed_in
from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncssh

    from proxyd.carrying import Turns
    from proxyd.instances.host_keys import HostKeyFiles
    from proxyd.transit.connectors import Connectors
    from proxyd.wire.route import JumpHost, Route

__all__ = ["Login", "Logins"]

MAX_LOGINS = 2000
"""Logins that live or are being made."""
CHECK_EVERY = 1.0
"""Seconds between two looks at the limits of a login."""

log = structlog.get_logger()


class WaitingAsker(Asker, Protocol):
    """Somebody to ask, who may have to wait until somebody else was asked."""

    def wait(self, gateway: str) -> None:
        """The same login is being made for another session."""


class Key(NamedTuple):
    """What makes two logins the same: the person, the network, and every machine up to this one."""

    owner: str
    network: str
    machines: tuple[str, ...]


class Login(Carrier):
    """A login that lives, or lived.

    Attributes:
        identifier: names it to people and operators; tells nothing.
        since: when it began, Unix seconds.
    """

    def __init__(
        self, connection: asyncssh.SSHClientConnection, route: Route, depth: int, timeout: float, since: float,
        turns: Turns, before: Carrier | None,
    ) -> None:  # fmt: skip
        self.host = route.hosts[depth]
        super().__init__(Leaving(connection, f"the gateway {self.host.alias}", timeout), turns, before)
        self.connection = connection
        self.route = route
        self.identifier = secrets.token_hex(8)
        self.since = since

    def told(self) -> dict[str, Any]:
        """What people are told of it."""
        return {
            "id": self.identifier,
            "gateway": self.host.alias,
            "owner": self.route.owner,
            "sessions": self.sessions,
            "since": int(self.since),
        }


class Logins:
    """All logins of this daemon."""

    def __init__(
        self, files: HostKeyFiles, connectors: Connectors, timeout: float, clock: Callable[[], float]
    ) -> None:
        """Begin without any.

        Args:
            files: of host keys.
            connectors: for gateways inside private networks.
            timeout: seconds for a machine to answer.
            clock: Unix seconds.
        """
        self._files = files
        self._connectors = connectors
        self._timeout = timeout
        self._clock = clock
        self._living: dict[Key, Login] = {}
        self._attempts: dict[Key, asyncio.Future[Login | None]] = {}
        self._holding: set[asyncio.Task[None]] = set()

    async def ready(self, route: Route, asker: WaitingAsker) -> Carrier:
        """Sign in where nobody did yet; whoever needs the same login meanwhile waits for this one.

        Raises:
            StatusError: that failed, for everybody who waited; or `asker` gave up.
        """
        carrier = self._connectors.carrier(route.network) if route.network else None
        for depth in range(len(route.hosts)):
            carrier = await self._login(route, depth, carrier, asker)
        assert carrier is not None, "a route leads somewhere"
        return carrier

    def carrier(self, route: Route) -> Carrier:
        """What carries streams of a route that is ready.

        Raises:
            StatusError: it is not.
        """
        if not route.hosts:
            return self._connectors.carrier(route.network)
        login = self._living.get(_key(route, len(route.hosts) - 1))
        if login is None:
            name = route.hosts[-1].alias
            raise StatusError(
                Status.UPSTREAM_UNAVAILABLE, f"Nobody is signed in at the gateway {name}.", Hop.GATEWAY
            )
        return login

    def of(self, owner: str) -> list[Login]:
        """The logins of a person; of everybody where that is empty."""
        return [login for login in self._living.values() if not owner or login.route.owner == owner]

    def end(self, owner: str, identifier: str) -> int:
        """End one login or all; what passes through ends. Returns how many.

        Args:
            owner: whose; empty is anybody's.
            identifier: of one login; empty is all.
        """
        ending = [login for login in self.of(owner) if not identifier or login.identifier == identifier]
        for login in ending:
            self._over(login, f"You signed out at the gateway {login.host.alias}.")
        return len(ending)

    async def close(self) -> None:
        """End all."""
        for task in self._holding:
            task.cancel()
        if self._holding:
            await asyncio.wait(self._holding)

    # -- within ------------------------------------------------------------------------------------------------------

    async def _login(self, route: Route, depth: int, before: Carrier | None, asker: WaitingAsker) -> Login:
        key = _key(route, depth)
        while (login := self._living.get(key)) is None:
            attempt = self._attempts.get(key)
            if attempt is None:
                return await self._attempt(key, route, depth, before, asker)
            asker.wait(route.hosts[depth].alias)
            login = await asyncio.shield(attempt)
            if login is not None:
                return login
        return login

    async def _attempt(
        self, key: Key, route: Route, depth: int, before: Carrier | None, asker: Asker
    ) -> Login:
        """Sign in for all who wait. If who was asked goes away, the next of them is asked."""
        if len(self._living) + len(self._attempts) >= MAX_LOGINS:
            raise StatusError(Status.SERVER_BUSY, "Too many gateway logins are open.", Hop.GATEWAY)
        attempt = self._attempts[key] = asyncio.get_running_loop().create_future()
        began: asyncio.Future[Login] = asyncio.get_running_loop().create_future()
        holding = asyncio.create_task(
            self._hold(key, route, depth, before, asker, began), name=f"login at {route.hosts[depth].alias}"
        )
        self._holding.add(holding)
        holding.add_done_callback(self._holding.discard)
        try:
            login = await began
        except StatusError as error:
            attempt.set_exception(error)
            attempt.exception()  # nobody may be waiting
            raise
        except BaseException:
            holding.cancel()
            attempt.set_result(None)
            raise
        finally:
            del self._attempts[key]
        attempt.set_result(login)
        return login

    async def _hold(
        self,
        key: Key,
        route: Route,
        depth: int,
        before: Carrier | None,
        asker: Asker,
        began: asyncio.Future[Login],
    ) -> None:
        """Sign in, and keep the login until it is lost, unused for too long, or too old."""
        host = route.hosts[depth]
        link = Shared(before.transport if before is not None else Direct(self._timeout))
        try:
            async with signed_in(host, link, asker, self._files, self._timeout) as connection:
                login = Login(connection, route, depth, self._timeout, self._clock(), link.turns, before)
                self._living[key] = login
                began.set_result(login)
                log.info("signed in at a gateway", gateway=host.alias, login=login.identifier)
                try:
                    await self._keep(login)
                finally:
                    if self._living.get(key) is login:
                        del self._living[key]
                    self._over(login, f"The connection to the gateway {host.alias} was lost.")
                    log.info("a gateway login ended", gateway=host.alias, login=login.identifier)
        except StatusError as error:
            if not began.done():
                began.set_exception(error)
        except Exception:
            log.exception("signing in at a gateway failed in a way nobody foresaw")
            if not began.done():
                began.set_exception(StatusError(Status.SERVER_ERROR, "Fanlight had a problem on its side."))
        finally:
            if not began.done():
                began.cancel()

    async def _keep(self, login: Login) -> None:
        """Wait until the login is over."""
        lost = asyncio.create_task(login.connection.wait_closed(), name="gateway lost")
        clock = asyncio.get_running_loop().time
        began = used = clock()
        try:
            while login.ended is None and not lost.done():
                if login.sessions:
                    used = clock()
                if clock() - began > login.route.longest:
                    self._over(
                        login, f"The login at the gateway {login.host.alias} reached its longest time."
                    )
                elif clock() - used > login.route.idle:
                    self._over(login, f"Nobody used the login at the gateway {login.host.alias}.")
                else:
                    await asyncio.wait({lost}, timeout=CHECK_EVERY)
        finally:
            lost.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await lost

    def _over(self, login: Login, reason: str) -> None:
        if login.ended is None:
            login.ended = StatusError(Status.UPSTREAM_UNAVAILABLE, reason, Hop.GATEWAY)
            login.connection.close()


def _key(route: Route, depth: int) -> Key:
    """The key of a login; one without an owner is of its session alone."""
    hosts: tuple[JumpHost, ...] = route.hosts[: depth + 1]
    owner = route.owner or f"session {route.session}"
    return Key(owner, route.network, tuple(host.identity for host in hosts))
