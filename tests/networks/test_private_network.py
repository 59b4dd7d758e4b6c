"""Private networks for real: a namespace that nothing has a route to, its connectors, and what happens to them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import signal
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from broker.links import Signer
from connector.doctor import EXITS
from proxyd.wire.instruction import InstructionParser, encode
from tests.fakes.browser import Browser
from tests.servers import processes
from tests.servers.private import ROOT, ConnectorProcess, Private, free_port
from tests.servers.proxyd import Proxyd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

SECRET = bytes(range(32))
LOST = "gateway: The connector on"


class Lab:
    """A broker, a daemon and a private network with two connectors."""

    def __init__(self, folder: Path, private: Private, daemon: Proxyd, store: str = "") -> None:
        self.private = private
        self.daemon = daemon
        self.port = free_port(private.outside)
        self.tcp_port = free_port(private.outside)
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.broker: subprocess.Popen[bytes] | None = None
        secret = base64.b64encode(SECRET).decode()
        (folder / "ring.toml").write_text(
            f'[portal]\nsecret = "{secret}"\nschemes = ["jwt"]\n'
            'parameters = ["network", "private-key"]\nnetworks = ["lab"]\n'
        )
        (folder / "fanlight.toml").write_text(
            "[broker]\n"
            + "\n".join(
                f"{name} = {json.dumps(value)}"
                for name, value in {
                    "bind": f"{private.outside}:{self.port}",
                    "connector-bind": f"{private.outside}:{self.tcp_port}",
                    "metrics-bind": "",
                    "guacd-hostname": daemon.address[0],
                    "guacd-port": daemon.address[1],
                    "store": store or f"sqlite:///{folder}/store.sqlite",
                    "drain-timeout": 0,
                    "key-ring": str(folder / "ring.toml"),
                    "public-origin": f"http://{private.outside}:{self.port}",
                }.items()
            )
        )

    def start_broker(self) -> None:
        with (self.folder / "broker.log").open("ab") as log:
            command = [sys.executable, "-m", "broker", "--config", str(self.folder / "fanlight.toml")]
            self.broker = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def stop_broker(self) -> None:
        if self.broker is not None:
            self.broker.kill()
            self.broker.wait()

    def fanlight(self, *words: str) -> str:
        command = [sys.executable, "-c", "from broker.cli import main; main()", *words]
        done = subprocess.run(
            [*command, "--config", str(self.folder / "fanlight.toml")],
            check=False, cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    @property
    def endpoint(self) -> str:
        return f"ws://{self.private.outside}:{self.port}/guacamole/connector"

    def new_key(self, then: Lab | None = None) -> str:
        """A key whose connectors try the WebSocket first, then another broker's, or the plain port."""
        self.fanlight(
            "network", "key", "new", "lab", "--endpoint", self.endpoint,
            "--endpoint", then.endpoint if then else f"tcp://{self.private.outside}:{self.tcp_port}",
        )  # fmt: skip
        return self.fanlight("network", "key", "show-once", "lab")

    def connectors(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.fanlight("network", "status", "--json"))[0]["connectors"]
        return rows

    @property
    def there(self) -> int:
        """Connectors that the daemon uses: signed in, and heard of how they are."""
        log = self.daemon.log
        return log.count("connector is there") - log.count("connector is gone")

    def begin(self, key: str, **options: object) -> ConnectorProcess:
        targets = f"{self.private.inside}/32:22, 127.0.0.1/32:{self.private.xvnc.port}"
        return self.private.connector(key, targets, **options)

    async def shell(self, **more: str) -> Browser:
        """A web shell inside; raises AssertionError where it does not open."""
        sshd = self.private.sshd
        browser = await Browser.connect(self.daemon.address)
        arguments = {
            "hostname": sshd.address, "port": "22", "username": sshd.user, "private-key": sshd.private_key,
            "network": "lab", **more,
        }  # fmt: skip
        await browser.open("ssh", arguments)
        return browser

    async def page(self, network: str = "lab") -> set[str]:
        """Open a shell as a page does, by a link that a platform signed; the opcodes that come until it is shown."""
        base = f"http://{self.private.outside}:{self.port}/guacamole/"
        sshd = self.private.sshd
        cnx = {
            "protocol": "ssh",
            "hostname": sshd.address,
            "username": sshd.user,
            "private-key": sshd.private_key,
        }
        token = Signer(base, "portal", SECRET).token(
            "ssh", "", "", cnx={**cnx, "network": network}, sub="alice"
        )
        async with aiohttp.ClientSession(base) as client:
            async with client.post("api/tokens", data={"jwt": token}) as answer:
                granted = await answer.json()
                assert answer.status == 200, granted
            query = {
                "token": granted["authToken"], "GUAC_DATA_SOURCE": granted["dataSource"], "GUAC_TYPE": "c",
                "GUAC_ID": "x", "GUAC_WIDTH": "640", "GUAC_HEIGHT": "480", "GUAC_DPI": "96",
            }  # fmt: skip
            async with client.get(
                f"api/session/data/{granted['dataSource']}/connections",
                params={"token": granted["authToken"]},
            ) as answer:
                query["GUAC_ID"] = next(iter(await answer.json()))
            seen: set[str] = set()
            parser = InstructionParser()
            async with client.ws_connect("websocket-tunnel", params=query) as socket:
                async with asyncio.timeout(20):
                    async for message in socket:
                        seen |= {row.opcode for row in parser.feed(message.data.encode())}
                        if seen & {"sync", "error"}:
                            break
            return seen

    async def desktop(self) -> Browser:
        """A web desktop inside, once it is shown."""
        browser = await Browser.connect(self.daemon.address)
        port = str(self.private.xvnc.port)
        arguments = {"hostname": "127.0.0.1", "port": port, "password": "display", "network": "lab"}
        await browser.open("vnc", arguments)
        assert (await browser.until(lambda row: row.opcode in {"sync", "error"}, 20)).opcode == "sync"
        return browser


