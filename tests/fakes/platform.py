"""The portal's backend as it has been for years: signs v1, posts a hand-made form, reads the token, sends people on.

Facts: it writes the form by hand, escapes nothing, and sends no Content-Type. It is never to be changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Platform", "PlatformError"]


class PlatformError(Exception):
    """The token endpoint did not give a token."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


@dataclass
class Platform:
    """A backend that knows the broker's address and the shared secret.

    Attributes:
        server_url: the broker, base path included and without a slash at its end.
        secret: the shared secret.
        username: the person whose browser asks.
        color: the person's `guacamole_color`.
        ports: of the instance, where they are not the usual ones.
        clock: its own, in Unix seconds.
        sent: every form it wrote.
    """

    server_url: str
    secret: str
    username: str = "alice"
    color: str = "default"
    ports: Mapping[str, int] = field(default_factory=lambda: {"ssh": 22, "vnc": 5905})
    clock: Callable[[], float] = time.time
    sent: list[str] = field(default_factory=list)

    def body(self, ip_address: str, protocol: str, connection_id: str | None = None) -> str:
        """The form: nothing in it is escaped."""
        identifier = connection_id or str(uuid.uuid4())
        timestamp = str(round(self.clock() * 1000))
        port = str(self.ports.get(protocol, self.ports["vnc"]))  # what is not ssh counts as vnc
        password = "" if protocol == "ssh" else "display"
        signature = self.sign(timestamp + protocol + ip_address + port + self.username + password)
        body = (
            f"timestamp={timestamp}&guac.port={port}&guac.username={self.username}&guac.password={password}"
            f"&guac.protocol={protocol}&signature={signature}&guac.hostname={ip_address}&id={identifier}"
            f"&guac.sftp-username={self.username}&guac.sftp-directory=/home/{self.username}&guac.enable-sftp=true"
        )
        if protocol == "ssh":
            body += f"&guac.color-scheme={self.color.replace('_', '-')}"
        self.sent.append(body)
        return body

    def sign(self, message: str) -> str:
        """Base64 of HMAC-SHA256, `+` and `/` as they come."""
        return base64.b64encode(
            hmac.new(self.secret.encode(), message.encode(), hashlib.sha256).digest()
        ).decode()

    def post(self, body: str) -> str:
        """Send a form; returns the token.

        Raises:
            PlatformError: any other answer than 200.
        """
        address = urlsplit(self.server_url)
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        assert address.hostname
        connection = kind(address.hostname, address.port, timeout=20)
        try:
            connection.putrequest("POST", f"{address.path}/api/tokens")
            data = body.encode()
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200:
                raise PlatformError(answer.status, text)
            token: str = json.loads(text)["authToken"]
            return token
        finally:
            connection.close()

    def token_url(self, ip_address: str, protocol: str) -> str:
        """Where the portal sends the person's browser."""
        identifier = str(uuid.uuid4())
        token = self.post(self.body(ip_address, protocol, identifier))
        return self.client_url(identifier, token)

    def client_url(self, identifier: str, token: str) -> str:
        """`#/client/` and the padded, standard base64 of id, type and data source."""
        encoded = base64.b64encode(f"{identifier}\0c\0hmac".encode()).decode()
        return f"{self.server_url}/#/client/{encoded}?token={token}"
