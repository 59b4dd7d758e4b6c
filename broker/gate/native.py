"""The gate beside OneGate: keys for sshd, events, and how an instance should be (sheet E.6)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from broker.errors import ApiError
from broker.gate import requests
from broker.gate.pushes import EVENTS
from broker.gate.routes import BODY, CALLER, CLAIM, GATE, GateRoute
from broker.parts import SENDER

if TYPE_CHECKING:
    from typing import Any

__all__ = ["LOOK_AGAIN", "MAX_WAIT", "ROUTES"]

MAX_WAIT = 55
"""Seconds that an answer may be waited for; clients give up after a minute."""
LOOK_AGAIN = 3.0
"""Seconds between two looks at what an instance waits for: another broker may have changed it."""


async def keys(request: web.Request) -> web.Response:
    """The authorised lines of one of the instance's users."""
    lines = await request.app[GATE].gate.keys(request[CALLER], request.match_info["login"])
    return web.Response(text="".join(f"{line}\n" for line in lines))


async def events(request: web.Request) -> web.Response:
    """Something happened on the instance."""
    event, detail, data = requests.happening(request[BODY], frozenset(EVENTS))
    await request.app[GATE].pushes.event(request[CALLER], event, detail, data, request[SENDER].address)
    return web.Response(status=204)


async def desired(request: web.Request) -> web.Response:
    """How the instance should be; with `If-None-Match` and `wait`, once that has changed."""
    known = request.headers.get(hdrs.IF_NONE_MATCH, "")
    wanted, tag = await _changed(request, known, _wait(request.query.get("wait", "0")))
    if known == tag:
        return web.Response(status=304, headers={hdrs.ETAG: tag})
    await request.app[GATE].gate.handed_over(request[CALLER], wanted["keys"])
    return web.json_response(wanted, headers={hdrs.ETAG: tag})


def _wait(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= MAX_WAIT):
        raise ApiError(400, f"wait is a number of seconds up to {MAX_WAIT}.")
    return int(text)


async def _changed(request: web.Request, known: str, seconds: int) -> tuple[dict[str, Any], str]:
    """What is wanted, waited for while it is what the instance knows; one request of an instance waits at a time."""
    served = request.app[GATE]
    caller = request[CALLER]
    wanted, tag = await served.gate.desired(caller)
    if (
        known != tag
        or not seconds
        or caller.id in served.waiting
        or len(served.waiting) >= served.most_waiting
    ):
        return wanted, tag
    served.waiting.add(caller.id)
    try:
        async with asyncio.timeout(seconds):
            while known == tag:
                await asyncio.sleep(LOOK_AGAIN)
                wanted, tag = await served.gate.desired(await served.entrance.admit_still(request[CLAIM]))
    except TimeoutError:
        pass
    finally:
        served.waiting.discard(caller.id)
    return wanted, tag


ROUTES = (
    GateRoute("GET", "/keys/{login}", keys, "vm.show"),
    GateRoute("POST", "/events", events, "vm.update"),
    GateRoute("GET", "/desired", desired, "vm.show"),
)
