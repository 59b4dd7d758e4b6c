"""What a front proxy makes of requests, and whether the portal's clock is ours: stages of `fanlight check`."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["clock", "complaints", "front"]

GAP = 0.25
"""Seconds that must lie between the two parts of the answer; the broker waits twice as long."""
MAX_OFFSET = 5.0
"""Seconds that clocks may differ before signatures suffer."""
MAX_ANSWER = 65536
ASKED = {"Connection": "upgrade", "Upgrade": "websocket"}
DEFAULT_PORTS = {"http": 80, "https": 443}


async def clock(portal_url: str) -> str | None:
    """Compare our clock with the portal's, which signs the links; by the date of its answer.

    Args:
        portal_url: the portal; empty: there is nothing to compare with.

    Raises:
        CommandError: it does not answer with a date, or the clocks differ by more than signatures bear.
    """
    import aiohttp

    if not portal_url.startswith("http"):
        return None
    try:
        async with aiohttp.ClientSession() as http, http.head(portal_url) as answer:
            theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except aiohttp.ClientError as error:
        raise CommandError(f"portal-url: {portal_url} does not answer: {error}") from None
    except ValueError:
        raise CommandError(f"portal-url: {portal_url} answers without a date") from None
    offset = theirs.timestamp() + 0.5 - time.time()  # a date has no fractions
    if abs(offset) > MAX_OFFSET:
        raise CommandError(f"portal-url: the clock of {portal_url} is {offset:+.0f} s off ours")
    return f"{portal_url} has the same time"


async def front(url: str) -> str | None:
    """Ask the broker through whatever stands before it, and compare what arrived with what was sent.

    Args:
        url: where people reach the broker, base path included; empty: there is nothing to check.

    Raises:
        CommandError: the front does not answer, or changes what must arrive.
    """
    if not url:
        return None
    seen, gap = await _asked(f"{url.rstrip('/')}/healthz?deep=1")
    found = complaints(url, seen, gap, time.time())
    if found:
        raise CommandError(f"{url}: {'; '.join(found)}")
    return f"{url} passes upgrades, does not buffer, and shows us {seen['address']}"


def complaints(url: str, seen: Mapping[str, Any], gap: float, now: float) -> list[str]:
    """What is wrong between us and the broker.

    Args:
        url: that was asked.
        seen: the broker's deep answer.
        gap: seconds between the two parts of it.
        now: Unix seconds at which it was complete.
    """
    address = urlsplit(url)
    host, _, port = str(seen.get("host")).rpartition(":") if _has_port(seen) else (seen.get("host"), "", "")
    sent_port = address.port or DEFAULT_PORTS[address.scheme]
    same_host = host == address.hostname and (not port or int(port) == sent_port)
    offset = seen["time"] / 1000 - (now - gap)
    found = {
        "the header Upgrade does not arrive, so WebSockets cannot": not seen.get("upgrade"),
        "answers are buffered: turn buffering off": gap < GAP,
        f"Host arrives as {seen.get('host')!r}": not same_host,
        "X-Forwarded-For is not believed: name the front in trusted-proxies": seen.get("forwarded")
        == "ignored",
        f"the scheme arrives as {seen.get('scheme')}: send X-Forwarded-Proto, and name the front in trusted-proxies": (
            seen.get("scheme") != address.scheme
            and (address.scheme == "https" or seen.get("scheme") is not None)
        ),
        f"its clock is {offset:+.0f} s off ours": abs(offset) > MAX_OFFSET,
    }
    return [text for text, is_wrong in found.items() if is_wrong]


def _has_port(seen: Mapping[str, Any]) -> bool:
    return str(seen.get("host")).rpartition(":")[2].isdigit()


async def _asked(url: str) -> tuple[dict[str, Any], float]:
    """The broker's deep answer, and the seconds between its two parts."""
    import aiohttp

    first = last = 0.0
    body = b""
    try:
        async with aiohttp.ClientSession() as http, http.get(url, headers=ASKED) as answer:
            async for chunk in answer.content.iter_any():
                last = time.monotonic()
                first = first or last
                body += chunk
                if len(body) > MAX_ANSWER:
                    break
        seen = json.loads(body)
        if answer.status != 200 or not isinstance(seen, dict) or not isinstance(seen.get("time"), int):
            raise ValueError
    except aiohttp.ClientConnectorCertificateError:
        raise CommandError(f"{url}: its certificate is not trusted") from None
    except aiohttp.ClientError as error:
        raise CommandError(f"{url} does not answer: {error}") from None
    except ValueError:
        raise CommandError(f"{url} does not lead to the broker") from None
    return seen, last - first
