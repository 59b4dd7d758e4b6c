"""Wake-on-LAN: the magic packet, and sending it."""

from __future__ import annotations

import asyncio
import re
import socket

from proxyd.wire.status import Hop, Status, StatusError

__all__ = ["magic_packet", "wake"]

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
