"""What several views share: bodies within bounds, and the parameters of a tunnel (sheet 9.3)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from aiohttp import hdrs

from broker.errors import ApiError
from broker.store.base import Kind, StoreError
from proxyd.wire.handshake import MAX_DPI, MAX_SIDE, ClientInfo, number
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from aiohttp import web

    from broker.sessions import Session
    from broker.store.base import Store

__all__ = [
    "BY_COOKIE",
    "COOKIE",
    "Wanted",
    "as_object",
    "milliseconds",
    "read_body",
    "read_object",
    "store_answers",
    "wanted",
]

COOKIE = "fanlight-token"
"""Holds the token of a person who came through `connect`."""
BY_COOKIE = "cookie"
"""`session=cookie` in the page's address: the cookie's token goes before one that the tab kept."""

BODY_TIMEOUT = 10.0
"""Seconds that a body has to arrive in full."""


async def read_body(request: web.Request, limit: int) -> bytes:
    """The body, bounded in size and time.

    Raises:
        ApiError: it is too large, or comes too slowly.
    """
    too_large = ApiError(413, "The body is too large.", {hdrs.CONNECTION: "close"})
    if limit and (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.content.iter_any():
                body += chunk
                if limit and len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise ApiError(408, "The body came too slowly.", {hdrs.CONNECTION: "close"}) from None
    return bytes(body)


async def read_object(request: web.Request, limit: int) -> dict[str, Any]:
    """The body, as a JSON object; an empty one where there is none.

    Raises:
        ApiError: it is none, too large, or comes too slowly.
    """
    return as_object(await read_body(request, limit))


def as_object(body: bytes) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ApiError: it is none.
    """
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise ApiError(400, "A JSON object is expected.")
    return given


def milliseconds(value: Any, names: Collection[str]) -> Any:
    """The same with the times of these names in milliseconds; what is none stays."""
    if isinstance(value, dict):
        return {
            name: round(row * 1000)
            if name in names and isinstance(row, int | float)
            else milliseconds(row, names)
            for name, row in value.items()
        }
    return [milliseconds(row, names) for row in value] if isinstance(value, list | tuple) else value


async def store_answers(store: Store) -> bool:
    """Whether the store does its work, within two seconds."""
    with contextlib.suppress(StoreError, TimeoutError):
        async with asyncio.timeout(2):
            await store.get(Kind.TOKEN, secrets.token_hex(8))
            return True
    return False


MAX_TYPES = 32
"""Image, audio or video types that a browser names."""
MAX_NAME = 32
"""Characters of a session's name."""
MAX_WORD = 128
"""Characters of a type or a time zone."""


class Wanted(NamedTuple):
    """What a browser asks a tunnel for.

    Attributes:
        what: `c` and the identifier of a connection, or `a` and that of a tunnel to join.
        client: what the browser said of itself.
        name: of a session beside the first to the same connection; empty is the first.
    """

    what: tuple[str, str]
    client: ClientInfo
    name: str = ""


def wanted(session: Session, values: Callable[[str], Sequence[str]]) -> Wanted:
    """Read the parameters of a tunnel.

    Args:
        session: whose tunnel; its user is named to the daemon.
        values: the values of a parameter.

    Raises:
        StatusError: one is missing or absurd (CLIENT_BAD_REQUEST), or names what is not there (RESOURCE_NOT_FOUND).
    """
    identifier, kind, source = (
        _required(values, name) for name in ("GUAC_ID", "GUAC_TYPE", "GUAC_DATA_SOURCE")
    )
    if kind not in {"c", "g", "a"}:
        raise StatusError(Status.CLIENT_BAD_REQUEST, "GUAC_TYPE is not one of c, g and a.")
    if kind == "g" or source not in session.sources:
        structlog.get_logger().warning(
            "tunnel refused", user=session.user, connection=identifier, source=source
        )
        raise StatusError(Status.RESOURCE_NOT_FOUND, "This token opens no such connection.")
    client = ClientInfo(
        width=_number(values, "GUAC_WIDTH", 1024, MAX_SIDE),
        height=_number(values, "GUAC_HEIGHT", 768, MAX_SIDE),
        dpi=_number(values, "GUAC_DPI", 96, MAX_DPI),
        audio=_words(values, "GUAC_AUDIO"),
        video=_words(values, "GUAC_VIDEO"),
        timezone=next(iter(_words(values, "GUAC_TIMEZONE")), ""),
        name=session.user,
    )
    client.image = _words(values, "GUAC_IMAGE") or client.image
    name = next(iter(values("GUAC_SESSION")), "")
    if len(name) > MAX_NAME or not name.isprintable():
        raise StatusError(Status.CLIENT_BAD_REQUEST, "GUAC_SESSION is too long.")
    return Wanted((kind, identifier), client, name)


def _required(values: Callable[[str], Sequence[str]], name: str) -> str:
    given = values(name)
    if not given or not given[0]:
        raise StatusError(Status.CLIENT_BAD_REQUEST, f"{name} is missing.")
    return given[0]


def _number(values: Callable[[str], Sequence[str]], name: str, default: int, high: int) -> int:
    given = values(name)
    return number(given[0], name, 1, high) if given and given[0] else default


def _words(values: Callable[[str], Sequence[str]], name: str) -> tuple[str, ...]:
    words = tuple(word for word in values(name) if word)
    if len(words) > MAX_TYPES or any(len(word) > MAX_WORD or not word.isprintable() for word in words):
        raise StatusError(Status.CLIENT_BAD_REQUEST, f"{name} is too long.")
    return words
