"""What is told of failed requests: the cause, and no credentials."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connector.dialing import DialError, dial
from connector.keyfile import Endpoint
from connector.reasons import without_credentials
from connector.release import ReleaseError
from connector.updater import HttpFetch
from tests.fakes.connectors import server

if TYPE_CHECKING:
    from pathlib import Path

NO = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (NO, "the HTTP proxy answered 407"),
        (b"220 mail\r\n\r\n", "does not speak HTTP"),
        (None, "the HTTP proxy cannot be reached: Connection refused"),
    ],
)
async def test_a_proxys_password_is_not_told(
    answer: bytes | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer or b"")

    async with server(proxy) as port:
        place = f"127.0.0.1:{port if answer else 1}"
        monkeypatch.setenv("https_proxy", f"http://user:s3cret@{place}")
        with pytest.raises(DialError) as dialled:
            async with dial(Endpoint.parse("wss://desk.invalid/connector"), "lab", None):
                pass
        with pytest.raises(ReleaseError) as fetched:
            await HttpFetch(lambda: "https://desk.invalid/releases", None).text("release.json")
    for error in (dialled, fetched):
        assert says in str(error.value)
        assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("http://user:s3cret@127.0.0.1:1/x", "http://127.0.0.1:1/x cannot be reached: Connection refused"),
        ("http://user:s3cret@127.0.0.1:99999/x", "is none"),
        ("http://user:s3cret@a..b/x", "cannot be one"),
    ],
)
async def test_the_password_of_a_folder_of_releases_is_not_told(base: str, says: str) -> None:
    with pytest.raises(ReleaseError) as raised:
        await HttpFetch(lambda: base, None).text("release.json")
    assert says in str(raised.value)
    assert "s3cret" not in str(raised.value)


async def test_an_authority_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(ReleaseError, match=r"certificate-authority: .*ca.pem cannot be read: No such file"):
        await HttpFetch(lambda: "https://127.0.0.1:1", missing).text("release.json")


def test_only_what_stands_before_a_host_is_taken_out() -> None:
    text = "https://a:b@c.example/x?y=@z and http://d.example"
    assert without_credentials(text) == "https://c.example/x?y=@z and http://d.example"
