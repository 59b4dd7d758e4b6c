"""The OpenAPI document of the gate, and a real gate held against it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from broker.gate import openapi
from broker.gate.app import ROUTES
from broker.gate.instances import Instances
from broker.store import open_store
from tests.broker.gate.gates import ALL
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT = openapi.document()
CHECKS = (
    status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance,
)  # fmt: skip
NOT_DONE = {"POST /vms/{id}/action", "PUT /service/role/{role}", "PUT /vm", "PUT /vms/{id}"}
"""Where there is no core, or nothing to erase, the sheet wants a 500."""


def test_the_kept_document_is_up_to_date() -> None:
    kept = Path("docs/reference/gate-openapi.json").read_text()
    assert kept == openapi.text(), "run `make docs`"


def test_every_route_is_in_it_and_explained() -> None:
    names = {(route.method, route.path) for route in ROUTES}
    assert sum(len(methods) for methods in DOCUMENT["paths"].values()) == len(names)
    for table in (openapi.JSON_ANSWERS, openapi.BODIES, openapi.QUERIES, openapi.NO_CONTENT):
        assert set(table) <= names
    assert all(
        operation["summary"] for methods in DOCUMENT["paths"].values() for operation in methods.values()
    )


class Site:
    """A real gate, and the token of instance 5, which is of a service with 6 and a virtual router."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("gate")
    where = f"sqlite:///{folder}/b.sqlite"

    async def describe() -> str:
        store = open_store(where, time.time)
        instances = Instances(store, time.time)
        described = {"name": "vm", "owner": "alice", "service": "7", "role": "web", "router": "2"}
        _, token = await instances.add(described, identifier="5")
        await instances.add({"name": "db", "service": "7", "role": "db"}, identifier="6")
        await store.close()
        return token

    token = asyncio.run(describe())
    ports = processes.free_port(), processes.free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-P", "-m", "broker", "--bind", f"127.0.0.1:{ports[0]}", "--metrics-bind", "",
            "--log-level", "error", "--ban-after", "0", "--store", where, "--gate-bind", f"127.0.0.1:{ports[1]}",
            "--gate-rate", "0", "--gate-permissions", ALL,
        ],
        env={**os.environ, "FANLIGHT_SECRET_KEY": "so-secret"},
    )  # fmt: skip
    try:
        processes.wait_for_port(ports[1], process)
        yield Site(f"http://127.0.0.1:{ports[1]}", token)
    finally:
        process.terminate()
        process.wait(timeout=15)


schema = schemathesis.openapi.from_dict(DOCUMENT)
KNOWN = {"id": "6", "role": "web", "login": "alice"}


@pytest.mark.real
@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_gate_does_what_it_says(case: Any, site: Site) -> None:
    headers = {"X-ONEGATE-TOKEN": site.token, "X-ONEGATE-VMID": "5"}
    for name, value in KNOWN.items():
        if len(case.path_parameters.get(name, "")) % 2:
            case.path_parameters[name] = value  # half of them hit
    checks = CHECKS if f"{case.method} {case.path}" in NOT_DONE else (*CHECKS, not_a_server_error)
    case.call_and_validate(base_url=site.url, headers=headers, checks=checks)
