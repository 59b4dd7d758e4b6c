"""The gate in the words of OneGate's clients: HTTP is translated here, nothing decided (sheet E.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import web

from broker.gate import requests
from broker.gate.routes import BODY, CALLER, GATE, GateRoute
from broker.parts import SENDER

if TYPE_CHECKING:
    from broker.gate.instance import Instance

__all__ = ["ROUTES"]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(:\d{1,5})?", re.ASCII)


async def root(request: web.Request) -> web.Response:
    """Where an instance finds itself and its service."""
    base = request.app[GATE].policy().url
    if not base:
        host = request.headers.get("Host", "")
        base = f"{request[SENDER].scheme or 'http'}://{host if _HOST.fullmatch(host) else 'localhost'}"
    return web.json_response({"vm_info": f"{base}/vm", "service_info": f"{base}/service"})


async def show(request: web.Request) -> web.Response:
    """VM of the caller."""
    return web.json_response(await request.app[GATE].gate.show(request[CALLER], request[CALLER]))


async def show_by_id(request: web.Request) -> web.Response:
    """VM of the caller, or of another of its service or virtual router."""
    target = await _target(request)
    return web.json_response(await request.app[GATE].gate.show(request[CALLER], target))


async def update(request: web.Request) -> web.Response:
    """Set attributes of the caller, or erase one."""
    return await _update(request, request[CALLER])


async def update_by_id(request: web.Request) -> web.Response:
    """Set attributes of another of its service or virtual router, or erase one."""
    return await _update(request, await _target(request))


async def act(request: web.Request) -> web.Response:
    """Have something done to another of its service or virtual router."""
    target = await _target(request)
    action, params = requests.action(request[BODY])
    await request.app[GATE].gate.act(request[CALLER], target, action, params)
    return web.Response(status=204)


async def service(request: web.Request) -> web.Response:
    """SERVICE that the caller belongs to."""
    requests.extended(request[BODY], request.query_string)  # accepted: instances have no other form
    return web.json_response(await request.app[GATE].gate.service(request[CALLER]))


async def scale(request: web.Request) -> web.Response:
    """Have a role of the caller's service given another size."""
    number = requests.cardinality(request[BODY])
    await request.app[GATE].gate.scale(request[CALLER], request.match_info["role"], number)
    return web.Response()


async def router(request: web.Request) -> web.Response:
    """VROUTER that the caller is one of."""
    return web.json_response(await request.app[GATE].gate.router(request[CALLER]))


async def network(request: web.Request) -> web.Response:
    """VNET that the caller's virtual router may see."""
    extended = requests.extended(request[BODY], request.query_string)
    identifier = request.match_info["id"]
    return web.json_response(
        await request.app[GATE].gate.network(request[CALLER], identifier, extended=extended)
    )


async def _target(request: web.Request) -> Instance:
    return await request.app[GATE].gate.target(request[CALLER], request.match_info["id"])


async def _update(request: web.Request, target: Instance) -> web.Response:
    given, caller, address = requests.update(request[BODY]), request[CALLER], request[SENDER].address
    pushes = request.app[GATE].pushes
    if given.erase:
        await pushes.erase(caller, target, given.data, address)
    else:
        await pushes.merge(caller, target, given.data, address)
    return web.Response()


ROUTES = (
    GateRoute("GET", "/", root),
    GateRoute("GET", "/vm", show, "vm.show"),
    GateRoute("PUT", "/vm", update, "vm.update"),
    GateRoute("GET", "/vms/{id}", show_by_id, "vm.show_by_id"),
    GateRoute("PUT", "/vms/{id}", update_by_id, "vm.update_by_id"),
    GateRoute("POST", "/vms/{id}/action", act, "vm.action_by_id"),
    GateRoute("GET", "/service", service, "service.show"),
    GateRoute("PUT", "/service/role/{role}", scale, "service.change_cardinality"),
    GateRoute("GET", "/vrouter", router, "vrouter.show"),
    GateRoute("GET", "/vnet/{id}", network, "vnet.show_by_id"),
)