@pytest.fixture(scope="module")
def private() -> Any:
    with Private() as network:
        yield network


@pytest.fixture
async def lab(tmp_path: Path, private: Private) -> AsyncIterator[Lab]:
    async with Proxyd(workers=2) as daemon:
        made = Lab(tmp_path, private, daemon)
        made.start_broker()
        try:
            yield made
        finally:
            made.stop_broker()


async def fact(holds: Callable[[], bool], what: str, seconds: float = 30) -> float:
    """Wait until something holds; returns how long that took."""
    began = time.monotonic()
    await asyncio.to_thread(processes.wait_for, holds, what, seconds)
    return time.monotonic() - began


async def says(browser: Browser, wanted: str, deadline: float = 10) -> None:
    """Wait for an error whose text begins so."""
    error = await browser.until("error", deadline)
    assert error.args[0].startswith(wanted), error.args


async def ended(browsers: list[Browser], seconds: float = 3) -> int:
    """How many sessions end now because their connector was lost, and say so."""

    async def one(browser: Browser) -> bool:
        staying = asyncio.create_task(stay(browser), name="a person is there")
        try:
            await says(browser, LOST, seconds)
        except TimeoutError:
            return False
        finally:
            staying.cancel()
        return True

    return sum(await asyncio.gather(*map(one, browsers)))


async def stay(browser: Browser) -> None:
    """A page that is open says so all the time."""
    while True:
        browser.send("nop")
        await asyncio.sleep(3)


async def came_back(desktop: Browser) -> bool:
    """Whether a desktop lost its way and found another, in one session."""
    try:
        await desktop.until(lambda row: row.opcode == "msg" and row.args[1] == "way-lost", 3)
    except TimeoutError:
        return False
    desktop.forget()
    await desktop.until("sync")
    return True


async def download(browser: Browser) -> None:
    """Take what comes as fast as it comes."""
    index = (await browser.until("body")).args[1]
    browser.send("ack", index, "OK", 0)
    while instructions := await browser.batch():
        browser.send_raw(encode("ack", index, "OK", 0) * sum(row.opcode == "blob" for row in instructions))


def typed(browser: Browser, text: str) -> None:
    """Type a text of ASCII and newlines."""
    for character in text:
        keysym = 0xFF0D if character == "\n" else ord(character)
        browser.send("key", keysym, 1)
        browser.send("key", keysym, 0)


async def echoed(browser: Browser) -> float:
    """Seconds from a key until the picture that shows it."""
    browser.forget()
    began = time.monotonic()
    typed(browser, "k")
    await browser.until("sync", 20)
    elapsed = time.monotonic() - began
    with contextlib.suppress(TimeoutError):  # what else is drawn for it
        await browser.until("sync", 0.3)
    return elapsed


async def opens(lab: Lab) -> bool:
    """Whether a shell opens now."""
    browser = await lab.shell()
    try:
        return (await browser.until(lambda row: row.opcode in {"sync", "error"}, 20)).opcode == "sync"
    finally:
        await browser.close()


