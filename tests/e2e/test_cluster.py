"""Two brokers, two proxyds, Redis and nginx: each is killed in turn under people's sessions, and every one is accounted for."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
import psutil
import pytest

from broker.proxyd_client import Address, ask_load
from proxyd.wire.instruction import InstructionParser, encode
from proxyd.wire.status import Status
from tests.e2e.site import ROOT
from tests.fakes.platform import Platform, PlatformError
from tests.servers import processes
from tests.servers.sshd import Sshd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

pytestmark = [pytest.mark.real]

PEOPLE = 50
SECRET = "a-secret-of-the-tests"
STOPPED = "The machine that ran this session has stopped."

BALANCER = ROOT / "deploy" / "balancer.conf"
AWAY_SECONDS = 60.0
"""How long Redis is kept from answering."""
AGAIN = (Status.SERVER_BUSY, Status.UPSTREAM_UNAVAILABLE)
"""Statuses after which the page tries again by itself."""


class Cluster:
    """Processes by name, on ports that stay theirs."""

    def __init__(self, folder: Path, sshd: Sshd) -> None:
        names = ("proxyd-1", "proxyd-2", "broker-1", "broker-2", "redis", "nginx")
        self.ports = {name: processes.free_port() for name in names}
        self.folder = folder
        self.platform = Platform(self.url, SECRET, sshd.user, ports={"ssh": sshd.port, "vnc": 5905})
        self._sshd = sshd
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._begun: dict[str, int] = {}
        for name in names[:4]:
            self._write(name)
        places = {
            "listen 8080": f"listen 127.0.0.1:{self.ports['nginx']}",
            "broker:8080": f"127.0.0.1:{self.ports['broker-1']}",
            "broker-2:8080": f"127.0.0.1:{self.ports['broker-2']}",
            "/tmp/": f"{folder}/",
        }
        text = BALANCER.read_text()
        for place, here in places.items():
            text = text.replace(place, here)
        (folder / "nginx.conf").write_text(text)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['nginx']}/guacamole"

    def start(self, *names: str) -> None:
        for name in names:
            self._running[name] = self._spawn(name)
        for name in names:
            self._await(name)

    def _await(self, name: str) -> None:
        def listens() -> bool:
            assert self._running[name].poll() is None, f"{name} ended"
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.ports[name])) == 0

        processes.wait_for(listens, f"{name} listening", processes.START_SECONDS)

    def drain(self, name: str) -> Callable[[], bool]:
        """Ask it to stop; returns whether it still runs."""
        process = self._running[name]
        process.terminate()
        return lambda: process.poll() is None

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        process = self._running.pop(name)
        if number is signal.SIGKILL:  # a machine that dies takes everything along
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.send_signal(number)
        process.wait(timeout=20)

    def pause(self, name: str) -> None:
        """It takes connections and answers nothing."""
        self._running[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._running[name].send_signal(signal.SIGCONT)

    def holding(self, broker: str) -> set[str]:
        """Connections that people have open through a broker, by what it has logged since it was started."""
        log = (self.folder / f"{broker}.log").read_bytes()[self._begun[broker] :].decode()
        events = Counter(re.findall(r"tunnel (opened|closed) .*?\bconnection=(\S+)", log))
        return {
            connection
            for _, connection in events
            if events["opened", connection] > events["closed", connection]
        }

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        port = str(self.ports[name])
        if name == "redis":
            return processes.start(
                "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
                "--appendfsync", "always", "--dir", str(self.folder),
            )  # fmt: skip
        if name == "nginx":
            return processes.start("nginx", "-c", str(self.folder / "nginx.conf"))
        command = [sys.executable, "-m", name[:6], "--config", str(self.folder / f"{name}.toml")]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._begun[name] = log.tell()
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def _write(self, name: str) -> None:
        section = name[:6]
        proxyds = ", ".join(f"127.0.0.1:{self.ports[row]}" for row in ("proxyd-1", "proxyd-2"))
        values: dict[str, object] = {"bind": f"127.0.0.1:{self.ports[name]}"}
        if section == "proxyd":
            values |= {"workers": 1, "host-key-pins": ""}
        else:
            values |= {
                "metrics-bind": "",
                "guacd-hostname": proxyds,
                "secret-key": SECRET,
                "v1-ports": f"ssh={self._sshd.port}",
                "allowed-targets": [f"127.0.0.1/32:{self._sshd.port}"],
                "use-local-privkey": True,
                "key-directory": str(self.folder / "keys"),
                "store": f"redis://127.0.0.1:{self.ports['redis']}/0",
                "trusted-proxies": ["127.0.0.1/32"],
                "ban-after": 0,
                "max-detached-per-user": 1000,
                "drain-timeout": 120,
            }
        rows = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        (self.folder / f"{name}.toml").write_text("\n".join([f"[{section}]", *rows, ""]))


class Person:
    """A browser that reconnects as the page does, and remembers what it was told."""

    def __init__(self, number: int, cluster: Cluster, http: aiohttp.ClientSession, token: str) -> None:
        self.number = number
        self.identifier = cluster.platform.sent[-1].partition("&id=")[2].partition("&")[0]
        self.notices: Counter[str] = Counter()
        self.errors: list[str] = []
        self.connected = asyncio.Event()
        self.opened = 0
        self.broke = ""
        self._cluster = cluster
        self._http = http
        self.query = urlencode({
            "token": token, "GUAC_ID": self.identifier, "GUAC_TYPE": "c", "GUAC_DATA_SOURCE": "hmac",
            "GUAC_WIDTH": 640, "GUAC_HEIGHT": 480, "GUAC_DPI": 96, "GUAC_IMAGE": "image/png",
            "GUAC_SESSION": str(number),
        })  # fmt: skip
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @property
    def story(self) -> str:
        """What became of them, for the message of a failure."""
        return f"{self.number}: opened {self.opened} times, told {self.errors}, last broken by {self.broke}"

    async def live(self) -> None:
        """Look at the session, and come back whenever it breaks, until an error says that it is over."""
        while not self.errors:
            try:
                address = f"{self._cluster.url}/websocket-tunnel?{self.query}"
                async with self._http.ws_connect(address, protocols=["guacamole"]) as socket:
                    self._socket = socket
                    self.opened += 1
                    await self._read(socket)
            except aiohttp.WSServerHandshakeError as error:
                self.broke = f"status {error.status}"
            except aiohttp.ClientError as error:
                self.broke = type(error).__name__
            self.connected.clear()
            await asyncio.sleep(0.5)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        parser = InstructionParser()
        async for message in socket:
            for instruction in parser.feed(message.data.encode()):
                match instruction.opcode, instruction.args:
                    case "sync", (stamp, *_):
                        await socket.send_str(encode("sync", stamp).decode())
                        self.connected.set()
                    case "msg", (_, word, *_):
                        self.notices[word] += 1
                    case "error", (_, code) if Status.from_code(int(code)) in AGAIN:
                        return
                    case "error", (text, *_):
                        self.errors.append(text)

    async def leave(self) -> None:
        """The network breaks."""
        assert self._socket is not None
        await self._socket.close()

    async def type(self, text: str) -> None:
        assert self._socket is not None
        keys = [0xFF0D if character == "\n" else ord(character) for character in text]
        said = b"".join(encode("key", key, pressed) for key in keys for pressed in (1, 0))
        await self._socket.send_str(said.decode())


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    with Sshd(options=["MaxStartups 100", "MaxSessions 100"]) as sshd:
        folder = tmp_path / "keys" / sshd.user
        folder.mkdir(parents=True, mode=0o700)
        folder.parent.chmod(0o700)
        (folder / "id_ed25519_guac").touch(mode=0o600)
        (folder / "id_ed25519_guac").write_text(sshd.private_key)
        made = Cluster(tmp_path, sshd)
        try:
            made.start("redis", "proxyd-1", "proxyd-2")
            made.start("broker-1", "broker-2", "nginx")
            yield made
        finally:
            made.close()


async def fact(holds: Callable[[], object], what: str | Callable[[], str], seconds: float = 60) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"{what if isinstance(what, str) else what()} within {seconds:g} s")


async def everybody_comes_back(
    people: list[Person], cluster: Cluster, broker: str, number: signal.Signals
) -> list[Person]:
    """Kill a broker; who was there loses the connection and opens another, the others never notice."""
    there = cluster.holding(broker)
    opened = {person: person.opened for person in people}
    cluster.kill(broker, number)

    def missing() -> list[Person]:
        return [
            person
            for person, times in opened.items()
            if person.opened < times + (person.identifier in there) or not person.connected.is_set()
        ]

    await fact(
        lambda: not missing(), lambda: f"everybody is back but {[person.story for person in missing()]}"
    )
    return [person for person in people if person.identifier in there]


async def prove(cluster: Cluster, people: Iterable[Person], name: str) -> None:
    """Everybody's own shell still knows its variable."""
    people = list(people)
    proof = cluster.folder / name
    for person in people:
        await person.type(f"echo $x >>{proof}\n")
    wanted = sorted(str(person.number) for person in people)
    await fact(lambda: proof.exists() and sorted(proof.read_text().split()) == wanted, f"{name}: every shell")


