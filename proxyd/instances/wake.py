"""Wake-on-LAN: the magic packet, sending it, and waiting for the machine."""

from __future__ import annotations

import asyncio
import re
import socket
from typing import TYPE_CHECKING

import structlog

from proxyd.wire.status import Hop, Status, StatusError

if TYPE_CHECKING:
    from proxyd.instances.parameters import Arguments
    from proxyd.transport import Transport

__all__ = ["magic_packet", "wake", "wake_up"]

log = structlog.get_logger()

WAKE_PROBES = 5
"""How often to see whether the machine is awake, each time after the connection's waiting time."""

_MAC = re.compile(r"[0-9a-f]{2}([:-]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}", re.IGNORECASE)


def magic_packet(mac: str) -> bytes:
    """Six times 255, then sixteen times the address.

    Raises:
        ValueError: `mac` is no MAC address.
    """
    if not _MAC.fullmatch(mac):
        raise ValueError("wol-mac-addr is not a MAC address")
    return b"\xff" * 6 + bytes.fromhex(re.sub(r"[:-]", "", mac)) * 16


async def wake(mac: str, address: str, port: int) -> None:
    """Send a magic packet.

    Args:
        mac: of the machine to wake.
        address: broadcast or multicast address, IPv4 or IPv6.
        port: UDP port.

    Raises:
        StatusError: the packet cannot be made or sent.
    """
    loop = asyncio.get_running_loop()
    try:
        packet = magic_packet(mac)
        found = await loop.getaddrinfo(address, port, type=socket.SOCK_DGRAM)
        family, *_, target = found[0]
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            if family == socket.AF_INET:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            await loop.sock_sendto(sender, packet, target)
    except (ValueError, OSError) as error:
        reason = error if isinstance(error, ValueError) else "it could not be sent"
        raise StatusError(
            Status.SERVER_ERROR, f"The instance could not be woken: {reason}.", Hop.INSTANCE
        ) from None


async def wake_up(arguments: Arguments, transport: Transport, default_port: int = 0) -> None:
    """Wake the machine, if the connection says so; with a waiting time, see first whether it is awake, and wait for it.

    Args:
        arguments: the connection's.
        transport: how the instance is reached.
        default_port: where it listens if the connection names no port.

    Raises:
        StatusError: the packet cannot be sent, or the machine sleeps on.
    """
    if not arguments.flag("wol-send-packet"):
        return
    mac, wait = arguments.text("wol-mac-addr"), arguments.number("wol-wait-time")
    if not mac:
        log.warning("wol-send-packet needs wol-mac-addr: nothing is woken")
        return
    host, port = arguments.text("hostname"), arguments.number("port") or default_port
    if wait and await _awake(transport, host, port):
        return
    await wake(mac, arguments.text("wol-broadcast-addr"), arguments.number("wol-udp-port"))
    if not wait:
        return
    for _ in range(WAKE_PROBES):
        await asyncio.sleep(wait)
        if await _awake(transport, host, port):
            return
    raise StatusError(Status.UPSTREAM_TIMEOUT, "The instance did not wake up in time.", Hop.INSTANCE)


async def _awake(transport: Transport, host: str, port: int) -> bool:
    try:
        probe, _ = await transport.create_connection(asyncio.Protocol, host, port)
    except StatusError:
        return False
    probe.close()
    return True
