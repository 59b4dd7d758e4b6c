"""`api/tokens` and `api/session`: what a platform and a stock client do with them."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from broker.auth.form import MAX_BODY
from broker.views import base

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

PATH = "/guacamole/api/tokens"
ERROR_FIELDS = {"message", "translatableMessage", "statusCode", "expected", "patches", "type"}


async def test_the_platform_reads_a_token(broker: Broker) -> None:
    answer = await broker.post_form(broker.platform.body("10.1.2.3", "ssh", "abc"))
    body = await answer.json()
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert re.fullmatch("[0-9A-F]{64}", body.pop("authToken"))
    assert body == {"username": "alice", "dataSource": "hmac", "availableDataSources": ["hmac"]}


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "text/plain", "application/json"]
)
async def test_whatever_the_body_is_called(broker: Broker, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await broker.post_form(broker.platform.body("10.1.2.3", "ssh"), headers=headers)
    assert answer.status == 200


async def test_multipart_is_not_read(broker: Broker) -> None:
    answer = await broker.post_form(b"x", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status == 415


@pytest.mark.parametrize("signature_with", ["+", "/"])
async def test_signatures_that_forms_damage(broker: Broker, signature_with: str) -> None:
    """`+` arrives as a blank; tried until a signature has one."""
    while True:
        broker.clock.now += 1
        body = broker.platform.body("10.1.2.3", "ssh")
        if signature_with in dict(pair.split("=", 1) for pair in body.split("&"))["signature"]:
            break
    assert (await broker.post_form(body)).status == 200


async def test_a_token_is_renewed(broker: Broker) -> None:
    """The stock page posts its token and whatever stands in its address on every change of route."""
    token = await broker.token()
    for form in (f"token={token}", f"token={token}&anything=else"):
        answer = await broker.post_form(form)
        assert (await answer.json())["authToken"] == token
    answer = await broker.post_form("", headers={"Guacamole-Token": token})
    assert (await answer.json())["authToken"] == token


async def test_a_page_that_is_reloaded_with_its_signature(broker: Broker) -> None:
    """The same request again is fine for whoever holds the token it gave, and for nobody else."""
    body = broker.platform.body("10.1.2.3", "ssh")
    token = (await (await broker.post_form(body)).json())["authToken"]
    answer = await broker.post_form(f"{body}&token={token}")
    assert (await answer.json())["authToken"] == token
    other = await broker.token(identifier="other")
    assert await broker.refused(f"{body}&token={other}") == "replayed"


async def test_another_connection_joins_a_session(broker: Broker) -> None:
    token = await broker.token(identifier="abc")
    body = broker.platform.body("10.1.2.4", "vnc", "def")
    answer = await broker.post_form(f"{body}&token={token}")
    assert (await answer.json())["authToken"] == token
    session = await broker.parts.sessions.find(token)
    assert session is not None
    assert list(session.connections) == ["abc", "def"]


async def test_another_person_gets_another_session(broker: Broker) -> None:
    token = await broker.token()
    broker.platform.username = "bob"
    body = broker.platform.body("10.1.2.4", "ssh", "def")
    answer = await broker.post_form(f"{body}&token={token}")
    assert (await answer.json())["authToken"] != token


async def test_an_unknown_token_does_not_hinder(broker: Broker) -> None:
    body = broker.platform.body("10.1.2.3", "ssh")
    assert (await broker.post_form(f"{body}&token={'0' * 64}")).status == 200


# -- the life of a token ---------------------------------------------------------------------------------------------


async def test_giving_a_token_back(broker: Broker) -> None:
    token = await broker.token()
    assert (await broker.client.head("/guacamole/api/session", params={"token": token})).status == 204
    assert (await broker.client.delete(f"{PATH}/{token}")).status == 204
    assert (await broker.client.head("/guacamole/api/session", params={"token": token})).status == 403
    again = await broker.client.delete(f"{PATH}/{token}")
    assert again.status == 404
    assert (await again.json())["type"] == "NOT_FOUND"


async def test_logging_out(broker: Broker) -> None:
    token = await broker.token()
    headers = {"Guacamole-Token": token}
    assert (await broker.client.delete("/guacamole/api/session", headers=headers)).status == 204
    assert (await broker.client.delete("/guacamole/api/session", headers=headers)).status == 403


async def test_the_header_goes_before_the_query(broker: Broker) -> None:
    token = await broker.token()
    answer = await broker.client.head(
        "/guacamole/api/session", headers={"Guacamole-Token": "0" * 64}, params={"token": token}
    )
    assert answer.status == 403


# -- what is no request ----------------------------------------------------------------------------------------------


async def test_nothing_at_all(broker: Broker) -> None:
    for body in ("", "username=guacadmin&password=guacadmin", "x"):
        assert await broker.refused(body) == "no-credentials"


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=%ff", b"&".join(b"a%d=1" % i for i in range(300))])
async def test_bodies_that_cannot_be_read(broker: Broker, body: bytes) -> None:
    answer = await broker.post_form(body)
    assert answer.status == 400
    assert set(await answer.json()) == ERROR_FIELDS


async def test_a_body_that_is_too_large(broker: Broker) -> None:
    answer = await broker.post_form(b"a=" + b"x" * MAX_BODY)
    assert answer.status == 413


async def test_a_body_that_is_too_large_and_does_not_say_so(broker: Broker) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 10000

    answer = await broker.client.post(PATH, data=endless())
    assert answer.status == 413


async def test_a_body_that_comes_slowly(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "BODY_TIMEOUT", 0.05)
    finish = asyncio.Event()

    async def slow() -> Any:
        yield b"a=1"
        await finish.wait()

    answer = await broker.client.post(PATH, data=slow())
    finish.set()
    assert answer.status == 408


async def test_every_refusal_sounds_alike(broker: Broker) -> None:
    """Whatever the reason: same status, same headers, same body."""
    good = broker.platform.body("10.1.2.3", "ssh")
    bodies = [
        good.replace("10.1.2.3", "10.1.2.4"),
        good.replace("signature=", "signature=x"),
        broker.platform.body("127.0.0.1", "ssh"),
        broker.platform.body("10.1.2.3", "rdp"),
        good,
    ]
    assert (await broker.post_form(good)).status == 200
    answers = [await broker.post_form(body) for body in bodies]
    heard = {(answer.status, await answer.text(), answer.headers["Content-Type"]) for answer in answers}
    assert len(heard) == 1
    ((status, text, _),) = heard
    assert status == 403
    assert '"type": "INVALID_CREDENTIALS"' in text


async def test_other_methods(broker: Broker) -> None:
    answer = await broker.client.put(PATH, data=b"")
    assert answer.status == 405
    assert (await answer.json())["type"] == "BAD_REQUEST"
