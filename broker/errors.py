"""Errors, and the one middleware that turns any of them into what a client understands (sheet 9.1)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from broker.auth.base import MalformedError, Reason, RefusedError
from broker.store.base import StoreError
from proxyd.wire.status import StatusError

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


class ApiError(Exception):
    """An answer that is not the one asked for. The message may be shown to a person.

    Attributes:
        status: the HTTP status.
        message: one sentence.
        headers: further headers, such as `Retry-After`.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


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
    except RefusedError as error:
        if error.reason is Reason.RATE_LIMITED:
            return _json(429, BAD_REQUEST, "Too many attempts.", headers={"Retry-After": error.detail})
        return _json(403, INVALID_CREDENTIALS, REFUSAL)
    except MalformedError as error:
        return _json(400, BAD_REQUEST, str(error))
    except ApiError as error:
        return _json(error.status, _type(error.status), error.message, headers=error.headers)
    except StatusError as error:
        told = {"Guacamole-Status-Code": str(error.status.code), "Guacamole-Error-Message": error.message}
        return _json(
            error.status.http, STREAM_ERROR, error.message, status_code=error.status.code, headers=told
        )
    except web.HTTPException as error:
        if error.status < 400:
            raise
        headers = {name: value for name, value in error.headers.items() if name == "Allow"}
        return _json(error.status, _type(error.status), error.reason, headers=headers)
    except StoreError as error:
        structlog.get_logger().error("store failed", reason=str(error))
        return _json(503, INTERNAL_ERROR, "Fanlight has a problem on its side.")
    except (ConnectionError, TimeoutError):
        raise  # the client is gone: aiohttp closes
    except Exception:  # noqa: BLE001 - logged with its stack; the client learns a reference
        reference = secrets.token_hex(2).upper()
        structlog.get_logger().exception("request failed in a way nobody foresaw", ref=reference)
        return _json(500, INTERNAL_ERROR, f"Fanlight has a problem on its side. (ref {reference})")


def _type(status: int) -> str:
    return TYPES.get(status, BAD_REQUEST if status < 500 else INTERNAL_ERROR)


def _json(
    status: int,
    kind: str,
    message: str,
    *,
    status_code: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    body: dict[str, Any] = {
        "message": message,
        "translatableMessage": {"key": "APP.TEXT_UNTRANSLATED", "variables": {"MESSAGE": message}},
        "statusCode": status_code,
        "expected": [] if kind == INVALID_CREDENTIALS else None,
        "patches": None,
        "type": kind,
    }
    return web.json_response(body, status=status, headers=headers)
