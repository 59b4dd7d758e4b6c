"""`connect`: a signed link that a browser opens. It is redeemed once, and leaves nothing in the address bar."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from broker.access import Route
from broker.auth.base import Claim
from broker.auth.form import parse_form
from broker.parts import PARTS, SENDER
from broker.views.base import BY_COOKIE, COOKIE

if TYPE_CHECKING:
    from broker.admission import Admission

__all__ = ["ROUTES"]


async def connect(request: web.Request) -> web.Response:
    """`GET connect?…`: any signed request; answers with a cookie and the way to a clean address."""
    parts = request.app[PARTS]
    claim = Claim(parse_form(request.rel_url.raw_query_string.encode()), request[SENDER].address)
    admission = await parts.door.enter(claim, request.cookies.get(COOKIE, ""))
    base_path = parts.settings.base_path
    response = web.Response(
        status=303,
        headers={hdrs.LOCATION: base_path + _place(admission)},
    )
    response.set_cookie(
        COOKIE,
        admission.token,
        path=base_path,
        httponly=True,
        samesite="Lax",
        secure="https" in {request[SENDER].scheme, parts.settings.public_origin.partition(":")[0]},
    )
    return response


def _place(admission: Admission) -> str:
    """The page of the connection, the home page where there are several, or the operator's."""
    granted, session = admission.granted, admission.session
    if session.operator and not granted:
        return "operator"
    if len(granted) != 1:
        return f"#/?session={BY_COOKIE}"
    source = session.connections[granted[0]].source or session.source
    name = base64.urlsafe_b64encode(f"{granted[0]}\0c\0{source}".encode()).rstrip(b"=").decode()
    return f"#/client/{name}?session={BY_COOKIE}"


ROUTES = (Route(hdrs.METH_GET, "connect", connect),)
