"""Connections on which nobody finishes a request: browsers and platforms send their headers at once.

aiohttp waits for the first request of a connection as long as it takes; a few thousand senders of half a line would
keep everybody else out. Later requests fall under the keep-alive time-out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

__all__ = ["HEADER_TIMEOUT", "Patience"]

HEADER_TIMEOUT = 15.0
"""Seconds that the first request line and its headers may take."""


class Patience:
    """Watches the connections of one server, from before it listens."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._make_request = server.request_factory
        self._heard: set[RequestHandler] = set()
        self._silent_since: dict[RequestHandler, float] = {}
        server.request_factory = self._request

    def _request(
        self, message: Any, payload: Any, protocol: RequestHandler, *rest: Any, **more: Any
    ) -> web.BaseRequest:
        self._heard.add(protocol)
        return self._make_request(message, payload, protocol, *rest, **more)

    def sweep(self, now: float) -> int:
        """Close connections that had their time; called at an interval.

        Args:
            now: monotonic seconds.

        Returns:
            How many were closed.
        """
        open_now = set(self._server.connections)
        self._heard &= open_now
        self._silent_since = {row: self._silent_since.get(row, now) for row in open_now - self._heard}
        late = [row for row, since in self._silent_since.items() if now - since >= HEADER_TIMEOUT]
        for connection in late:
            connection.force_close()
        return len(late)
