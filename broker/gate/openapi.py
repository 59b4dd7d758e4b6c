"""The OpenAPI document of the gate, made of its table of routes and what is said of them here.

`python -m broker.gate.openapi` prints it.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from broker.gate.app import ROUTES
from broker.gate.policy import ACTIONS
from broker.gate.pushes import EVENTS

if TYPE_CHECKING:
    from broker.gate.routes import GateRoute

__all__ = ["document", "text"]

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
FORM = "application/x-www-form-urlencoded"


def _object(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


CARD = _map(TEXT)
ATTRIBUTES = _map({"type": ["string", "object"]})
SCHEMAS: dict[str, Schema] = {
    "Root": _object(vm_info=TEXT, service_info=TEXT),
    "VirtualMachine": _object(
        VM=_object(
            NAME=TEXT,
            ID=TEXT,
            STATE=TEXT,
            LCM_STATE=TEXT,
            USER_TEMPLATE=ATTRIBUTES,
            TEMPLATE=_object(NIC=_list(CARD), NIC_ALIAS=_list(CARD)),
        )
    ),
    "Service": _object(
        SERVICE=_object(
            name=TEXT,
            id=TEXT,
            state=NUMBER,
            roles=_list(
                _object(
                    name=TEXT,
                    cardinality=NUMBER,
                    state=NUMBER,
                    nodes=_list(
                        _object(deploy_id=NUMBER, running={"type": "boolean"}, vm_info=_ref("VirtualMachine"))
                    ),
                )
            ),
        )
    ),
    "VirtualRouter": _object(
        VROUTER=_object(NAME=TEXT, ID=TEXT, VMS=_object(ID=_list(TEXT)), TEMPLATE=_object(NIC=_list(CARD)))
    ),
    "VirtualNetwork": _object(
        VNET=_object(
            ID=TEXT,
            NAME=TEXT,
            USED_LEASES=TEXT,
            VROUTERS=_object(ID=_list(TEXT)),
            PARENT_NETWORK_ID=TEXT,
            AR_POOL=_object(AR=_list(_object(LEASES=_object(LEASE=_list(ATTRIBUTES))))),
            TEMPLATE=_map(TEXT),
        )
    ),
    "Desired": _object(
        **{
            "users": _list(TEXT),
            "keys": _map(_list(TEXT)),
            "vnc-password": TEXT,
            "ports": _map(_list(NUMBER)),
            "time": NUMBER,
        }
    ),
    "Action": _object(action=_object(("params",), perform={"enum": sorted(ACTIONS)}, params={})),
    "Size": _object(cardinality={"type": ["integer", "string"]}),
    "Event": _object(
        ("detail", "data"), event={"enum": sorted(EVENTS)}, detail={"type": "string"}, data=_map(TEXT)
    ),
    "Update": _object(("type",), data=TEXT, type={"enum": ["1", "2"]}),
}
JSON_ANSWERS = {
    ("GET", "/"): "Root",
    ("GET", "/vm"): "VirtualMachine",
    ("GET", "/vms/{id}"): "VirtualMachine",
    ("GET", "/service"): "Service",
    ("GET", "/vrouter"): "VirtualRouter",
    ("GET", "/vnet/{id}"): "VirtualNetwork",
    ("GET", "/desired"): "Desired",
}
BODIES = {
    ("PUT", "/vm"): (FORM, "Update"),
    ("PUT", "/vms/{id}"): (FORM, "Update"),
    ("POST", "/vms/{id}/action"): ("application/json", "Action"),
    ("PUT", "/service/role/{role}"): ("application/json", "Size"),
    ("POST", "/events"): ("application/json", "Event"),
}
QUERIES = {
    ("GET", "/service"): ("extended",),
    ("GET", "/vrouter"): ("extended",),
    ("GET", "/vnet/{id}"): ("extended",),
    ("GET", "/desired"): ("wait",),
}
NO_CONTENT = {("POST", "/vms/{id}/action"), ("POST", "/events")}


def document() -> dict[str, Any]:
    """The document of all routes."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fanlight instance gate",
            "version": version("fanlight"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What instances ask: the requests of OneGate's clients, and keys, events and what is desired. "
            "Bodies are read by path, whatever their type; PUT of attributes takes them bare as well.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-ONEGATE-TOKEN"},
                "instance": {"type": "apiKey", "in": "header", "name": "X-ONEGATE-VMID"},
            },
        },
    }


def _operation(route: GateRoute) -> dict[str, Any]:
    name = (route.method, route.path)
    summary = (getdoc(route.handler) or "").partition("\n")[0].rstrip(".")
    permission = f" Needs `{route.permission}`." if route.permission else ""
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "summary": summary,
        "description": f"{summary}.{permission}",
        "security": [{"token": [], "instance": []}] if route.permission else [],
        "parameters": [
            *(
                {"name": word, "in": "path", "required": True, "schema": TEXT}
                for word in re.findall(r"{(\w+)", route.path)
            ),
            *({"name": word, "in": "query", "schema": TEXT} for word in QUERIES.get(name, ())),
        ],
        "responses": {**_success(name), "4XX": _failure("Refused."), "5XX": _failure("Failed.")},
    }
    if name in BODIES:
        kind, schema = BODIES[name]
        operation["requestBody"] = {"content": {kind: {"schema": _ref(schema)}}}
    return operation


def _success(name: tuple[str, str]) -> dict[str, Any]:
    if name in NO_CONTENT:
        return {"204": {"description": "Done."}}
    if name in JSON_ANSWERS:
        content = {"application/json": {"schema": _ref(JSON_ANSWERS[name])}}
        answers: dict[str, Any] = {"200": {"description": "The answer.", "content": content}}
        if name == ("GET", "/desired"):
            answers["304"] = {"description": "What is known is still so."}
        return answers
    if name == ("GET", "/keys/{login}"):
        return {"200": {"description": "A line each.", "content": {"text/plain": {"schema": TEXT}}}}
    return {"200": {"description": "Kept."}}


def _failure(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": TEXT}}}


def text() -> str:
    """The document as it is kept in docs/reference."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
