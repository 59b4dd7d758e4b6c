from __future__ import annotations

import asyncio
import socket

import pytest

from proxyd.instances.parameters import Arguments
from proxyd.instances.vnc import VncInstance
from proxyd.instances.wake import magic_packet, wake, wake_up
from proxyd.transport import RefusedError
from proxyd.wire.status import Hop, Status, StatusError
from tests.fakes.rfb_server import MemoryVnc
from tests.virtual_time import run_virtually

MAC = "01:23:45:67:89:ab"
PACKET = b"\xff" * 6 + bytes.fromhex("0123456789ab") * 16


@pytest.mark.parametrize("mac", [MAC, "01-23-45-67-89-AB", "0123456789ab"])
def test_the_magic_packet(mac: str) -> None:
    assert magic_packet(mac) == PACKET


@pytest.mark.parametrize(
    "mac",
    ["", "01:23:45:67:89", "01:23:45:67:89:ab:cd", "01:23-45:67:89:ab", "zz:23:45:67:89:ab", MAC + "\n"],
)
def test_what_is_no_address_is_refused(mac: str) -> None:
    with pytest.raises(ValueError, match="MAC"):
        magic_packet(mac)


async def test_the_packet_arrives() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)
        await wake(MAC, "127.0.0.1", listener.getsockname()[1])
        assert listener.recv(1000) == PACKET


@pytest.mark.parametrize(("mac", "address"), [("nonsense", "127.0.0.1"), (MAC, "no.such.name.invalid")])
async def test_what_cannot_be_woken_says_so(mac: str, address: str) -> None:
    with pytest.raises(StatusError, match="could not be woken"):
        await wake(mac, address, 9)


def waking(transport: MemoryVnc, wait: int) -> None:
    given = {
        "hostname": "h",
        "wol-send-packet": "true",
        "wol-mac-addr": MAC,
        "wol-broadcast-addr": "127.0.0.1",
        "wol-wait-time": str(wait),
    }
    run_virtually(wake_up(Arguments(VncInstance.PARAMETERS, given), transport))


def test_a_machine_that_wakes_up_is_waited_for() -> None:
    transport = MemoryVnc()
    transport.refusals = [RefusedError("h", 5900)] * 3
    waking(transport, wait=10)
    assert transport.refusals == []


def test_a_machine_that_sleeps_on_is_given_up() -> None:
    transport = MemoryVnc()
    transport.refusals = [RefusedError("h", 5900)] * 50
    with pytest.raises(StatusError) as caught:
        waking(transport, wait=10)
    assert (caught.value.status, caught.value.hop) == (Status.UPSTREAM_TIMEOUT, Hop.INSTANCE)
    assert len(transport.refusals) == 50 - 6


async def test_without_an_address_nothing_is_woken() -> None:
    async with asyncio.timeout(5):
        await wake_up(Arguments(VncInstance.PARAMETERS, {"wol-send-packet": "true"}), MemoryVnc())
