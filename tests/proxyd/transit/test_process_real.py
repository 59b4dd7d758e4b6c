"""The transit process beside real workers: it outlives them, and they outlive it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.fakes.browser import Browser
from tests.servers.proxyd import Proxyd
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    """The gateway, and the instance behind it."""
    with Sshd() as server:
        yield server


async def shell(daemon: Proxyd, server: Sshd, owner: str = "alice") -> Browser:
    host = {
        "alias": "corp",
        "address": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "host-key": server.host_key,
        "private-key": server.private_key,
    }
    browser = await Browser.connect(daemon.address)
    given = {
        "hostname": "127.0.0.1",
        "port": str(server.port),
        "username": server.user,
        "private-key": server.private_key,
        "jump-hosts": json.dumps([host]),
        "gateway-owner": owner,
    }
    await browser.open("ssh", given)
    await browser.until(lambda i: i.opcode == "argv" and i.args[2] == "fanlight-command")
    return browser


async def asked(daemon: Proxyd, *words: str) -> Any:
    async with await Browser.connect(daemon.address) as browser:
        browser.send(*words)
        return json.loads((await browser.until(words[0])).args[0])


def transit(daemon: Proxyd) -> psutil.Process:
    (process,) = [
        child for child in psutil.Process(daemon.pid).children() if "proxyd.transit" in child.cmdline()
    ]
    return process


async def test_one_login_serves_all_workers_and_survives_them(server: Sshd) -> None:
    async with Proxyd(workers=2) as daemon:
        browsers = [await shell(daemon, server) for _ in range(2)]
        (login,) = await asked(daemon, "gateway-logins", "alice")
        assert (login["gateway"], login["sessions"], login["owner"]) == ("corp", 2, "alice")
        assert await asked(daemon, "gateway-logins", "bob") == []
        for worker in daemon.workers():
            worker.kill()
        async with asyncio.timeout(15):
            while (await asked(daemon, "gateway-logins", ""))[0]["sessions"]:
                await asyncio.sleep(0.05)
            while len(daemon.workers()) < 2:
                await asyncio.sleep(0.05)
        again = await shell(daemon, server)
        (same,) = await asked(daemon, "gateway-logins", "alice")
        assert same["id"] == login["id"]
        assert await asked(daemon, "gateway-logout", "bob", login["id"]) == 0
        assert await asked(daemon, "gateway-logout", "", login["id"]) == 1
        error = await again.until("error")
        assert error.args[0].startswith("gateway: You signed out at the gateway corp.")
        for browser in [*browsers, again]:
            await browser.close()


async def test_when_it_dies_people_are_told_and_the_next_session_works(server: Sshd) -> None:
    async with Proxyd(workers=1) as daemon:
        browser = await shell(daemon, server)
        transit(daemon).kill()
        error = await browser.until("error")
        assert error.args[0].startswith("gateway: The way to the instance was lost.")
        again = await shell(daemon, server)
        for one in (browser, again):
            await one.close()
        assert server.private_key.splitlines()[1] not in daemon.log
