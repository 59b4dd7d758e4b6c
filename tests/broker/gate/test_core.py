"""What instances ask for is done by a core: what it is told, and what they hear of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from broker.gate.core import CoreTokens
from proxyd.sources import SettingsError
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.broker.gate.conftest import Clock

KEY = "k" * 32


class Platform:
    """Takes orders; answers what a test says."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.answer: tuple[int, bytes] = (200, b"")
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.orders.append(await request.json())
        self.tokens.append(request.headers["Authorization"].removeprefix("Bearer "))
        status, body = self.answer
        return web.Response(
            status=status, body=body, headers={"Location": "/elsewhere"} if status == 302 else {}
        )


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    served = Platform()
    app = web.Application()
    app.router.add_post("/gate", served.take)
    async with TestServer(app) as server:
        served.url = str(server.make_url("/gate"))
        yield served


@pytest.fixture
async def gate(serve_gate: Any, platform: Platform) -> AsyncIterator[Any]:
    async with serve_gate(gate_core_url=platform.url, gate_core_key=KEY) as served:
        yield served


async def test_actions_and_sizes_are_ordered(gate: Any, platform: Platform, clock: Clock) -> None:
    action = '{"action":{"perform":"poweroff","params":true}}'
    assert await gate.ask("POST", "/vms/6/action", action, **{"Content-Type": "application/json"}) == (
        204,
        "",
    )
    assert await gate.ask("PUT", "/service/role/web", '{"cardinality":"3"}') == (200, "")
    assert platform.orders == [
        {"order": "action", "instance": "6", "by": "5", "perform": "poweroff", "params": True},
        {"order": "scale", "service": "7", "by": "5", "role": "web", "cardinality": 3},
    ]
    claims = jwt.decode(platform.tokens[0], KEY, algorithms=["HS256"], audience=platform.url, options={"verify_exp": False, "verify_iat": False})  # fmt: skip
    assert claims == {
        "iss": "fanlight-gate", "aud": platform.url, "sub": "portal", "iat": int(clock.now), "exp": int(clock.now + 1800),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, b"ERROR: no such role", "no such role"),
        (404, b" error: ERROR: a\x1b[31m\r\nb\xff", "a [31m  b\ufffd"),
        (409, b"", "The core refused, with status 409."),
        (302, b"", "The core refused, with status 302."),
        (400, b"x" * 100_000, "x" * 500),
    ],
)
async def test_a_refusal_of_the_core_is_passed_on_cleaned_and_bounded(
    gate: Any, platform: Platform, status: int, body: bytes, told: str
) -> None:
    platform.answer = (status, body)
    answer = await gate.ask("POST", "/vms/6/action", '{"action":{"perform":"resume"}}')
    assert answer == (500, told)
    assert len(platform.orders) == 1


async def test_a_core_that_is_not_there_is_told_apart(serve_gate: Any) -> None:
    url = f"http://127.0.0.1:{processes.free_port()}/"
    async with serve_gate(gate_core_url=url, gate_core_key=KEY) as gate:
        status, text = await gate.ask("POST", "/vms/6/action", '{"action":{"perform":"resume"}}')
    assert (status, text) == (500, "The core does not answer (ClientConnectorError).")


async def test_a_short_key_is_refused_at_the_start(serve_gate: Any) -> None:
    with pytest.raises(SettingsError, match="gate-core-key"):
        async with serve_gate(gate_core_url="http://127.0.0.1/", gate_core_key="short"):
            pass


async def test_a_restricted_action_never_reaches_the_core(gate: Any, platform: Platform) -> None:
    assert (await gate.ask("POST", "/vms/6/action", json.dumps({"action": {"perform": "reboot"}})))[0] == 403
    assert platform.orders == []


def test_tokens_share_a_timestamp_until_a_margin_before_their_end() -> None:
    now = [1000.0]
    tokens = CoreTokens(KEY, "https://core", 1800, 300, lambda: now[0])

    def times(subject: str) -> tuple[int, int]:
        claims = jwt.decode(tokens.token(subject), options={"verify_signature": False})
        assert claims["sub"] == subject
        return claims["iat"], claims["exp"]

    assert times("a") == (1000, 2800)
    now[0] = 2500.0  # expiry - margin
    assert times("b") == (1000, 2800)
    now[0] = 2500.1
    assert times("a") == (2500, 4300)
