"""What a request says of its origin, as far as it can be believed: pure functions on headers and addresses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from broker.settings import Network

__all__ = ["Sender", "origin_allowed", "sender"]

MAX_HOPS = 20
"""Addresses of `X-Forwarded-For` that are looked at, from the right."""
_PORTS = {"http": 80, "https": 443}


class Sender(NamedTuple):
    """Who sent a request.

    Attributes:
        address: the client's address; empty behind a Unix socket whose front names none.
        scheme: `http` or `https`; None where a front that we do not believe may have ended TLS.
    """

    address: str
    scheme: str | None


def sender(
    peer: str | None,
    secure: bool,
    forwarded_for: Sequence[str],
    forwarded_proto: Sequence[str],
    trusted: Collection[Network],
) -> Sender:
    """Who sent a request, believing headers only where they come from a named proxy.

    Args:
        peer: address at the other end of the connection; None or empty on a Unix socket, whose owner is trusted.
        secure: whether the connection itself is TLS.
        forwarded_for: values of `X-Forwarded-For`, in order.
        forwarded_proto: values of `X-Forwarded-Proto`, in order.
        trusted: networks of proxies.
    """
    address = _address(peer) or peer if peer else ""
    if address and not _within(address, trusted):
        return Sender(address, "https" if secure else None)
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    for hop in reversed(hops[-MAX_HOPS:]):
        text = _address(hop)
        if text is None:
            break
        address = text
        if not _within(text, trusted):
            break
    protocols = [word.strip().lower() for value in forwarded_proto for word in value.split(",")]
    scheme = protocols[-1] if protocols and protocols[-1] in _PORTS else None
    return Sender(address, "https" if secure else scheme)


def origin_allowed(origin: str, host: str, scheme: str | None, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may talk to us.

    Args:
        origin: the `Origin` header.
        host: the `Host` header.
        scheme: ours, where known.
        allowed: other origins, written as `scheme://host[:port]` without a default port.
    """
    theirs = _parts(origin)
    if theirs is None:
        return False
    their_scheme, their_host, their_port = theirs
    ours = _parts(f"{their_scheme}://{host}")
    if ours == theirs and scheme in {None, their_scheme}:
        return True
    bracketed = f"[{their_host}]" if ":" in their_host else their_host
    port = "" if their_port == _PORTS[their_scheme] else f":{their_port}"
    return f"{their_scheme}://{bracketed}{port}" in allowed


def _parts(origin: str) -> tuple[str, str, int] | None:
    try:
        url = urlsplit(origin)
        port = url.port
    except ValueError:
        return None
    extra = url.path or url.query or url.fragment or url.username is not None or url.password is not None
    if url.scheme not in _PORTS or not url.hostname or extra:
        return None
    return url.scheme, url.hostname, port or _PORTS[url.scheme]


def _address(text: str) -> str | None:
    """An address with or without a port, in its canonical form."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        value = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(value, "ipv4_mapped", None) or value)


def _within(address: str, networks: Collection[Network]) -> bool:
    try:
        value = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(value in network for network in networks)
