"""A gate that answers what a test says, and remembers what it was asked: for what the real one never does."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["TOKEN", "Asked", "FakeGate"]

TOKEN = "h+Zb3VY1/6Yd0nq2Jr0wq5a7QmZkz8cB9eX4uTtLkAE="


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FakeGate:
    """Answers on a loopback port, as a context manager.

    Attributes:
        answers: code and body by path; 404 where there is none.
        asked: the requests so far.
        hold: cleared, it takes requests and says nothing until it is set again.
    """

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {"/vm": (200, b"")}
        self.asked: list[Asked] = []
        self.hold = threading.Event()
        self.hold.set()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                gate.asked.append(Asked(self.command, self.path, names, body))
                gate.hold.wait()
                code, text = gate.answers.get(self.path, (404, b"not found"))
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = answer  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # whoever asked has gone
                    super().handle()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="gate")
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def reports(self) -> list[Asked]:
        """What an instance said."""
        return [asked for asked in self.asked if (asked.method, asked.path) == ("PUT", "/vm")]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hold.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
