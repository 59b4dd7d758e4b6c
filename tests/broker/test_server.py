"""The real process: start, taken ports, wrong settings, SIGTERM."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.fakes.guacd import Guacd
from tests.fakes.platform import Platform, PlatformError
from tests.servers import processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-P", "-m", "broker"]
SECRET = "so-secret"

pytestmark = pytest.mark.real


class Running:
    """A broker's process and what it said."""

    def __init__(self, process: subprocess.Popen[str], port: int, metrics: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.metrics = metrics
        self._log = log

    def lines(self) -> str:
        return self._log.read_text()

    def get(self, path: str, port: int = 0) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port or self.port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=15)


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[Running]:
    port, metrics = processes.free_port(), processes.free_port()
    log = folder / "log"
    with log.open("w") as err:
        process = subprocess.Popen(
            [
                *COMMAND, "--bind", f"127.0.0.1:{port}", "--metrics-bind", f"127.0.0.1:{metrics}",
                "--store", f"sqlite:///{folder}/broker.sqlite", *flags,
            ],
            stderr=err, text=True, env={**os.environ, "FANLIGHT_SECRET_KEY": SECRET},
        )  # fmt: skip
    try:
        processes.wait_for_port(port, process)  # type: ignore[arg-type]
        yield Running(process, port, metrics, log)
    finally:
        process.kill()
        process.wait()


