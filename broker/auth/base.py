"""What every scheme shares: a request in, a grant or one uniform refusal out. No I/O, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CONNECTION_ID",
    "Claim",
    "Connection",
    "Grant",
    "Key",
    "MalformedError",
    "Reason",
    "RefusedError",
    "Scheme",
]

CONNECTION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
"""A connection id as a platform may choose it."""


class Reason(Enum):
    """Why a request was refused: for the log, the counter and `explain` keys; the requester hears one sentence."""

    NO_CREDENTIALS = "no-credentials"
    BAD_SIGNATURE = "bad-signature"
    UNKNOWN_KEY = "unknown-key"
    UNKNOWN_SHARE = "unknown-share"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REPLAYED = "replayed"
    OUTSIDE_PROFILE = "outside-profile"
    AMBIGUOUS = "ambiguous"
    TARGET_NOT_ALLOWED = "target-not-allowed"
    PARAMETER_NOT_ALLOWED = "parameter-not-allowed"
    USER_NOT_ALLOWED = "user-not-allowed"
    SOURCE_NOT_ALLOWED = "source-not-allowed"
    WRONG_AUDIENCE = "wrong-audience"
    ID_REUSED = "id-reused"
    KEY_REFUSED = "key-refused"
    KEY_MISSING = "key-missing"
    RATE_LIMITED = "rate-limited"


class RefusedError(Exception):
    """The request is not granted.

    Attributes:
        reason: the machine reason.
        detail: a few words for the log; never a secret or a signature.
        key_id: the key concerned, where known.
        user: whom a key named that did sign, where it did.
        explain: whether the requester may hear the reason.
    """

    def __init__(self, reason: Reason, detail: str = "", key_id: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.key_id = key_id
        self.user = ""
        self.explain = False


class MalformedError(Exception):
    """The request cannot be read at all; answered as a bad request. The text is for the requester."""


@dataclass(frozen=True)
class Claim:
    """What a request says before anybody believed it.

    Attributes:
        parameters: every form or query parameter, decoded, with all its values in order.
        address: the sender's address; empty where unknown.
    """

    parameters: Mapping[str, Sequence[str]] = field(repr=False)
    address: str = ""

    def first(self, name: str) -> str:
        """The first value of a parameter, or empty."""
        values = self.parameters.get(name)
        return values[0] if values else ""

    def once(self, *names: str) -> None:
        """Insist that none of these parameters is given twice.

        Raises:
            MalformedError: one is.
        """
        for name in names:
            if len(self.parameters.get(name, ())) > 1:
                raise MalformedError(f"The parameter {name} is given more than once.")


@dataclass(frozen=True)
class Key:
    """What a scheme needs of a key; what it may be used for is the key ring's.

    Attributes:
        key_id: its name.
        secret: the bytes that sign; empty for a key pair.
        public_key: PEM of the public half of a pair, or empty.
        reusable: a request may be redeemed more than once, where its scheme has that notion.
    """

    key_id: str
    secret: bytes = field(default=b"", repr=False)
    public_key: bytes = field(default=b"", repr=False)
    reusable: bool = False


@dataclass(frozen=True)
class Connection:
    """One thing that a grant lets a person open.

    Attributes:
        identifier: as the platform named it.
        name: shown to the person.
        protocol: `ssh` or `vnc`.
        parameters: for the daemon, by name; may hold passwords.
        join: the daemon's name of a running connection that is joined, instead of a new one.
        share: names the link through which it came.
        public: under which name others may join what it opens: the key's name, a blank, the platform's name for it.
        follows: the public name of the connection whose running session it joins.
        source: the data source it is shown in, where that is not the session's own.
        until: Unix seconds when the link through which it came is over.
    """

    identifier: str
    name: str
    protocol: str
    parameters: Mapping[str, str] = field(repr=False)
    join: str = ""
    share: str = ""
    public: str = ""
    follows: str = ""
    source: str = ""
    until: float | None = None


@dataclass(frozen=True)
class Grant:
    """What a verified request gives.

    Attributes:
        source: the data source shown to clients: `hmac`, `json`, `jwt`.
        user: who it is; also whose private key is used.
        connections: what may be opened.
        key_id: the key that signed.
        nonce: names the request for the replay store; empty where it may be redeemed again.
        nonce_expires: Unix seconds after which the request is refused for its age.
        expires: Unix seconds after which the grant is void, or None: the session's own time-out decides.
        dropped: names of parameters that were left out, for the log.
        subject: who the platform says it is, where that differs from `user`; for the log.
        operator: asks for the operator's role, which only a key that may give it can.
    """

    source: str
    user: str
    connections: tuple[Connection, ...]
    key_id: str
    nonce: str
    nonce_expires: float
    expires: float | None = None
    dropped: tuple[str, ...] = ()
    subject: str = ""
    operator: bool = False


class Scheme(Protocol):
    """One way in which a platform signs. Built with its rules; keys and time come with each request."""

    name: str
    """As key ring entries list it."""

    def recognises(self, claim: Claim) -> bool:
        """Whether the request is of this scheme, judged by the names of its parameters."""

    def verify(self, claim: Claim, keys: Sequence[Key], now: float) -> Grant:
        """Check signature, age and rules.

        Args:
            claim: the request.
            keys: active keys that list this scheme.
            now: Unix seconds.

        Raises:
            RefusedError: no.
            MalformedError: it is not even a request.
        """