@pytest.mark.timeout(300)
async def test_every_session_is_accounted_for(cluster: Cluster) -> None:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        group = await stack.enter_async_context(asyncio.TaskGroup())
        people = []
        for number in range(PEOPLE):
            link = urlsplit(await asyncio.to_thread(cluster.platform.token_url, "127.0.0.1", "ssh"))
            token = parse_qs(link.fragment.partition("?")[2])["token"][0]
            people.append(Person(number, cluster, http, token))
        lives = {person: group.create_task(person.live()) for person in people}
        await fact(lambda: all(person.connected.is_set() for person in people), "everybody sees a picture")
        for person in people:
            await person.type(f"x={person.number}\n")
        await prove(cluster, people, "at-first")

        first = max(("broker-1", "broker-2"), key=lambda name: len(cluster.holding(name)))
        assert len(await everybody_comes_back(people, cluster, first, signal.SIGKILL)) > PEOPLE // 2
        await prove(cluster, people, "after-a-broker-died")
        cluster.start(first)

        cluster.kill("redis")
        await prove(cluster, people, "while-redis-is-gone")
        cluster.start("redis")
        cluster.pause("redis")
        away = asyncio.get_running_loop().time() + AWAY_SECONDS
        with pytest.raises(PlatformError) as refused:  # who comes now is told so, not left waiting
            await asyncio.to_thread(cluster.platform.token_url, "127.0.0.1", "ssh")
        assert refused.value.status == 503
        await people[0].leave()
        await prove(cluster, people[1:], "while-redis-hangs")
        await asyncio.sleep(away - asyncio.get_running_loop().time())
        await prove(cluster, people[1:], "after-a-minute-without-redis")
        cluster.resume("redis")
        await fact(people[0].connected.is_set, "who left meanwhile is back")
        await prove(cluster, people, "after-redis-came-back")

        second = "broker-1" if first == "broker-2" else "broker-2"
        assert len(await everybody_comes_back(people, cluster, second, signal.SIGTERM)) > PEOPLE // 2
        await prove(cluster, people, "after-redis-and-the-other-broker")
        cluster.start(second)

        opened = {person: person.opened for person in people}
        cluster.kill("nginx")
        cluster.start("nginx")
        await fact(
            lambda: all(row.opened > opened[row] and row.connected.is_set() for row in people),
            "everybody is back behind another balancer",
        )
        await prove(cluster, people, "after-the-balancer-died")

        load = await ask_load(Address("127.0.0.1", cluster.ports["proxyd-1"]))
        assert load is not None
        cluster.kill("proxyd-1")
        await fact(
            lambda: sum(bool(person.errors) for person in people) == load.sessions,
            "all who were there are told",
        )
        told = [person for person in people if person.errors]
        kept = [person for person in people if not person.errors]
        assert 0 < len(told) < PEOPLE
        assert abs(len(told) - len(kept)) <= PEOPLE // 2  # sessions went to both
        for person in told:
            assert [STOPPED in text for text in person.errors] == [True]
        await prove(cluster, kept, "after-a-proxyd-died")
        assert not any(person.notices["ended-away"] for person in people)

        for person in told:  # as the page does when its person clicks
            await lives[person]
            person.errors.clear()
            person.connected.clear()
            lives[person] = group.create_task(person.live())
        await fact(
            lambda: all(person.connected.is_set() for person in told), "new sessions, on the other machine"
        )
        assert all(person.notices["ended-away"] == 1 for person in told)
        for task in lives.values():
            task.cancel()


