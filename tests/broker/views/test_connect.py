"""Links that a browser opens."""

from __future__ import annotations

import base64
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

PATH = "/guacamole/connect"


async def opened(broker: Broker, query: str, **headers: str) -> Any:
    from yarl import URL

    url = URL(f"{PATH}?{query}", encoded=True)
    return await broker.client.get(url, allow_redirects=False, headers={"Accept": "text/html", **headers})


def cookie(answer: Any) -> Any:
    return SimpleCookie(answer.headers["Set-Cookie"])["fanlight-token"]


def query(broker: Broker, identifier: str = "abc", host: str = "10.1.2.3") -> str:
    """As a later client writes it: escaped, the signature's `+` included."""
    body = broker.platform.body(host, "ssh", identifier)
    return "&".join(
        f"{name}={quote(value, safe='')}" for name, value in (pair.split("=", 1) for pair in body.split("&"))
    )


async def test_a_link_leads_to_a_clean_address(broker: Broker) -> None:
    answer = await opened(broker, query(broker))
    assert answer.status == 303
    client = base64.urlsafe_b64encode(b"abc\0c\0hmac").decode().rstrip("=")
    assert answer.headers["Location"] == f"/guacamole/#/client/{client}?session=cookie"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    morsel = cookie(answer)
    assert (morsel["path"], morsel["samesite"], morsel["httponly"]) == ("/guacamole/", "Lax", True)
    assert morsel.value not in answer.headers["Location"]
    session = await broker.parts.sessions.find(morsel.value)
    assert session is not None
    assert list(session.connections) == ["abc"]


async def test_raw_signatures_are_mended_too(broker: Broker) -> None:
    for _ in range(8):  # some of them hold a plus
        broker.clock.now += 1
        assert (await opened(broker, broker.platform.body("10.1.2.3", "ssh"))).status == 303


@pytest.mark.parametrize(
    ("settings", "headers", "secure"),
    [
        ({}, {}, False),
        ({"public_origin": "https://desk.example"}, {}, True),
        ({"trusted_proxies": "127.0.0.1"}, {"X-Forwarded-Proto": "https"}, True),
        ({"trusted_proxies": "127.0.0.1"}, {"X-Forwarded-Proto": "http"}, False),
    ],
)
async def test_the_cookie_is_secure_where_the_site_is(
    serve: Any, settings: dict[str, Any], headers: dict[str, str], secure: bool
) -> None:
    async with serve(**settings) as broker:
        assert bool(cookie(await opened(broker, query(broker), **headers))["secure"]) is secure


async def test_the_page_finds_its_session_by_the_cookie(broker: Broker) -> None:
    token = cookie(await opened(broker, query(broker))).value
    broker.client.session.cookie_jar.clear()
    held = {"Cookie": f"fanlight-token={token}"}
    stale = await broker.token(identifier="stale")
    for body, expected in (
        ("", token),
        ("session=cookie", token),
        (f"session=cookie&token={stale}", token),
        (f"token={stale}", stale),
    ):
        answer = await broker.post_form(body, headers=held)
        assert (await answer.json())["authToken"] == expected


async def test_the_cookie_alone_opens_nothing_else(broker: Broker) -> None:
    """A page of another site that makes the browser send it gets nowhere."""
    token = cookie(await opened(broker, query(broker))).value
    held = {"Cookie": f"fanlight-token={token}"}
    assert (await broker.client.head("/guacamole/api/session", headers=held)).status == 403
    assert (await broker.client.delete("/guacamole/api/session", headers=held)).status == 403
    evil = {**held, "Origin": "https://evil.example"}
    assert (await broker.post_form("", headers=evil)).status == 403


async def test_a_second_link_joins_the_session(broker: Broker) -> None:
    first = cookie(await opened(broker, query(broker, "abc")))
    broker.clock.now += 1
    second = cookie(await opened(broker, query(broker, "def"), Cookie=f"fanlight-token={first.value}"))
    assert second.value == first.value


@pytest.mark.parametrize("again", ["same", "changed", "late"])
async def test_a_link_that_is_not_good_gets_a_kind_page(broker: Broker, again: str) -> None:
    link = query(broker)
    if again == "same":
        await opened(broker, link)
        broker.client.session.cookie_jar.clear()
    elif again == "changed":
        link = link.replace("alice", "mallory")
    else:
        broker.clock.now += 700
    answer = await opened(broker, link)
    assert (answer.status, answer.content_type) == (403, "text/html")
    assert "This link is no longer valid" in await answer.text()
    assert "Set-Cookie" not in answer.headers


async def test_reloading_the_link_is_fine_for_who_opened_it(broker: Broker) -> None:
    link = query(broker)
    first = cookie(await opened(broker, link))
    again = await opened(broker, link, Cookie=f"fanlight-token={first.value}")
    assert again.status == 303


async def test_logging_out_takes_the_cookie_back(broker: Broker) -> None:
    token = cookie(await opened(broker, query(broker))).value
    for answer in (
        await broker.client.delete("/guacamole/api/session", headers={"Guacamole-Token": token}),
        await broker.client.delete(f"/guacamole/api/tokens/{await broker.token(identifier='x')}"),
    ):
        assert answer.status == 204
        assert (cookie(answer).value, cookie(answer)["max-age"]) == ("", "0")


async def test_a_query_that_cannot_be_read(broker: Broker) -> None:
    assert (await opened(broker, "a=%ff")).status == 400
