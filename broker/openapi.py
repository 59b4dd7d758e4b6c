"""The OpenAPI document of the interface, made of the table of routes and what is said of them here.

`python -m broker.openapi` prints it.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from broker.access import by_operator, by_platform

if TYPE_CHECKING:
    from broker.access import Route

__all__ = ["document", "text"]

Schema = dict[str, Any]


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer"}
YES_NO: Schema = {"type": "boolean"}
ANYTHING: Schema = {}
MOMENT: Schema = {"type": "integer", "description": "Milliseconds since 1970."}
OPTIONAL_MOMENT: Schema = {"type": ["integer", "null"], "description": "Milliseconds since 1970."}
ATTRIBUTES = _map(TEXT)

SCHEMAS: dict[str, Schema] = {
    "Error": _object(
        message=TEXT,
        translatableMessage=_object(key=TEXT, variables=_map(TEXT)),
        statusCode={"type": ["integer", "null"]},
        expected={"type": ["array", "null"]},
        patches={"type": "null"},
        type={
            "enum": [
                "BAD_REQUEST",
                "INVALID_CREDENTIALS",
                "PERMISSION_DENIED",
                "NOT_FOUND",
                "STREAM_ERROR",
                "INTERNAL_ERROR",
            ]
        },
    ),
    "Session": _object(authToken=TEXT, username=TEXT, dataSource=TEXT, availableDataSources=_list(TEXT)),
    "User": _object(username=TEXT, disabled=YES_NO, attributes=ATTRIBUTES),
    "Permissions": _object(connectionPermissions=_map(_list(TEXT)), systemPermissions=_list(TEXT)),
    "Connection": _object(
        name=TEXT,
        identifier=TEXT,
        parentIdentifier=TEXT,
        protocol=TEXT,
        attributes=ATTRIBUTES,
        activeConnections=NUMBER,
    ),
    "Group": _object(name=TEXT, identifier=TEXT, type=TEXT, activeConnections=NUMBER, attributes=ATTRIBUTES),
    "ActiveConnection": _object(
        identifier=TEXT,
        connectionIdentifier=TEXT,
        startDate=MOMENT,
        remoteHost=TEXT,
        username=TEXT,
        connectable=YES_NO,
    ),
    "HistoryRecord": _object(
        identifier=TEXT,
        uuid=TEXT,
        connectionIdentifier=TEXT,
        connectionName=TEXT,
        startDate=MOMENT,
        endDate=OPTIONAL_MOMENT,
        remoteHost=TEXT,
        username=TEXT,
        active=YES_NO,
        logs=_map(_object(type=TEXT)),
    ),
    "SharingProfile": _object(
        identifier=TEXT, name=TEXT, primaryConnectionIdentifier=TEXT, attributes=ATTRIBUTES
    ),
    "SharingCredentials": _object(
        expected=_list(_object(name=TEXT, type=TEXT)), values=_object(key=TEXT), expires=MOMENT
    ),
    "Link": _object(identifier=TEXT, profile=TEXT, expires=MOMENT, uses={"type": ["integer", "null"]}),
    "Order": {
        "type": "object",
        "properties": {"connections": _list(TEXT), "command": TEXT, "limit": NUMBER, "timeout": NUMBER},
        "required": ["connections", "command"],
    },
    "Removal": _list(_object(op={"const": "remove"}, path=TEXT)),
    "Record": _object(
        identifier=TEXT,
        user=TEXT,
        source=TEXT,
        connection=TEXT,
        name=TEXT,
        protocol=TEXT,
        target=TEXT,
        address=TEXT,
        proxyd=TEXT,
        reference=TEXT,
        start=MOMENT,
        end=OPTIONAL_MOMENT,
        status=TEXT,
        command=TEXT,
        outcome=TEXT,
    ),
    "GatewayLogin": _object(id=TEXT, gateway=TEXT, sessions=NUMBER, since=MOMENT),
    "Refusal": _object(
        when=MOMENT, address=TEXT, reason=TEXT, detail=TEXT, key_id=TEXT, user=TEXT, target=TEXT
    ),
    "Ban": _object(subject=TEXT, reason=TEXT, failures=NUMBER, until=MOMENT),
    "Network": _object(
        name=TEXT,
        state=TEXT,
        created=MOMENT,
        endpoints=_list(TEXT),
        keys=_list(ANYTHING),
        connectors=_list(ANYTHING),
    ),
    "Instance": _object(
        id=TEXT,
        name=TEXT,
        key_id=TEXT,
        owner=TEXT,
        users=_list(TEXT),
        addresses=_list(TEXT),
        network=TEXT,
        sources=_list(TEXT),
        ports=_map(_list(NUMBER)),
        service=TEXT,
        role=TEXT,
        router=TEXT,
        nics=_list(_map(TEXT)),
        template=_map(TEXT),
        created=MOMENT,
        booted=MOMENT,
        tokens=_list(ANYTHING),
    ),
    "Description": {
        "type": "object",
        "properties": {
            **dict.fromkeys(("name", "owner", "network", "service", "role", "router"), TEXT),
            **{name: _list(TEXT) for name in ("users", "addresses", "sources")},
            "ports": _map(_list(NUMBER)),
            "nics": _list(_map(TEXT)),
            "template": _map(TEXT),
        },
    },
    "VirtualNetwork": _object(
        id=TEXT,
        name=TEXT,
        key_id=TEXT,
        parent=TEXT,
        routers=_list(TEXT),
        template=_map(TEXT),
        ranges=_list(ANYTHING),
    ),
    "NetworkDescription": {
        "type": "object",
        "properties": {
            "name": TEXT,
            "parent": TEXT,
            "routers": _list(TEXT),
            "template": _map(TEXT),
            "ranges": _list({"type": "object", "properties": {"leases": _list(_map(TEXT))}}),
        },
    },
    "Report": _object(
        reported=OPTIONAL_MOMENT,
        **{"from": TEXT},
        ready={"type": ["boolean", "null"]},
        readiness=TEXT,
        agent=TEXT,
        error=TEXT,
        host_keys=_ref("HostKeys"),
        attributes=_map(ANYTHING),
    ),
    "HostKeys": _object(pins=_list(ANYTHING), mismatches=_list(ANYTHING), blocked=YES_NO),
    "Trial": _object(host=TEXT, stages=_list(ANYTHING), error=TEXT),
    "Rule": _object(host=TEXT, addresses=_list(TEXT), port=NUMBER, purpose=TEXT, nftables=_list(TEXT)),
    "Health": _object(status=TEXT),
}

_DATA = "api/session/data/{source}/"
_ACTIVE = "api/session/tunnels/{tunnel}/activeConnection/"
_LOG = f"{_DATA}history/connections/{{identifier}}/logs/{{name}}"
_STREAM = "api/session/tunnels/{tunnel}/streams/{index}/{filename}"

ANSWERS: dict[tuple[str, str], Schema] = {
    ("POST", "api/tokens"): _ref("Session"),
    ("GET", f"{_DATA}self"): _ref("User"),
    ("GET", f"{_DATA}self/permissions"): _ref("Permissions"),
    ("GET", f"{_DATA}self/effectivePermissions"): _ref("Permissions"),
    ("GET", f"{_DATA}connections"): _map(_ref("Connection")),
    ("GET", f"{_DATA}connections/{{identifier}}"): _ref("Connection"),
    ("GET", f"{_DATA}connections/{{identifier}}/history"): _list(_ref("HistoryRecord")),
    ("GET", f"{_DATA}connectionGroups/ROOT"): _ref("Group"),
    ("GET", f"{_DATA}connectionGroups/ROOT/tree"): _ref("Group"),
    ("GET", f"{_DATA}activeConnections"): _map(_ref("ActiveConnection")),
    ("GET", f"{_DATA}history/connections"): _list(_ref("HistoryRecord")),
    ("GET", "api/session/tunnels"): _list(TEXT),
    ("GET", "api/session/gateways"): _list(_ref("GatewayLogin")),
    ("GET", f"{_ACTIVE}connection/sharingProfiles"): _map(_ref("SharingProfile")),
    ("GET", f"{_ACTIVE}sharingCredentials"): _list(_ref("Link")),
    ("GET", f"{_ACTIVE}sharingCredentials/{{profile}}"): _ref("SharingCredentials"),
    ("GET", "api/operator/running"): _list(_ref("Record")),
    ("GET", "api/operator/history"): _list(_ref("Record")),
    ("GET", "api/operator/refusals"): _list(_ref("Refusal")),
    ("GET", "api/operator/bans"): _list(_ref("Ban")),
    ("GET", "api/operator/instances"): _object(total=NUMBER, found=NUMBER, rows=_list(ANYTHING)),
    ("GET", "api/operator/instances/{identifier}"): {
        "allOf": [
            _ref("Instance"),
            _object(report=ANYTHING, host_keys=_ref("HostKeys"), attributes=_map(TEXT)),
        ]
    },
    ("POST", "api/operator/instances/{identifier}/host-keys"): _ref("HostKeys"),
    ("GET", "api/operator/networks"): _list(_ref("Network")),
    ("POST", "api/operator/networks/{name}/keys"): _object(generation=NUMBER, fingerprint=TEXT, text=TEXT),
    ("POST", "api/operator/networks/{name}/test"): _list(_ref("Trial")),
    ("GET", "api/operator/networks/{name}/firewall"): _list(_ref("Rule")),
    ("GET", "api/instances"): _list(_ref("Instance")),
    ("POST", "api/instances"): {"allOf": [_ref("Instance"), _object(token=TEXT)]},
    ("GET", "api/instances/{identifier}"): _ref("Instance"),
    ("PATCH", "api/instances/{identifier}"): _ref("Instance"),
    ("POST", "api/instances/{identifier}/tokens"): _object(token=TEXT),
    ("GET", "api/instances/{identifier}/report"): _ref("Report"),
    ("GET", "api/vnets"): _list(_ref("VirtualNetwork")),
    ("GET", "api/vnets/{identifier}"): _ref("VirtualNetwork"),
    ("PUT", "api/vnets/{identifier}"): _ref("VirtualNetwork"),
    ("GET", "api/languages"): _map(TEXT),
    ("GET", "api/patches"): _list(TEXT),
    ("GET", "/healthz"): _ref("Health"),
    ("GET", "/readyz"): _ref("Health"),
}
"""Answers with a shape; every other JSON answer may be anything."""

EMPTY = {
    ("HEAD", "api/session"),
    ("POST", _STREAM),
    ("POST", "api/operator/running/{identifier}/message"),
}
"""Answers without content, besides those of DELETE, and of PATCH where `ANSWERS` has none."""

BODIES: dict[tuple[str, str], tuple[str, Schema]] = {
    ("POST", "api/tokens"): ("application/x-www-form-urlencoded", _map(TEXT)),
    ("PATCH", f"{_DATA}activeConnections"): ("application/json", _ref("Removal")),
    ("POST", f"{_DATA}commands"): ("application/json", _ref("Order")),
    ("DELETE", "api/operator/running/{identifier}"): (
        "application/json",
        {"type": "object", "properties": {"reason": TEXT}},
    ),
    ("POST", "api/operator/running/{identifier}/message"): ("application/json", _object(text=TEXT)),
    ("POST", "api/operator/instances/{identifier}/host-keys"): (
        "application/json",
        {"type": "object", "properties": {"accept": _list(TEXT), "dismiss": _list(TEXT)}},
    ),
    ("POST", "api/operator/networks/{name}/keys"): (
        "application/json",
        {"type": "object", "properties": {"endpoints": _list(TEXT), "overlap": NUMBER}},
    ),
    ("POST", "api/operator/networks/{name}/test"): ("application/json", _object(target=TEXT)),
    ("POST", "api/instances"): (
        "application/json",
        {"allOf": [_ref("Description"), {"type": "object", "properties": {"id": TEXT}}]},
    ),
    ("PATCH", "api/instances/{identifier}"): ("application/json", _ref("Description")),
    ("POST", "api/instances/{identifier}/tokens"): (
        "application/json",
        {"type": "object", "properties": {"overlap": NUMBER, "rebuilt": {"type": "boolean"}}},
    ),
    ("PUT", "api/vnets/{identifier}"): ("application/json", _ref("NetworkDescription")),
    ("POST", _STREAM): ("application/octet-stream", {"type": "string", "format": "binary"}),
}
QUERIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", f"{_DATA}history/connections"): ("contains", "order"),
    ("GET", f"{_ACTIVE}sharingCredentials/{{profile}}"): ("minutes", "uses"),
    ("GET", _STREAM): ("type",),
    ("GET", "api/operator/running"): ("contains",),
    ("GET", "api/operator/history"): ("contains",),
    ("GET", "api/operator/instances"): ("contains",),
}
ELSEWHERE = ("websocket-tunnel", "tunnel", "connector", "connect", "operator", "", "/", "{path}")
"""What is for browsers, and what is no REST: described in prose."""


_TAGS: dict[object, str] = {None: "public", by_operator: "operator", by_platform: "platform"}


def document(routes: list[Route], base_path: str) -> dict[str, Any]:
    """The document of these routes.

    Args:
        routes: with whole paths.
        base_path: where they are served.
    """
    paths: dict[str, Any] = {}
    for route in routes:
        path = re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path)
        name = path.removeprefix(base_path)
        if name in ELSEWHERE or path == base_path.rstrip("/"):
            continue
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, (route.method, name))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fanlight broker",
            "version": version("fanlight"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "The REST interface of Guacamole's web tier as far as sessions need it, and the operator's own.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Guacamole-Token"},
                "call": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


def _operation(route: Route, name: tuple[str, str]) -> dict[str, Any]:
    explained = (getdoc(route.handler) or "").partition("\n")[0]
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{name[0].lower()} {name[1]}").strip("_"),
        "summary": explained.partition(": ")[2].rstrip(".") or explained.rstrip("."),
        "tags": [_TAGS.get(route.identify, "session")],
        "security": [{"call" if route.identify is by_platform else "token": []}] if route.identify else [],
        "parameters": [
            *(
                {"name": word, "in": "path", "required": True, "schema": TEXT}
                for word in re.findall(r"{(\w+)", name[1])
            ),
            *({"name": word, "in": "query", "schema": TEXT} for word in QUERIES.get(name, ())),
        ],
        "responses": {**_success(name), "4XX": _failure("Refused."), "5XX": _failure("Failed.")},
    }
    if name in BODIES:
        kind, schema = BODIES[name]
        operation["requestBody"] = {"content": {kind: {"schema": schema}}}
    return operation


def _success(name: tuple[str, str]) -> dict[str, Any]:
    if name not in ANSWERS and (name[0] in {"DELETE", "PATCH"} or name in EMPTY):
        return {"204": {"description": "Done."}}
    if name in {("GET", _STREAM), ("GET", _LOG)}:
        return {"200": {"description": "The file.", "content": {"*/*": {}}}}
    if name == ("POST", f"{_DATA}commands"):
        return {"200": {"description": "What happens, a line each.", "content": {"application/x-ndjson": {}}}}
    schema = ANSWERS.get(name, ANYTHING)
    return {"200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}}}


def _failure(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref("Error")}}}


def text() -> str:
    """The document of a broker with its default base path, as it is kept in docs/reference."""
    from broker.app import routes  # noqa: PLC0415 - the application is not needed to describe routes

    return json.dumps(document(routes("/guacamole/"), "/guacamole/"), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
