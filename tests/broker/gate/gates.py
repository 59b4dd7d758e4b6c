"""A gate without a network of its own: its application, what a platform described, and an instance's requests."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestClient, TestServer

from broker.app import make_app
from broker.gate.app import make_gate
from broker.parts import PARTS
from broker.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aiohttp import ClientResponse

    from broker.parts import Parts

__all__ = ["ALL", "Site", "site"]

ALL = (
    "vm.show,vm.update,vm.show_by_id,vm.update_by_id,vm.action_by_id,service.show,service.change_cardinality,"
    "vrouter.show,vnet.show_by_id"
)
"""Every permission."""


class Site:
    """Four instances: `5` and `6` of service `7`, `8` of another, `9` another platform's; `3` is virtual router `2`.

    Attributes:
        tokens: by id.
    """

    def __init__(self, client: TestClient[Any, Any], parts: Parts) -> None:
        self.client = client
        self.parts = parts
        self.tokens: dict[str, str] = {}

    async def describe(self) -> None:
        for identifier, key_id, described in (
            ("5", "portal", {"owner": "alice", "service": "7", "role": "web", "addresses": ["10.1.2.5", "2001:db8::5"]}),
            ("6", "portal", {"service": "7", "role": "db", "template": {"COLOUR": "red", "SCHED_MESSAGE": "no room"},
                             "nics": [{"IP": "10.1.0.6", "MAC": "02:00:0a:01:00:06", "NAME": "NIC0", "SECRET": "x"},
                                      {"IP": "10.1.0.7", "PARENT": "NIC0", "NAME": "NIC0_ALIAS1"}]}),
            ("8", "portal", {"service": "70"}),
            ("9", "other", {"service": "7"}),
            ("3", "portal", {"router": "2", "role": "edge", "addresses": ["10.1.0.1"]}),
        ):  # fmt: skip
            _, token = await self.parts.instances.add(
                {"name": f"vm{identifier}", **described}, identifier=identifier, key_id=key_id
            )
            self.tokens[identifier] = token
        await self.parts.nets.put(
            "4",
            {
                "name": "inside", "routers": ["2"], "template": {"GATEWAY": "10.1.0.1", "SECRET": "x"},
                "ranges": [{"AR_ID": "0", "IP": "10.1.0.0", "leases": [
                    {"IP": "10.1.0.6", "MAC": "02:00:0a:01:00:06", "VM": "6"}, {"IP": "10.1.0.99"}]}],
            },
            key_id="portal",
        )  # fmt: skip
        await self.parts.nets.put("40", {"name": "elsewhere", "routers": ["1"]}, key_id="portal")

    def headers(self, identifier: str = "5") -> dict[str, str]:
        return {"X-ONEGATE-TOKEN": self.tokens[identifier], "X-ONEGATE-VMID": identifier}

    async def ask(
        self, method: str, path: str, body: str | bytes = b"", *, by: str = "5", **headers: str
    ) -> tuple[int, str]:
        """Status and text of an answer; without a type, as newer clients ask."""
        answer = await self.send(method, path, body, self.headers(by) | headers)
        return answer.status, await answer.text()

    async def send(
        self, method: str, path: str, body: str | bytes, headers: dict[str, str]
    ) -> ClientResponse:
        data = body.encode() if isinstance(body, str) else body
        return await self.client.request(
            method, path, data=data or None, headers=headers, skip_auto_headers=["Content-Type"]
        )

    async def said(self, identifier: str) -> dict[str, Any]:
        """What is kept of an instance's words."""
        return (await self.parts.reports.find(identifier)).attributes


@asynccontextmanager
async def site(
    clock: Callable[[], float], folder: Path, *, monotonic: Callable[[], float] | None = None, **settings: Any
) -> AsyncIterator[Site]:
    """Serve a gate with these settings."""
    values = {"store": "sqlite://", "gate_rate": 0, "ban_after": 0, "gate_permissions": ALL, **settings}
    chosen = Settings(**values)
    parts = make_app(chosen, clock=clock, webapp=folder)[PARTS]
    more = {"monotonic": monotonic} if monotonic else {}
    try:
        async with TestClient(TestServer(make_gate(parts, **more))) as client:
            served = Site(client, parts)
            await served.describe()
            yield served
    finally:
        await parts.store.close()
