"""TLS on proxyd's port, with real sockets: who is let in, and who is not."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from broker.fleet import DEAD_AFTER, Fleet
from broker.proxyd_client import Address, ask_load, connect
from proxyd.wire.handshake import ClientHandshake, ClientInfo
from proxyd.wire.status import Status, StatusError
from tests.servers.certificates import new_certificate
from tests.servers.proxyd import ROOT, Proxyd
from tests.servers.xvnc import Xvnc

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.certificates import Certificate

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    return {
        name: new_certificate(tmp_path_factory.mktemp(name), f"{name}.example")
        for name in ("proxyd", "broker", "stranger")
    }


def daemon(certificates: dict[str, Certificate]) -> Proxyd:
    return Proxyd(
        FANLIGHT_SERVER_CERTIFICATE=str(certificates["proxyd"].path),
        FANLIGHT_CLIENT_AUTHORITY=str(certificates["broker"].path),
    )


def address(running: Proxyd, trusted: Path, own: Path | None) -> Address:
    host, port = running.address
    identity = (own, own) if own is not None else None
    return Address.of(host, port, secure=True, authority=trusted, identity=identity)


async def test_a_session_over_mutual_tls(certificates: dict[str, Certificate]) -> None:
    with Xvnc(640, 480) as desktop:
        async with daemon(certificates) as running:
            at = address(running, certificates["proxyd"].path, certificates["broker"].path)
            load = await ask_load(at)
            assert load is not None
            assert load.sessions == 0
            assert not load.draining
            parameters = {"hostname": "127.0.0.1", "port": str(desktop.port)}
            upstream = await connect(at, ClientHandshake("vnc", parameters, ClientInfo(640, 480, 96)))
            seen = b""
            async with asyncio.timeout(10):
                while b"4.sync," not in seen:
                    seen += await upstream.read()
            assert b"4.size,1.0,3.640,3.480;" in seen
            load = await ask_load(at)
            assert load is not None
            assert load.sessions == 1
            await upstream.write(b"10.disconnect;")
            async with asyncio.timeout(10):
                while await upstream.read():
                    pass
            upstream.close()


@pytest.mark.parametrize(
    ("trusted", "own"),
    [("proxyd", None), ("proxyd", "stranger"), ("proxyd", "proxyd"), ("stranger", "broker")],
)
async def test_wrong_certificates(
    certificates: dict[str, Certificate], trusted: str, own: str | None
) -> None:
    async with daemon(certificates) as running:
        at = address(running, certificates[trusted].path, certificates[own].path if own else None)
        with pytest.raises(StatusError) as refused:
            await connect(at, ClientHandshake("vnc", {}, ClientInfo(640, 480, 96)))
        assert refused.value.status in {Status.UPSTREAM_ERROR, Status.UPSTREAM_UNAVAILABLE}
        async with asyncio.timeout(10):
            while "no TLS that is good" not in running.log:
                await asyncio.sleep(0.02)
        good = address(running, certificates["proxyd"].path, certificates["broker"].path)
        assert await ask_load(good) is not None


async def test_a_daemon_whose_certificate_is_not_trusted_counts_as_dead(
    certificates: dict[str, Certificate],
) -> None:
    """It would be the emptiest of all, and every new session would go there."""
    async with daemon(certificates) as running:
        fleet = Fleet([address(running, certificates["stranger"].path, certificates["broker"].path)])
        for _ in range(DEAD_AFTER):
            await fleet.look()
        assert not fleet.daemons[0].alive


async def test_certificates_are_renewed_under_a_running_session(tmp_path: Path) -> None:
    first, broker = new_certificate(tmp_path), new_certificate(_folder(tmp_path / "broker"))
    old = _folder(tmp_path / "old") / "trusted.pem"
    old.write_text(first.pem)
    with Xvnc(640, 480) as desktop:
        async with daemon({"proxyd": first, "broker": broker}) as running:
            parameters = {"hostname": "127.0.0.1", "port": str(desktop.port)}
            handshake = ClientHandshake("vnc", parameters, ClientInfo(640, 480, 96))
            upstream = await connect(address(running, old, broker.path), handshake)
            new = new_certificate(tmp_path)
            await signalled(running, "certificates read")
            load = await ask_load(address(running, new.path, broker.path))
            assert load is not None
            assert load.sessions == 1
            with pytest.raises(OSError, match="certificate verify failed"):
                await ask_load(address(running, old, broker.path))

            new.path.write_text("no certificate")
            await signalled(running, "certificates not read")
            new.path.write_text(new.pem)
            assert await ask_load(address(running, new.path, broker.path)) is not None
            async with asyncio.timeout(10):
                assert await upstream.read()
            upstream.close(b"10.disconnect;")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


async def signalled(running: Proxyd, event: str) -> None:
    """Every process of it gets SIGHUP, as a service manager may send it."""
    for child in psutil.Process(running.pid).children():
        child.send_signal(signal.SIGHUP)
    os.kill(running.pid, signal.SIGHUP)
    async with asyncio.timeout(10):
        while event not in running.log:
            await asyncio.sleep(0.02)


async def test_plain_text_gets_no_answer(certificates: dict[str, Certificate]) -> None:
    async with daemon(certificates) as running:
        reader, writer = await asyncio.open_connection(*running.address)
        writer.write(b"6.select,3.vnc;" * 10)
        async with asyncio.timeout(20):
            assert b"args" not in await reader.read()
        writer.close()


async def test_an_old_version_of_tls(certificates: dict[str, Certificate]) -> None:
    async with daemon(certificates) as running:
        context = ssl.create_default_context(cafile=str(certificates["proxyd"].path))
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLS"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*running.address, ssl=context)


@pytest.mark.parametrize(
    ("flags", "name"),
    [(["-C", "/nowhere.pem"], "server-certificate"), (["-C", "/etc/hostname"], "server-certificate")],
)
def test_files_that_are_none(flags: list[str], name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "proxyd", "--bind", "127.0.0.1:0", *flags],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"proxyd: {name}: ")
    assert len(done.stderr.splitlines()) == 1
