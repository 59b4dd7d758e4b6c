"""Logins at gateways, listed and ended from the command line: what the daemon is asked, and what is made of its answers."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from broker.cli.outcome import Exit
from proxyd.wire.instruction import InstructionParser, encode

if TYPE_CHECKING:
    from collections.abc import Iterator


class Daemon(socketserver.ThreadingTCPServer):
    """Has one login, until it is ended."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        since = int(time.time()) - 4325
        self.logins = [{"id": "ab12", "gateway": "corp", "owner": "alice#0f", "sessions": 3, "since": since}]


class Handler(socketserver.BaseRequestHandler):
    server: Daemon

    def handle(self) -> None:
        opcode, args = InstructionParser().feed(self.request.recv(4096))[0]
        if opcode == "gateway-logins":
            self.request.sendall(encode(opcode, json.dumps(self.server.logins)))
        elif opcode == "gateway-logout":
            ended = [row for row in self.server.logins if args[1] in {"", row["id"]}]
            self.server.logins = [row for row in self.server.logins if row not in ended]
            self.request.sendall(encode(opcode, str(len(ended))))


@pytest.fixture
def daemon(fanlight: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    with Daemon() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("FANLIGHT_GUACD_HOSTNAME", "127.0.0.1")
        monkeypatch.setenv("FANLIGHT_GUACD_PORT", str(server.server_address[1]))
        yield server
        server.shutdown()
        thread.join()


def test_listed_and_ended(fanlight: Any, daemon: Daemon) -> None:
    (row,) = fanlight("gateway", "status", "--json").json
    assert (row["gateway"], row["user"], row["sessions"]) == ("corp", "alice", 3)
    assert fanlight("gateway", "status").output == "ab12  corp  alice  3 sessions  1 h 12 min\n"
    other = fanlight("gateway", "logout", "other")
    assert (other.code, other.errors) == (Exit.FAILED, "fanlight: other: there is no such login\n")
    assert fanlight("gateway", "logout", "ab12").output == "Ended: 1\n"
    assert fanlight("gateway", "status").output == "Nobody is signed in at a gateway.\n"
    assert fanlight("gateway", "logout", "all").code == Exit.DONE
