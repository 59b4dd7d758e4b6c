"""The OpenAPI document, and the broker held against it."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
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
    unsupported_method,
)

from broker import openapi
from broker.app import routes
from broker.links import Signer
from tests.fakes.guacd import Guacd
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = bytes(range(32))
SIGNER = Signer("https://desk.example/guacamole/", "portal", SECRET)
DOCUMENT = openapi.document(routes("/guacamole/"), "/guacamole/")
CHECKS = (
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, unsupported_method,
)  # fmt: skip


def test_the_kept_document_is_up_to_date() -> None:
    kept = Path("docs/reference/openapi.json").read_text()
    assert kept == openapi.text(), "run `python -m broker.openapi > docs/reference/openapi.json`"


def test_every_route_is_in_it_or_named_as_left_out() -> None:
    described = sum(len(methods) for methods in DOCUMENT["paths"].values())
    left_out = [
        route for route in routes("/guacamole/")
        if route.path.removeprefix("/guacamole/").partition(":")[0].rstrip("}") + ("}" if ":" in route.path else "")
        in openapi.ELSEWHERE or route.path == "/guacamole"
    ]  # fmt: skip
    assert described + len(left_out) == len(routes("/guacamole/"))


def test_what_is_said_of_routes_is_said_of_real_ones() -> None:
    names = {(route.method, route.path.removeprefix("/guacamole/")) for route in routes("/guacamole/")}
    for table in (openapi.ANSWERS, openapi.BODIES, openapi.QUERIES, openapi.EMPTY):
        assert set(table) <= names


def test_every_operation_is_explained() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)


# -- the broker held against it ----------------------------------------------------------------------------------------


class Site:
    """A real broker before a scripted daemon, and an operator's token."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token


@contextmanager
def daemon_in_a_thread() -> Iterator[int]:
    """A scripted daemon on a loop of its own; its port."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    started: list[int] = []
    ready = threading.Event()

    async def run() -> None:
        async with Guacd() as daemon:
            started.append(daemon.port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    ready.wait(10)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    import requests

    folder = tmp_path_factory.mktemp("site")
    secret = base64.b64encode(SECRET).decode()
    (folder / "ring.toml").write_text(
        f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\noperator = true\ninstances = true\n'
    )
    port = processes.free_port()
    with daemon_in_a_thread() as daemon:
        process = subprocess.Popen(
            [
                sys.executable, "-P", "-m", "broker", "--bind", f"127.0.0.1:{port}", "--metrics-bind", "",
                "--guacd-hostname", "127.0.0.1", "--guacd-port", str(daemon), "--log-level", "error", "--ban-after", "0",
                "--store", f"sqlite:///{folder}/b.sqlite", "--key-ring", str(folder / "ring.toml"),
                "--public-origin", "https://desk.example",
            ],
            env={**os.environ, "FANLIGHT_SECRET_KEY": "so-secret"},
        )  # fmt: skip
        try:
            processes.wait_for_port(port, process)
            url = f"http://127.0.0.1:{port}"
            token = SIGNER.token("ssh", "10.1.2.3", "alice", role="operator", id="abc")
            answer = requests.post(f"{url}/guacamole/api/tokens", data={"jwt": token}, timeout=10)
            yield Site(url, answer.json()["authToken"])
        finally:
            process.terminate()
            process.wait(timeout=15)


schema = schemathesis.openapi.from_dict(
    {
        **DOCUMENT,
        "paths": {
            path: methods for path, methods in DOCUMENT["paths"].items() if path != "/guacamole/api/session"
        },
    }
)  # logging out would end the walk


@pytest.mark.real
@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_broker_does_what_it_says(case: Any, site: Site) -> None:
    headers = {"Guacamole-Token": site.token}
    for name in ("source", "identifier"):
        if name in case.path_parameters and len(case.path_parameters[name]) % 2:
            case.path_parameters[name] = {"source": "jwt", "identifier": "abc"}[name]  # half of them hit
    if len(case.path_parameters.get("identifier", "")) % 2 and re.search("/(instances|vnets)/", case.path):
        case.path_parameters["identifier"] = "1"
    if not case.path.startswith(("/guacamole/api/instances", "/guacamole/api/vnets")):
        case.call_and_validate(base_url=site.url, headers=headers, checks=CHECKS)
        return
    case.call_and_validate(base_url=site.url, auth=signed, checks=CHECKS)


def signed(request: Any) -> Any:
    """Sign a request as a platform does, the moment before it is sent."""
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    path = request.path_url.removeprefix("/guacamole/")
    request.headers["Authorization"] = SIGNER.call(request.method, path, body)
    return request
