"""The life of a connector: dial one of the brokers, serve, and dial again when it is over."""

from __future__ import annotations

import asyncio
import functools
import random
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import asyncssh
import structlog

from connector.control import Control
from connector.dialing import DialError, dial
from connector.inside import Inside
from connector.permits import Permits
from connector.serving import Counts, Serving
from connector.state import installed_as, machine_id, say
from connector.updater import HttpFetch, Updater

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.keyfile import ConnectorKey, Endpoint
    from connector.settings import Settings

__all__ = ["Agent", "delay"]

SHORTEST, LONGEST = 1.0, 60.0
"""Seconds between two attempts."""
GOOD_AFTER = 30.0
"""Seconds that a connection has to live to count as good: the next attempt after it comes soon."""


def delay(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row: doubled each time, and half of it left to chance.

    Args:
        failures: from 1.
        chance: from 0 to 1.
    """
    longest = min(SHORTEST * 2.0 ** min(failures - 1, 16), LONGEST)
    return max(SHORTEST, longest * (0.5 + 0.5 * chance))


class Agent:
    """Keeps one connection to one broker.

    Attributes:
        updater: of this connector.
    """

    def __init__(
        self, settings: Settings, key: ConnectorKey, chance: Callable[[], float] = random.random
    ) -> None:
        """Make ready.

        Raises:
            OSError: the state directory cannot be written.
        """
        self._settings = settings
        self._key = key
        self._chance = chance
        self._log = structlog.get_logger("connector").bind(network=key.network)
        self._counts = Counts()
        self._inside = Inside(Permits(settings.allowed_targets), settings.connect_timeout)
        machine = machine_id(settings.state_directory, key.network)
        self._endpoint = key.endpoints[0]
        self.updater = Updater(
            settings,
            version("fanlight"),
            installed_as(settings.installed_as) == "container",
            HttpFetch(self._releases, settings.certificate_authority),
            time.time,
        )
        self._control = Control(settings, key, self._inside, self._counts, machine, self.updater)
        self._since = time.time()

    async def run(self) -> None:
        """Serve until cancelled."""
        if not len(self._inside.permits):
            self._log.warning("allowed-targets is empty: nothing can be opened")
        self._say("connecting")
        failures = turn = 0
        while True:
            endpoint = self._key.endpoints[turn % len(self._key.endpoints)]
            began = time.monotonic()
            error = await self._connection(endpoint, functools.partial(self._say, "connected", endpoint))
            if time.monotonic() - began > GOOD_AFTER:
                failures = 0
            failures += 1
            turn += 1
            wait = delay(failures, self._chance())
            self._say("disconnected", endpoint, error)
            self._log.warning("disconnected", endpoint=str(endpoint), reason=error, again_in=round(wait, 1))
            await asyncio.sleep(wait)

    async def try_once(self, endpoint: Endpoint, seconds: float) -> str:
        """Let a broker sign in, and leave at once; returns why none did, or nothing."""
        signed_in = asyncio.Event()
        trying = asyncio.create_task(self._connection(endpoint, signed_in.set), name="try")
        waiting = asyncio.create_task(signed_in.wait(), name="signed in")
        try:
            await asyncio.wait({trying, waiting}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if signed_in.is_set():
                return ""
            return trying.result() if trying.done() else f"{endpoint} let us in, but nobody signed in"
        finally:
            for task in (trying, waiting):
                task.cancel()
            await asyncio.gather(trying, waiting, return_exceptions=True)

    async def _connection(self, endpoint: Endpoint, signed_in: Callable[[], None]) -> str:
        """One connection from its beginning to its end; returns why it ended."""
        serving = Serving(
            self._key,
            self._inside,
            self._control.answer,
            self._counts,
            self._settings.max_streams,
            str(endpoint),
            self._settings.offer_gate,
        )
        try:
            async with dial(endpoint, self._key.network, self._settings.certificate_authority) as link:
                self._log.info("dialled", endpoint=str(endpoint))
                connection = await serving.run(link, self._key)
                async with connection:
                    signed_in()
                    self._log.info("signed in", endpoint=str(endpoint))
                    await connection.wait_closed()
                return serving.ended
        except DialError as error:
            return str(error)
        except asyncssh.DisconnectError as error:
            if error.code == asyncssh.DISC_HOST_KEY_NOT_VERIFIABLE:
                return (
                    "the broker does not accept this key: it was revoked, replaced, or is another network's"
                )
            return f"the broker's daemon ended the connection: {error.reason}"
        except (OSError, asyncssh.Error, ValueError) as error:  # asyncssh says so of packets that are none
            return f"the connection to {endpoint} broke: {error}"

    def _releases(self) -> str:
        """Where releases are: as the settings say, or at the broker that is in use."""
        if self._settings.update_from or self._endpoint.scheme == "tcp":
            return self._settings.update_from.rstrip("/")
        return f"{str(self._endpoint).replace('ws', 'http', 1)}/releases"

    def _say(self, state: str, endpoint: Endpoint | None = None, error: str = "") -> None:
        self._endpoint = endpoint or self._endpoint
        say(
            self._settings.state_directory,
            {
                "state": state,
                "version": version("fanlight"),
                "network": self._key.network,
                "generation": self._key.generation,
                "endpoint": str(endpoint or ""),
                "since": time.time(),
                "started": self._since,
                "error": error,
            },
        )