async def test_what_happens_to_connectors_and_their_sessions(lab: Lab) -> None:
    key = lab.new_key()
    first, second = lab.begin(key, force=True), lab.begin(key, force=True)
    await fact(lambda: lab.there == 2, "two connectors")

    # two desktops and ten shells, shared out among both
    desktops = [await lab.desktop() for _ in range(2)]
    shells = [await lab.shell() for _ in range(10)]
    for shell in shells:
        assert (await shell.until(lambda row: row.opcode in {"sync", "error"}, 20)).opcode == "sync"

    # one dies under them
    first.process.send_signal(signal.SIGKILL)
    began = time.monotonic()
    assert await opens(lab)
    assert time.monotonic() - began < 5
    assert sorted(await asyncio.gather(*map(came_back, desktops))) == [False, True]
    assert 3 <= await ended(shells) <= 7
    for browser in (*shells, *desktops):
        await browser.close()

    # what is not in the list, whoever asks
    stranger = await lab.shell(hostname="198.51.100.7")
    await says(stranger, "gateway: The connector on")
    await stranger.close()
    assert any(event["event"] == "stream denied" for event in second.events)

    # what operators of either side see of it
    assert "✓ banner: SSH: SSH-2.0-OpenSSH" in lab.fanlight(
        "network", "test", "lab", f"{lab.private.inside}:22"
    )
    outside = lab.fanlight("network", "test", "lab", "198.51.100.7:22")
    assert "✕ permit: 198.51.100.7:22 is not in the connector's allowed-targets" in outside
    assert "tcp" not in outside
    doctor = json.loads(second.fanlight("connector", "doctor", "--json"))
    assert not [row for row in doctor if row["passed"] is False], doctor
    assert {row["stage"] for row in doctor} == set(EXITS) - {
        "clock"
    }  # which is part of https unless it is off

    # a page, by way of the broker that knows where the network is
    async with asyncio.timeout(10):
        while "sync" not in await lab.page():
            await asyncio.sleep(0.2)

    # the broker restarts: connectors are told to go, and nobody waits for them
    assert lab.broker is not None
    began = time.monotonic()
    lab.broker.terminate()
    await asyncio.to_thread(lab.broker.wait, 20)
    assert time.monotonic() - began < 5
    await fact(lambda: second.state == "disconnected", "the broker's end is noticed")
    lab.start_broker()
    await fact(lambda: lab.there == 1, "the connector comes back", 30)
    assert await opens(lab)

    # the key is revoked
    lab.fanlight("network", "key", "revoke", "lab")
    assert await fact(lambda: second.state == "disconnected", "cut off", 10) < 5
    refused = await lab.shell()
    await says(refused, "gateway: No connector of the network lab is connected.")
    await refused.close()
    await fact(
        lambda: any("refused" in str(event.get("reason")) for event in second.events), "refused after", 45
    )


async def test_a_link_that_is_cut_is_passed_by_and_a_second_one_on_a_host_refused(lab: Lab) -> None:
    key = lab.new_key()
    first = lab.begin(key)
    await fact(lambda: lab.there == 1, "a connector")
    twin = lab.begin(key)
    await fact(
        lambda: any("runs on" in str(event.get("reason")) for event in twin.events), "a second one is refused"
    )
    twin.stop()
    lab.begin(key, force=True)
    await fact(lambda: lab.there == 2, "a forced one")
    shells = [await lab.shell() for _ in range(4)]
    for shell in shells:
        assert (await shell.until(lambda row: row.opcode in {"sync", "error"}, 20)).opcode == "sync"
    await asyncio.to_thread(first.cut)
    began = time.monotonic()
    ending = asyncio.create_task(ended(shells, 45), name="sessions end")
    while not await opens(lab):
        # at most a probe's interval and its time-out, then new ones go elsewhere
        assert time.monotonic() - began < 20
    assert await ending == 2
    assert time.monotonic() - began < 50
    for shell in shells:
        await shell.close()
    await fact(lambda: "disconnected" in {event["event"] for event in first.events}, "noticed there, too", 45)
    await fact(lambda: first.state == "connected", "it dials again", 60)
    await fact(lambda: all(row["connected"] for row in lab.connectors()), "both are there", 40)


async def test_a_key_does_not_wait_behind_a_download_on_a_slow_link(lab: Lab, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(30_000_000))
    lab.begin(lab.new_key())
    await fact(lambda: lab.there == 1, "a connector")
    typing, loading = await lab.shell(), await lab.shell(**{"enable-sftp": "true"})
    assert (await typing.until(lambda row: row.opcode in {"sync", "error"}, 20)).opcode == "sync"
    filesystem = await loading.until("filesystem")
    with lab.private.slow("8mbit"):
        loading.send("get", filesystem.args[0], str(big))
        load = asyncio.create_task(download(loading), name="download")
        before = lab.private.sent
        await fact(lambda: lab.private.sent > before + 3_000_000, "a flood")
        waited = [await echoed(typing) for _ in range(9)]
        assert not load.done()
    load.cancel()
    for shell in (typing, loading):
        await shell.close()
    assert median(waited) < 0.9, waited


async def test_sessions_at_one_broker_find_connectors_at_another_and_those_another_endpoint(
    private: Private, tmp_path: Path
) -> None:
    store = processes.free_port()
    redis = processes.start(
        "redis-server", "--port", str(store), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"
    )
    processes.wait_for_port(store, redis)
    async with Proxyd(workers=1) as daemon:
        one, two = (
            Lab(folder, private, daemon, f"redis://127.0.0.1:{store}/0")
            for folder in (tmp_path / "1", tmp_path / "2")
        )
        try:
            for lab in (one, two):
                lab.start_broker()
            key = one.new_key(two)
            connector = one.begin(key)
            await fact(lambda: connector.state == "connected", "a connector at the first broker")
            assert connector.endpoint.endswith(f":{one.port}/guacamole/connector")
            async with asyncio.timeout(10):
                while "sync" not in await two.page():
                    await asyncio.sleep(0.2)
            one.stop_broker()
            await fact(
                lambda: connector.endpoint.endswith(f":{two.port}/guacamole/connector"),
                "the next endpoint",
                30,
            )
            async with asyncio.timeout(20):
                while "sync" not in await two.page():
                    await asyncio.sleep(0.2)
        finally:
            one.stop_broker()
            two.stop_broker()
            processes.stop(redis)