async def test_people_go_to_another_broker_while_one_drains(cluster: Cluster) -> None:
    """Also where the balancer would send them to the same one again, which waits for what cannot be handed over."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        group = await stack.enter_async_context(asyncio.TaskGroup())
        link = urlsplit(await asyncio.to_thread(cluster.platform.token_url, "127.0.0.1", "ssh"))
        token = parse_qs(link.fragment.partition("?")[2])["token"][0]
        person = Person(1, cluster, http, token)
        living = group.create_task(person.live())
        await fact(person.connected.is_set, "a picture")
        await person.type("x=1\n")
        (broker,) = [name for name in ("broker-1", "broker-2") if cluster.holding(name)]
        order = {"connections": [person.identifier], "command": "sleep 300"}
        running = await stack.enter_async_context(
            http.post(
                f"{cluster.url}/api/session/data/hmac/commands",
                json=order,
                headers={"Guacamole-Token": token},
            )
        )
        while b"running" not in await running.content.readline():
            pass
        still_there = cluster.drain(broker)
        await fact(lambda: person.opened == 2 and person.connected.is_set(), lambda: person.story)
        await prove(cluster, [person], "while-a-broker-drains")
        tunnel = f"{cluster.url}/tunnel"  # where WebSockets are blocked
        async with http.post(f"{tunnel}?connect", data=person.query) as answer:
            name = await answer.text()
            headers = {"Guacamole-Tunnel-Token": answer.headers["Guacamole-Tunnel-Token"]}
        async with http.post(f"{tunnel}?write:{name}", data=encode("nop"), headers=headers) as answer:
            assert answer.status == 200
        async with http.get(f"{tunnel}?read:{name}:0", headers=headers) as answer:
            assert b"4.size" in await answer.content.readuntil(b"4.sync")
        assert still_there()
        living.cancel()
