"""Requests that two readers might read differently: refused, and the connection is closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.broker.conftest import Broker

BODY = "0\r\n\r\nGET /guacamole/api/session HTTP/1.1\r\nHost: x\r\n\r\n"

REQUESTS = {
    "two lengths": "POST /guacamole/api/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": "POST /guacamole/api/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    f"Transfer-Encoding: chunked\r\n\r\n{BODY}",
    "odd chunks": "POST /guacamole/api/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n"
    + BODY,
    "blank before the colon": "POST /guacamole/api/tokens HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nabcde",
    "a sign in the length": "POST /guacamole/api/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde",
    "a folded header": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c: d\r\n\r\n",
    "a null in a header": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n",
    "two hosts": "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "an endless header": "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + "b" * 100_000 + "\r\n\r\n",
    "an endless address": f"GET /{'a' * 100_000} HTTP/1.1\r\nHost: x\r\n\r\n",
    "no HTTP at all": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("request_text", REQUESTS.values(), ids=REQUESTS)
async def test_ambiguous_requests(broker: Broker, request_text: str) -> None:
    server = broker.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(request_text.encode("latin-1"))
        async with asyncio.timeout(5):
            answer = await reader.read()  # to the end: the connection was closed
    finally:
        writer.close()
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")) or not answer
