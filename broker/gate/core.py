"""What carries out what instances ask for: the platform, told by a POST of JSON with a short token (sheet E.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Core", "CoreError", "CoreTokens"]

ISSUER = "fanlight-gate"
TIMEOUT = aiohttp.ClientTimeout(total=45.0, connect=10.0)
"""Clients of the gate wait a minute."""
MAX_ANSWER = 4096
"""Bytes of the core's answer that are read."""
MAX_TEXT = 500
UNSET = "This gate has no core that could do that: gate-core-url is not set."
_LEADING = re.compile(r"^(?:\s*ERROR:\s*)+", re.IGNORECASE)


class CoreError(Exception):
    """It was not done. The text is for the instance."""


class CoreTokens:
    """Tokens by which the core knows the gate. All share one timestamp for a while, so that the core may keep them."""

    def __init__(
        self, key: str, audience: str, delta: float, margin: float, clock: Callable[[], float]
    ) -> None:
        """Sign them.

        Args:
            key: the shared secret.
            audience: the core's address.
            delta: seconds that they are good for.
            margin: seconds before their end at which new ones are made.
            clock: Unix seconds.
        """
        self._key = key
        self._audience = audience
        self._delta = delta
        self._margin = margin
        self._clock = clock
        self._expiry = 0.0

    def token(self, subject: str) -> str:
        """A token for what is asked in somebody's name.

        Args:
            subject: the id of the key whose platform made the instance.
        """
        now = self._clock()
        if now > self._expiry - self._margin:
            self._expiry = now + self._delta
        claims = {
            "iss": ISSUER,
            "aud": self._audience,
            "sub": subject,
            "iat": int(self._expiry - self._delta),
            "exp": int(self._expiry),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")


class Core:
    """The platform's end."""

    def __init__(self, url: str, tokens: CoreTokens | None) -> None:
        """Name it.

        Args:
            url: where it takes orders.
            tokens: by which it knows us; None where there is no core.
        """
        self._url = url
        self._tokens = tokens
        self._session: aiohttp.ClientSession | None = None

    async def order(self, subject: str, order: dict[str, Any]) -> None:
        """Have something done.

        Args:
            subject: the id of the key whose platform made the instance.
            order: what; JSON.

        Raises:
            CoreError: it refuses, does not answer, or there is none.
        """
        if self._tokens is None:
            raise CoreError(UNSET)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, auto_decompress=False)
        headers = {"Authorization": f"Bearer {self._tokens.token(subject)}"}
        try:
            async with self._session.post(
                self._url, json=order, headers=headers, allow_redirects=False
            ) as answer:
                text = "" if answer.ok and answer.status < 300 else await _text(answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CoreError(f"The core does not answer ({error.__class__.__name__}).") from None
        if not 200 <= answer.status < 300:
            raise CoreError(text or f"The core refused, with status {answer.status}.")

    async def close(self) -> None:
        """Give back what was opened."""
        if self._session is not None:
            await self._session.close()


async def _text(answer: aiohttp.ClientResponse) -> str:
    """What a core says in its refusal, fit for one line."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER:
            break
    text = body[:MAX_ANSWER].decode("utf-8", "replace")
    text = "".join(character if character.isprintable() else " " for character in text)
    return _LEADING.sub("", text).strip()[:MAX_TEXT]
