"""Mint links for Fanlight. Standard library only: copy this file into a portal, or import it.

    from fanlight_links import Signer

    signer = Signer("https://desk.example.org/guacamole/", "portal-2026a", secret)
    link = signer.link("ssh", "10.1.2.3", "alice", {"color-scheme": "green-black"})
    return redirect(link)      # good for one opening, within two minutes

The secret is the key's `secret` in the key ring, decoded: at least 32 random bytes that never leave the backend.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Signer"]

TYPE = "guac-connect+jwt"
CALL_TYPE = "fanlight-call+jwt"
DEFAULT_PORTS = {"ssh": 22, "vnc": 5905}


class Signer:
    """Signs for one broker with one key.

    Args:
        url: the broker's address, base path included.
        key_id: the key's name in the key ring.
        secret: its bytes.
        lifetime: seconds that a link is good for.
        clock: Unix seconds.

    Raises:
        ValueError: the secret is shorter than 32 bytes.
    """

    def __init__(
        self,
        url: str,
        key_id: str,
        secret: bytes,
        lifetime: float = 120.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if len(secret) < 32:
            raise ValueError("a secret has at least 32 bytes")
        self._url = url if url.endswith("/") else url + "/"
        self._key_id = key_id
        self._secret = secret
        self._lifetime = lifetime
        self._clock = clock

    def link(
        self,
        protocol: str,
        host: str,
        user: str,
        parameters: Mapping[str, str] | None = None,
        **claims: Any,
    ) -> str:
        """A link for a person's browser.

        Args:
            protocol: `ssh` or `vnc`.
            host: address or name of the instance.
            user: who it is, on the instance and in the key directory.
            parameters: further connection parameters; `port` and `password` among them.
            claims: as in `token`.
        """
        token = self.token(protocol, host, user, parameters, **claims)
        return f"{self._url}connect?{urlencode({'jwt': token})}"

    def operator_link(self, user: str) -> str:
        """A link to the operator's page, for a key that may make operators."""
        return self.link("", "", "", cnx={}, sub=user, role="operator")

    def token(
        self,
        protocol: str,
        host: str,
        user: str,
        parameters: Mapping[str, str] | None = None,
        **claims: Any,
    ) -> str:
        """The signed token alone, to be posted as `jwt` to `api/tokens`; `claims` add to its own or replace them."""
        connection = {
            "protocol": protocol,
            "hostname": host,
            "port": str(DEFAULT_PORTS.get(protocol, "")),
            "username": user,
            **(parameters or {}),
        }
        own = {"id": secrets.token_hex(16), "sub": user, "cnx": connection}
        return self._signed(TYPE, {**own, **claims})

    def call(self, method: str, path: str, body: bytes = b"") -> str:
        """The value of the header `Authorization` for a request to the interface; it is good once.

        Args:
            method: `GET`, `POST` and so on.
            path: below the broker's address: `api/instances`.
            body: exactly as it will be sent.
        """
        digest = _base64(hashlib.sha256(body).digest())
        claims = {"htm": method, "htu": self._url + path, "body": digest}
        return f"Bearer {self._signed(CALL_TYPE, claims)}"

    def _signed(self, kind: str, claims: Mapping[str, Any]) -> str:
        now = int(self._clock())
        origin = urlsplit(self._url)
        own = {
            "iss": self._key_id,
            "aud": f"{origin.scheme}://{origin.netloc}",
            "iat": now,
            "exp": now + int(self._lifetime),
            "jti": secrets.token_urlsafe(16),
        }
        header = {"alg": "HS256", "typ": kind, "kid": self._key_id}
        signed = f"{_encode(header)}.{_encode({**own, **claims})}"
        signature = hmac.new(self._secret, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{_base64(signature)}"


def _encode(value: object) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
