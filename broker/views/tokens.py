"""Tokens and sessions: `api/tokens`, `api/session` (sheet 9.1)."""

from __future__ import annotations

from aiohttp import hdrs, web

from broker.access import Route, by_token, token_of
from broker.auth.base import Claim
from broker.auth.form import MAX_BODY, parse_form
from broker.errors import ApiError, not_found
from broker.parts import PARTS, SENDER, SESSION
from broker.sessions import hashed
from broker.views.base import BY_COOKIE, COOKIE, read_body

__all__ = ["ROUTES"]


async def create(request: web.Request) -> web.Response:
    """`POST api/tokens`: redeem a signed request, or renew a token.

    The body is read as a form whatever its type is called: platforms send none.
    """
    if request.content_type.startswith("multipart/"):
        raise ApiError(415, "A form is expected, not multipart.")
    form = parse_form(await read_body(request, MAX_BODY))
    claim = Claim(form, request[SENDER].address)
    admission = await request.app[PARTS].door.enter(claim, _token(request, claim))
    session = admission.session
    return web.json_response(
        {
            "authToken": admission.token,
            "username": session.user,
            "dataSource": session.source,
            "availableDataSources": list(session.sources),
        }
    )


def _token(request: web.Request, claim: Claim) -> str:
    """The token that comes with a request: the one named, or the cookie's where the page was sent here with it."""
    cookie = request.cookies.get(COOKIE, "")
    given = claim.first("token") or token_of(request)
    return cookie if cookie and (not given or claim.first("session") == BY_COOKIE) else given


async def delete(request: web.Request) -> web.Response:
    """`DELETE api/tokens/{token}`: forget a token and close its tunnels."""
    token = request.match_info["token"]
    parts = request.app[PARTS]
    session = await parts.sessions.find(token)
    if not await parts.sessions.close(hashed(token)):
        raise not_found("token")
    if session is not None:
        await parts.gateway.log_out(session)
    return _forgotten(request)


async def check(request: web.Request) -> web.Response:
    """`HEAD api/session`: whether the token is good."""
    return web.Response(status=204)


async def log_out(request: web.Request) -> web.Response:
    """`DELETE api/session`: forget the token in use."""
    parts, session = request.app[PARTS], request[SESSION]
    await parts.sessions.close(session.token_hash)
    await parts.gateway.log_out(session)
    return _forgotten(request)


def _forgotten(request: web.Request) -> web.Response:
    response = web.Response(status=204)
    response.del_cookie(COOKIE, path=request.app[PARTS].settings.base_path)
    return response


ROUTES = (
    Route(hdrs.METH_POST, "api/tokens", create),
    Route(hdrs.METH_DELETE, "api/tokens/{token}", delete),
    Route(hdrs.METH_HEAD, "api/session", check, by_token),
    Route(hdrs.METH_DELETE, "api/session", log_out, by_token),
)