def fails(*flags: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr


def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        assert json.loads(broker.get("/healthz")) == {"status": "ok"}
        platform = Platform(f"http://127.0.0.1:{broker.port}/guacamole", SECRET)
        token = platform.post(platform.body("10.1.2.3", "ssh"))
        assert re.fullmatch("[0-9A-F]{64}", token)
        with pytest.raises(PlatformError) as caught:
            platform.post(platform.sent[0])
        assert caught.value.status == 403
        text = broker.get("/metrics", broker.metrics)
        assert "fanlight_broker_granted_total 1.0" in text
        assert 'fanlight_broker_refused_total{reason="replayed"} 1.0' in text
        assert 'fanlight_broker_refused_total{reason="expired"} 0.0' in text
        assert broker.stop() == 0
        assert SECRET not in broker.lines()
        assert token not in broker.lines()


def test_metrics_are_not_served_to_the_world(tmp_path: Path) -> None:
    with running(tmp_path) as broker, pytest.raises(urllib.error.HTTPError):
        broker.get("/metrics")


def test_sighup_has_it_read_its_settings_again(tmp_path: Path) -> None:
    config = tmp_path / "fanlight.toml"
    config.write_text('[broker]\nsite-name = "Before"\n')
    with running(tmp_path, "--config", str(config)) as broker:
        assert "Before" in broker.get("/guacamole/")
        config.write_text('[broker]\nsite-name = "After"\nstore = "redis://elsewhere/0"\n')
        broker.process.send_signal(signal.SIGHUP)
        processes.wait_for(lambda: "After" in broker.get("/guacamole/"), "the new name")
        config.write_text('[broker]\nsite-name = "Broken"\nmax-tunnels = "many"\n')
        broker.process.send_signal(signal.SIGHUP)
        processes.wait_for(lambda: "settings not read" in broker.lines(), "a complaint")
        assert "max-tunnels" in broker.lines()
        assert "After" in broker.get("/guacamole/")


def test_ctrl_c_stops_it_too(tmp_path: Path) -> None:
    with running(tmp_path) as broker:
        begun = time.monotonic()
        assert broker.stop(signal.SIGINT) == 0
        assert time.monotonic() - begun < 5
        assert "Traceback" not in broker.lines()


@pytest.mark.parametrize(
    ("flags", "signals"), [(["--drain-timeout", "0.2"], 1), (["--drain-timeout", "600"], 2)]
)
async def test_open_tunnels_are_told_when_it_stops(tmp_path: Path, flags: list[str], signals: int) -> None:
    """After `drain-timeout`, or at the second signal."""
    async with Guacd() as daemon:
        at = ["--guacd-hostname", "127.0.0.1", "--guacd-port", str(daemon.port), *flags]
        with running(tmp_path, *at) as broker:
            url = f"http://127.0.0.1:{broker.port}/guacamole"
            platform = Platform(url, SECRET)
            token = await asyncio.to_thread(platform.post, platform.body("10.1.2.3", "ssh", "abc"))
            query = {"token": token, "GUAC_ID": "abc", "GUAC_TYPE": "c", "GUAC_DATA_SOURCE": "hmac"}
            async with (
                aiohttp.ClientSession() as browser,
                browser.ws_connect(f"{url}/websocket-tunnel", params=query) as socket,
            ):
                await socket.receive_str()
                peer = await daemon.accepted()
                for number in range(signals):
                    broker.process.send_signal(signal.SIGTERM)
                    if number + 1 < signals:
                        async with asyncio.timeout(10):
                            while "draining" not in broker.lines():
                                await asyncio.sleep(0.01)
                message = await socket.receive(timeout=10)
                assert (message.data, message.extra) == (1008, "513")
            assert await peer.next() is None
            assert await asyncio.to_thread(broker.process.wait, 15) == 0
            assert "tunnel closed" in broker.lines()
            assert "Traceback" not in broker.lines()


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        store = f"sqlite:///{tmp_path}/b.sqlite"
        code, said = fails("--bind", taken, "--store", store, "--metrics-bind", "", "--log-level", "error")
        assert (code, said) == (98, f"broker: bind: {taken} is taken by another program\n")
        code, said = fails(
            "--bind", "127.0.0.1:0", "--store", store, "--metrics-bind", taken, "--log-level", "error"
        )
        assert (code, said) == (98, f"broker: metrics-bind: {taken} is taken by another program\n")
        code, said = fails(
            "--bind", "127.0.0.1:0", "--store", store, "--metrics-bind", "", "--gate-bind", taken, "--log-level", "error"
        )  # fmt: skip
        assert (code, said) == (98, f"broker: gate-bind: {taken} is taken by another program\n")


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--guacd-port", "x"], 2, "broker: guacd-port from --guacd-port: "),
        (["--config", "/nonexistent.toml"], 2, "broker: /nonexistent.toml cannot be read: "),
        (["--timestamp-age-limit", "0"], 2, "broker: timestamp-age-limit is 0: "),
        (["--store", "mysql://x"], 1, "broker: store: should be "),
        (["--gate-config", "/nonexistent.conf"], 2, "broker: gate-config: /nonexistent.conf cannot be read"),
        (
            ["--gate-core-url", "https://core.example", "--gate-core-key", "short"],
            2,
            "broker: gate-core-key: ",
        ),
        (["--gate-bind", "198.51.100.1:1"], 1, "broker: gate-bind: 198.51.100.1:1 cannot be opened: "),
        (["--bind", "198.51.100.1:1"], 1, "broker: bind: 198.51.100.1:1 cannot be opened: "),
        (["--bind", "unix:/nonexistent/s"], 1, "broker: bind: unix:/nonexistent/s cannot be opened: "),
    ],
)
def test_what_is_wrong_is_one_line(flags: list[str], code: int, said: str, tmp_path: Path) -> None:
    store = [] if "--store" in flags else ["--store", f"sqlite:///{tmp_path}/b.sqlite"]
    got, text = fails(*flags, *store, "--metrics-bind", "", "--log-level", "error")
    assert got == code
    assert text.startswith(said)
    assert text.count("\n") == 1


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    process = subprocess.Popen(
        [
            *COMMAND,
            "--bind",
            f"unix:{path}",
            "--store",
            f"sqlite:///{tmp_path}/b.sqlite",
            "--metrics-bind",
            "",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        processes.wait_for(path.is_socket, "the socket appears")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert client.recv(64).startswith(b"HTTP/1.1 200")
        code, said = fails(
            "--bind", f"unix:{path}", "--store", f"sqlite:///{tmp_path}/b.sqlite", "--metrics-bind", "", "--log-level", "error"
        )  # fmt: skip
        assert (code, said) == (98, f"broker: bind: unix:{path} is taken by another program\n")
        process.kill()
        process.wait()
        assert path.is_socket()  # left behind, and taken over by the next one
        process = subprocess.Popen(process.args, stderr=subprocess.DEVNULL)
        processes.wait_for(lambda: _answers(path), "the next one listens")
        process.terminate()
        assert process.wait(timeout=15) == 0
    finally:
        process.kill()
        process.wait()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_unknown_settings_are_named_in_one_warning(tmp_path: Path) -> None:
    config = tmp_path / "guacamole.properties"
    config.write_text("mysql-hostname: db\nmysql-port: 3306\nguacd-port: 4823\n")
    with running(tmp_path, "--config", str(config)) as broker:
        broker.get("/healthz")
        assert broker.lines().count("mysql-hostname, mysql-port") == 1


def test_help_lists_every_setting() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, timeout=30, check=True)
    for flag in ("--config", "--bind", "--allowed-targets", "--use-local-privkey", "--log-level"):
        assert flag in done.stdout
