"""`fanlight connector doctor`: every stage of a connector's way, one after the other; each has an exit code of its own."""

from __future__ import annotations

import asyncio
import platform
import resource
import shutil
import socket
import time
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from connector.agent import Agent
from connector.dialing import DialError, dial, proxy_of, trusting
from connector.keyfile import KeyFileError
from connector.reasons import reason
from connector.state import installed_as, is_running, load_key, read_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connector.keyfile import ConnectorKey, Endpoint
    from connector.settings import Settings

__all__ = ["EXITS", "Check", "examine"]

EXITS = {"version": 10, "disk": 11, "limits": 12, "key": 13, "targets": 14, "dns": 15, "https": 16, "clock": 17,
         "ssh": 18, "accepted": 19}  # fmt: skip
"""The exit code for each stage that may fail; of several, the first one counts."""
HTTP_TIMEOUT = 10.0
MAX_SKEW = 30.0
MIN_DISK = 100_000_000
MIN_DESCRIPTORS = 1024
SIGN_IN_TIMEOUT = 15.0


class Check(NamedTuple):
    """One stage.

    Attributes:
        stage: its name, a key of `EXITS`.
        about: an endpoint, or empty.
        passed: None where it could not be tried.
        detail: what was found.
        milliseconds: that it took.
    """

    stage: str
    about: str
    passed: bool | None
    detail: str
    milliseconds: float = 0.0


async def examine(settings: Settings) -> AsyncIterator[Check]:
    """Try everything, as far as it can be tried."""
    yield Check("version", "", True, f"fanlight {version('fanlight')}, Python {platform.python_version()}, "
                f"{platform.system()} {platform.release()}, installed as {installed_as(settings.installed_as)}")  # fmt: skip
    yield _disk(settings)
    yield _limits(settings)
    entries = settings.allowed_targets
    yield Check(
        "targets",
        "",
        bool(entries),
        ", ".join(map(str, entries)) or "allowed-targets is empty: nothing can be opened",
    )
    try:
        key = load_key(settings.key_path)
    except KeyFileError as error:
        yield Check("key", "", False, str(error))
        return
    yield Check("key", "", True, f"network {key.network}, generation {key.generation}, {key.fingerprint}")
    for endpoint in key.endpoints:
        for check in (_dns, _https, _ssh):
            began = time.monotonic()
            passed, detail, stage = await check(endpoint, key, settings)
            yield Check(stage, str(endpoint), passed, detail, round((time.monotonic() - began) * 1000, 1))
            if passed is False:
                break
    yield await _accepted(settings, key)


def _disk(settings: Settings) -> Check:
    directory = settings.state_directory
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        return Check("disk", "", False, f"state-directory: {directory}: {error.strerror}")
    return Check("disk", "", free >= MIN_DISK, f"{free // 1_000_000} MB free in {directory}")


def _limits(settings: Settings) -> Check:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = max(MIN_DESCRIPTORS, settings.max_streams + 64)
    return Check("limits", "", soft >= needed, f"{soft} open files permitted, {needed} needed (ulimit -n)")


async def _dns(endpoint: Endpoint, _: ConnectorKey, __: Settings) -> tuple[bool | None, str, str]:
    if proxy_of(endpoint):
        return None, "the HTTP proxy resolves names", "dns"
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        return False, f"{endpoint.host} is not known: {reason(error)}", "dns"
    return True, ", ".join(dict.fromkeys(str(row[4][0]) for row in found)), "dns"


async def _https(endpoint: Endpoint, _: ConnectorKey, settings: Settings) -> tuple[bool | None, str, str]:
    """A plain request, and the clock of whoever answers."""
    if endpoint.scheme == "tcp":
        return None, "this endpoint is plain TCP", "https"
    address = str(endpoint).replace("ws", "http", 1)
    proxy = proxy_of(endpoint)
    try:
        context = trusting(settings.certificate_authority)
        timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            began = time.time()
            async with session.get(address, proxy=proxy, ssl=context, allow_redirects=False) as answer:
                said = answer.headers.get("Date", "")
                ended = time.time()
    except DialError as error:
        return False, str(error), "https"
    except TimeoutError:
        return False, f"no answer within {HTTP_TIMEOUT:g} s", "https"
    except (aiohttp.ClientError, OSError, UnicodeError) as error:
        return False, reason(error), "https"
    through = f" through {proxy.rpartition('@')[2]}" if proxy else ""
    try:
        offset = parsedate_to_datetime(said).timestamp() - (began + ended) / 2
    except (ValueError, TypeError):
        return True, f"answered{through}", "https"
    if abs(offset) > MAX_SKEW:
        return False, f"the clock here is {-offset:+.0f} s off the broker's", "clock"
    return True, f"answered{through}, clocks differ by {abs(offset):.0f} s", "https"


async def _ssh(endpoint: Endpoint, key: ConnectorKey, settings: Settings) -> tuple[bool | None, str, str]:
    """Whether a broker's daemon begins to speak SSH behind the endpoint."""
    try:
        async with (
            asyncio.timeout(HTTP_TIMEOUT),
            dial(endpoint, key.network, settings.certificate_authority) as link,
        ):
            transport, hearing = await link.create_connection(_Hearing, endpoint.host, endpoint.port)
            try:
                banner = await hearing.first
            finally:
                transport.abort()
    except DialError as error:
        return False, str(error), "ssh"
    except TimeoutError:
        return False, "the broker let us in, but no daemon speaks", "ssh"
    except OSError as error:
        return False, str(error), "ssh"
    line = banner.partition(b"\r\n")[0].decode("ascii", "replace")
    return line.startswith("SSH-2.0-"), line if line.isprintable() and line else "no SSH banner", "ssh"


class _Hearing(asyncio.Protocol):
    """Hears the first bytes, or none."""

    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if not self.first.done():
            self.first.set_result(data[:255])

    def connection_lost(self, _: Exception | None) -> None:
        self.data_received(b"")


async def _accepted(settings: Settings, key: ConnectorKey) -> Check:
    """Whether the key is accepted: as the running connector says, or by signing in now."""
    said = read_status(settings.state_directory)
    fresh = said.get("generation") == key.generation and said.get("network") == key.network
    if fresh and said.get("state") == "connected" and is_running(settings.state_directory):
        return Check("accepted", str(said.get("endpoint")), True, "the connector is running and connected")
    began = time.monotonic()
    reason = "no endpoint let us in"
    for endpoint in key.endpoints:
        reason = await Agent(settings, key).try_once(endpoint, SIGN_IN_TIMEOUT)
        if not reason:
            return Check("accepted", str(endpoint), True, "a broker signed in", _since(began))
    return Check("accepted", "", False, reason, _since(began))


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 1)
