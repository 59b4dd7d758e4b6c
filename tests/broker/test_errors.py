"""Every error has one shape and tells nothing it should not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from broker.auth.base import MalformedError, Reason, RefusedError
from broker.errors import ApiError, middleware, not_found
from broker.store import StoreError
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from collections.abc import MutableSequence

FIELDS = {"message", "translatableMessage", "statusCode", "expected", "patches", "type"}

TABLE = [
    (ApiError(400, "Bad."), 400, "BAD_REQUEST", None),
    (ApiError(418, "Tea."), 418, "BAD_REQUEST", None),
    (ApiError(502, "Bad."), 502, "INTERNAL_ERROR", None),
    (not_found("thing"), 404, "NOT_FOUND", None),
    (RefusedError(Reason.REPLAYED), 403, "INVALID_CREDENTIALS", None),
    (RefusedError(Reason.RATE_LIMITED, "30"), 429, "BAD_REQUEST", None),
    (MalformedError("Twice."), 400, "BAD_REQUEST", None),
    (StatusError(Status.CLIENT_FORBIDDEN, "No."), 403, "STREAM_ERROR", 0x0303),
    (StatusError(Status.UPSTREAM_TIMEOUT, "Slow."), 504, "STREAM_ERROR", 0x0202),
    (StoreError("the disk is full"), 503, "INTERNAL_ERROR", None),
    (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "BAD_REQUEST", None),
    (RuntimeError("the secret is hunter2"), 500, "INTERNAL_ERROR", None),
    (KeyError("hunter2"), 500, "INTERNAL_ERROR", None),
]


async def answer_to(error: Exception) -> tuple[int, dict[str, Any], str]:
    from aiohttp.test_utils import TestClient, TestServer

    async def fail(_: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[middleware])
    app.router.add_get("/", fail)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/")
        return answer.status, await answer.json(), str(answer.headers)


@pytest.mark.parametrize(("error", "status", "kind", "code"), TABLE, ids=lambda value: str(value)[:30])
async def test_the_shape(error: Exception, status: int, kind: str, code: int | None) -> None:
    got, body, headers = await answer_to(error)
    assert (got, body["type"], body["statusCode"]) == (status, kind, code)
    assert set(body) == FIELDS
    assert body["translatableMessage"] == {
        "key": "APP.TEXT_UNTRANSLATED",
        "variables": {"MESSAGE": body["message"]},
    }
    assert body["message"].endswith((".", ")")) or status == 405
    text = str(body) + headers
    for secret in ("hunter2", "Traceback", "RuntimeError", "disk is full", "replayed"):
        assert secret not in text


async def test_what_nobody_foresaw_is_logged_and_found_by_its_reference(
    log_lines: MutableSequence[dict[str, Any]],
) -> None:
    _, body, _ = await answer_to(RuntimeError("boom"))
    (line,) = [line for line in log_lines if "nobody foresaw" in line["event"]]
    assert f"(ref {line['ref']})" in body["message"]


async def test_a_limit_says_when_to_come_back() -> None:
    assert "'Retry-After': '30'" in (await answer_to(RefusedError(Reason.RATE_LIMITED, "30")))[2]
