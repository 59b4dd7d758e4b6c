"""What a portal does: sign a v1 request, redeem it at the broker, build the link for the person."""

from __future__ import annotations

import base64
import hmac
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from broker.auth.hmac_form import SIGNED
from broker.cli.outcome import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Request", "client_url", "redeem", "v1_form"]

DATA_SOURCE = "hmac"
MAX_ANSWER = 65536
"""Bytes of a broker's answer that are read."""


@dataclass(frozen=True)
class Request:
    """What a link shall open.

    Attributes:
        protocol: `ssh` or `vnc`.
        password: empty for SSH, the agreed constant for VNC.
        parameters: connection parameters that the scheme leaves unsigned, without their `guac.`.
        connection_id: names the connection; a random one where not given.
    """

    protocol: str
    hostname: str
    port: int
    username: str
    password: str = field(default="", repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    connection_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def v1_form(request: Request, secret: str, now_ms: int | None = None) -> dict[str, str]:
    """The signed form of the v1 scheme: HMAC-SHA256 over the bare values, one after the other.

    Args:
        request: what to open.
        secret: the shared secret, used as it stands.
        now_ms: the time in milliseconds since 1970; the clock's where not given.
    """
    form = {
        "timestamp": str(time.time_ns() // 1_000_000 if now_ms is None else now_ms),
        "guac.protocol": request.protocol,
        "guac.hostname": request.hostname,
        "guac.port": str(request.port),
        "guac.username": request.username,
        "guac.password": request.password,
        **{f"guac.{name}": value for name, value in request.parameters.items()},
        "id": request.connection_id,
    }
    message = "".join(form[name] for name in SIGNED)
    signature = hmac.digest(secret.encode(), message.encode(), "sha256")
    return {**form, "signature": base64.b64encode(signature).decode()}


def client_url(base_url: str, connection_id: str, token: str) -> str:
    """The page that shows a connection to the holder of a token."""
    identifier = base64.urlsafe_b64encode(f"{connection_id}\0c\0{DATA_SOURCE}".encode()).decode().rstrip("=")
    return f"{base_url.rstrip('/')}/#/client/{identifier}?token={quote(token)}"


async def redeem(base_url: str, form: Mapping[str, str]) -> str:
    """Exchange a signed form for a token.

    Raises:
        CommandError: the broker does not answer, or refuses.
    """
    import aiohttp

    url = f"{base_url.rstrip('/')}/api/tokens"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        timeout = aiohttp.ClientTimeout(total=15)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(url, data=urlencode(form).encode(), headers=headers) as answer,
        ):
            if answer.status != 200:
                raise CommandError(f"the broker refuses the signed form ({answer.status}): its log says why")
            token = (await answer.json(content_type=None)).get("authToken")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise CommandError(f"the broker at {base_url} does not answer: {error or 'timed out'}") from None
    if not isinstance(token, str) or not token:
        raise CommandError(f"the broker at {base_url} answered without a token")
    return token
