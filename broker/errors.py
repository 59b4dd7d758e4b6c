"""Errors, and the one middleware that turns any of them into what a client understands (sheet 9.1)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import structlog
from aiohttp import hdrs, web

from broker.auth.base import MalformedError, Reason, RefusedError
from broker.pages import error_page
from broker.store.base import StoreError
from proxyd.wire.status import Hop, StatusError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["ApiError", "denied", "middleware", "not_found"]

BAD_REQUEST = "BAD_REQUEST"
INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
PERMISSION_DENIED = "PERMISSION_DENIED"
NOT_FOUND = "NOT_FOUND"
STREAM_ERROR = "STREAM_ERROR"
INTERNAL_ERROR = "INTERNAL_ERROR"
TYPES = {400: BAD_REQUEST, 403: PERMISSION_DENIED, 404: NOT_FOUND}
"""The error type of an HTTP status; other 4xx are bad requests, other 5xx internal errors."""

REFUSAL = "This link is not valid."
"""What everybody hears whose request was refused, whatever the reason."""


OUR_PROBLEM = "Fanlight has a problem on its side."


class ApiError(Exception):
    """An answer that is not the one asked for. The message may be shown to a person.

    Attributes:
        status: the HTTP status.
        message: one sentence.
        headers: further headers, such as `Retry-After`.
        kind: the error type that clients know; by default the one of the HTTP status.
        status_code: the wire code of a stream error.
    """

    def __init__(
        self,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
        kind: str = "",
        status_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.kind = kind or TYPES.get(status, BAD_REQUEST if status < 500 else INTERNAL_ERROR)
        self.status_code = status_code


def not_found(what: str) -> ApiError:
    """No such thing, or none that this token may see."""
    return ApiError(404, f"No such {what}.")


def denied() -> ApiError:
    """No token, or one that may not do this."""
    return ApiError(403, "Permission Denied.")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors: no stack, no secret, one shape for all."""
    try:
        return await handler(request)
    except (ConnectionError, TimeoutError):
        raise  # the client is gone: aiohttp closes
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {name: value for name, value in error.headers.items() if name == hdrs.ALLOW}
        return _answer(request, ApiError(error.status, error.reason, headers))
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is logged, and told by reference
        return _answer(request, _told(error))


def _told(error: Exception) -> ApiError:
    """What the client is told of an error."""
    match error:
        case ApiError():
            return error
        case RefusedError() if error.reason is Reason.RATE_LIMITED:
            return ApiError(429, "Too many attempts.", {hdrs.RETRY_AFTER: error.detail})
        case RefusedError():
            message = f"{REFUSAL} ({error})" if error.explain else REFUSAL
            return ApiError(403, message, kind=INVALID_CREDENTIALS)
        case MalformedError():
            return ApiError(400, str(error))
        case StatusError():
            words = error.message if error.hop is Hop.FANLIGHT else error.wire_text(error.reference)
            told = {"Guacamole-Status-Code": str(error.status.code), "Guacamole-Error-Message": words}
            return ApiError(error.status.http, error.message, told, STREAM_ERROR, error.status.code)
        case StoreError():
            structlog.get_logger().error("store failed", reason=str(error))
            return ApiError(503, OUR_PROBLEM)
    reference = secrets.token_hex(2).upper()
    structlog.get_logger().error("a request failed in a way nobody foresaw", ref=reference, exc_info=error)
    return ApiError(500, f"{OUR_PROBLEM} (ref {reference})")


def _answer(request: web.Request, error: ApiError) -> web.Response:
    """JSON, or a page for a person who opened the address in a browser."""
    if request.method == hdrs.METH_GET and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
        return web.Response(
            status=error.status,
            headers=error.headers,
            text=error_page(request, error.status, error.message),
            content_type="text/html",
        )
    body: dict[str, object] = {
        "message": error.message,
        "translatableMessage": {
            "key": "APP.TEXT_UNTRANSLATED",
            "variables": {"MESSAGE": error.message},
        },
        "statusCode": error.status_code,
        "expected": [] if error.kind == INVALID_CREDENTIALS else None,
        "patches": None,
        "type": error.kind,
    }
    return web.json_response(body, status=error.status, headers=error.headers)
