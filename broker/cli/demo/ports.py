"""Ports of this machine: find a free one, and say who holds a taken one."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

__all__ = ["free_port", "holder", "is_free"]

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(wanted: int = 0) -> int:
    """`wanted` where it is free, else any free port."""
    if wanted and is_free(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def holder(port: int) -> str:
    """`NAME, process N` of the program that listens on a port; empty where that is not to be learnt (Linux only)."""
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if wanted else ():
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()) in wanted:
                process = descriptor.parent.parent
                name = (process / "comm").read_text().strip()
                return f"{name}, process {process.name}"
    return ""


def _listening_inodes(port: int) -> set[str]:
    """The inodes of listening sockets, from the tables of proc(5)."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(fields[9])
    return inodes
