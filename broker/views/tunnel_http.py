"""The HTTP tunnel (sheet 9.5), for networks that let no WebSocket through."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from broker.access import Route
from broker.auth.form import parse_form
from broker.errors import ApiError
from broker.parts import PARTS, SENDER, SESSION
from broker.tunnel import MAX_MESSAGE
from broker.views.base import read_body, wanted
from proxyd.wire.instruction import encode
from proxyd.wire.status import Status, StatusError

if TYPE_CHECKING:
    from broker.sessions import Session

__all__ = ["ROUTES"]

TOKEN_HEADER = "Guacamole-Tunnel-Token"  # noqa: S105 - a header's name
MAX_FORM = 65536
END = encode("")
"""The end of one response."""
FORM = web.RequestKey("form", dict)
STREAM = {
    hdrs.CONTENT_TYPE: "application/octet-stream",
    hdrs.CACHE_CONTROL: "no-cache",
    "X-Accel-Buffering": "no",
}


def _is_connect(request: web.Request) -> bool:
    return request.method == hdrs.METH_POST and request.query_string == "connect"


async def by_tunnel(request: web.Request) -> Session | None:
    """Whose tunnel: `connect` carries a token in its body, later requests the tunnel's own token."""
    parts = request.app[PARTS]
    if _is_connect(request):
        form = request[FORM] = parse_form(await read_body(request, MAX_FORM))
        return await parts.sessions.find(form.get("token", [""])[0])
    token = request.headers.get(TOKEN_HEADER)
    if token is None:
        raise StatusError(Status.CLIENT_BAD_REQUEST, f"{TOKEN_HEADER} is missing.")
    polled = parts.polled.find(token)
    return polled.tunnel.session if polled is not None else None


async def refuse(request: web.Request) -> web.StreamResponse:
    """No token that is good, or no such tunnel."""
    if _is_connect(request):
        raise StatusError(Status.CLIENT_UNAUTHORIZED, "Permission Denied.")
    request.app[PARTS].gateway.check_running()  # it may be at another broker
    raise StatusError(Status.RESOURCE_NOT_FOUND, "No such tunnel.")


async def post(request: web.Request) -> web.Response:
    """`tunnel?connect` and `tunnel?write:...`."""
    if _is_connect(request):
        return await _connect(request)
    if request.query_string.startswith("write:"):
        return await _write(request)
    raise ApiError(400, "The query is neither connect nor write.")


async def _connect(request: web.Request) -> web.Response:
    parts = request.app[PARTS]
    want = wanted(request[SESSION], lambda name: request[FORM].get(name, []))
    tunnel = await parts.gateway.open(
        request[SESSION], want.what, want.client, request[SENDER].address, want.name
    )
    return web.Response(text=tunnel.identifier, headers={TOKEN_HEADER: parts.polled.enter(tunnel)})


async def _write(request: web.Request) -> web.Response:
    polled = request.app[PARTS].polled.find(request.headers[TOKEN_HEADER])
    assert polled is not None  # the guard found it
    body = await read_body(request, MAX_MESSAGE)
    try:
        await polled.tunnel.send(body)
    except StatusError as error:
        polled.tunnel.end(error.status)
        raise
    return web.Response(headers=STREAM)


async def read(request: web.Request) -> web.StreamResponse:
    """`tunnel?read:...`."""
    polled = request.app[PARTS].polled.find(request.headers[TOKEN_HEADER])
    assert polled is not None  # the guard found it
    status = polled.tunnel.status
    if status is not None:  # the response before this one ended the stream
        if status is Status.SUCCESS:
            status = Status.RESOURCE_NOT_FOUND
        raise StatusError(status, "The tunnel is closed.")
    response = web.StreamResponse(headers=STREAM)
    await response.prepare(request)
    async with aclosing(polled.read()) as batches:
        async for batch in batches:
            await response.write(batch)
    await response.write(END)
    await response.write_eof()
    return response


ROUTES = (
    Route(hdrs.METH_GET, "tunnel", read, by_tunnel, refuse),
    Route(hdrs.METH_POST, "tunnel", post, by_tunnel, refuse),
)
