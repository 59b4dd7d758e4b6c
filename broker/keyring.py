"""The key ring: who signs, with what, until when, and what their signature may open.

A file of one table a key, TOML or JSON. It is read again when it changes; a broken one leaves the ring as it was.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from broker.auth.base import Key
from broker.settings import Networks, TargetList, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from broker.settings import Network

__all__ = ["Entry", "KeyRing", "KeyRingError", "Limits", "parse_ring", "source_allowed"]

MAX_FILE = 1 << 20
MAX_SECRET_FILE = 65536
MIN_SECRET = 32
"""Bytes of a secret that was made for us; one that a platform has had for years may be shorter."""
JSON_SECRET = 16
"""Bytes of the one key that signs and encrypts JSON."""
SCHEMES = frozenset({"v0", "v1", "jwt", "json", "gateone"})
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class KeyRingError(Exception):
    """The key ring cannot be read. The text names key and field, and holds no secret."""


def _schemes(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or not SCHEMES.issuperset(names):
        raise ValueError(f"should name some of {', '.join(sorted(SCHEMES))}")
    return names


def _moment(value: Any) -> Any:
    """A time with a zone; one without is UTC."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise ValueError("a time is written like 2026-01-31T12:00:00Z")  # noqa: TRY004 - a value of the file
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Limits(BaseModel):
    """What a key may be used for. An empty list sets no limit, except for `schemes`.

    The names are those of the file.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    schemes: Annotated[Words, AfterValidator(_schemes)]
    not_before: Moment | None = None
    not_after: Moment | None = None
    sources: Networks = Field((), alias="from")
    protocols: Words = ()
    targets: TargetList = ()
    users: Annotated[re.Pattern[str], BeforeValidator(_pattern)] | None = None
    parameters: Words = ()
    networks: Words = ()
    forced: dict[str, str] = Field(default_factory=dict, alias="params-forced")
    reusable: bool = False
    explain: bool = False
    operator: bool = False
    reported_ports: bool = False
    instances: bool = False


class _Row(Limits):
    """One key as the file has it: limits, and exactly one kind of secret."""

    secret: SecretStr | None = None
    secret_hex: SecretStr | None = None
    secret_text: SecretStr | None = None
    secret_file: Path | None = None
    public_key: str | None = None

    def key(self, key_id: str) -> Key:
        """The key itself.

        Raises:
            ValueError: no secret, several, or one that is no good.
        """
        given = [self.secret, self.secret_hex, self.secret_text, self.secret_file, self.public_key]
        if sum(value is not None for value in given) != 1:
            raise ValueError(
                "exactly one of secret, secret-hex, secret-text, secret-file, public-key is needed"
            )
        if self.public_key is not None:
            if self.schemes != ("jwt",):
                raise ValueError("a public-key is for the scheme jwt alone")
            return Key(key_id, public_key=_public_key(self.public_key))
        if "gateone" in self.schemes and not self.targets:
            raise ValueError("a key of the scheme gateone needs targets: it does not sign where people go")
        secret = self._secret()
        if "jwt" in self.schemes and len(secret) < MIN_SECRET:
            raise ValueError(f"a secret of the scheme jwt has at least {MIN_SECRET} bytes")
        if "json" in self.schemes and len(secret) != JSON_SECRET:
            raise ValueError(f"the secret of the scheme json is secret-hex, {JSON_SECRET} bytes")
        return Key(key_id, secret, reusable=self.reusable)

    def _secret(self) -> bytes:
        if self.secret is not None:
            return _decoded(self.secret.get_secret_value())
        if self.secret_hex is not None:
            return _from_hex(self.secret_hex.get_secret_value())
        if self.secret_text is not None:
            text = self.secret_text.get_secret_value().encode()
        else:
            assert self.secret_file is not None
            text = _content(self.secret_file.expanduser(), MAX_SECRET_FILE).rstrip(b"\r\n")
        if not text:
            raise ValueError("the secret is empty")
        return text


@dataclass(frozen=True)
class Entry:
    """A key and its limits."""

    key: Key
    limits: Limits

    def active(self, now: float) -> bool:
        """Whether it may be used at this time, in Unix seconds."""
        begins, ends = self.limits.not_before, self.limits.not_after
        return (begins is None or begins.timestamp() <= now) and (ends is None or now < ends.timestamp())


def parse_ring(data: bytes, *, is_json: bool) -> dict[str, Entry]:
    """Read a key ring file: a table, or an object, for each key.

    Raises:
        KeyRingError: it is broken; the text names key and field.
    """
    try:
        tables = json.loads(data) if is_json else tomllib.loads(data.decode())
    except ValueError as error:  # both decoders' errors are
        raise KeyRingError(f"is not {'JSON' if is_json else 'TOML'}: {error}") from None
    if not isinstance(tables, dict):
        raise KeyRingError("is not an object of keys")
    return {key_id: _entry(key_id, table) for key_id, table in tables.items()}


def _entry(key_id: str, table: Any) -> Entry:
    if not KEY_ID.fullmatch(key_id):
        raise KeyRingError("the name of a key has other characters than A-Z a-z 0-9 . _ -")
    try:
        row = _Row.model_validate(table)
        return Entry(row.key(key_id), row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "its table"
        raise KeyRingError(f"key {key_id}, {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except (ValueError, OSError) as error:
        raise KeyRingError(f"key {key_id}: {error}") from None


def _decoded(text: str) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("secret is not base64; a secret that is used as it stands is secret-text") from None
    if len(secret) < MIN_SECRET:
        raise ValueError(f"secret has {len(secret)} bytes, at least {MIN_SECRET} are needed")
    return secret


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("secret-hex is not hexadecimal") from None


def _public_key(text: str) -> bytes:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("public-key is not a public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("public-key is not an Ed25519 key")  # noqa: TRY004 - a value of the file
    return text.encode()


def _content(file: Path, limit: int) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(limit + 1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise ValueError(f"{file} is larger than {limit} bytes")
    return data


class KeyRing:
    """The keys in use."""

    def __init__(self, fixed: Iterable[Entry] = (), file: Path | None = None) -> None:
        """Read the file.

        Args:
            fixed: keys from settings.
            file: the key ring file.

        Raises:
            KeyRingError: the file cannot be read.
        """
        self._fixed = {entry.key.key_id: entry for entry in fixed}
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._read: Mapping[str, Entry] = {}
        self._entries: Mapping[str, Entry] = self._fixed
        self.reload()

    def fix(self, fixed: Iterable[Entry]) -> None:
        """Replace the keys from settings; those of the file stay."""
        self._fixed = {entry.key.key_id: entry for entry in fixed}
        self._entries = {**self._fixed, **self._read}

    def reload(self) -> None:
        """Read the file anew.

        Raises:
            KeyRingError: it cannot be read; the ring stays as it was.
        """
        if self._file is None:
            return
        try:
            self._stamp = _stamp(self._file)
            self._read = parse_ring(_content(self._file, MAX_FILE), is_json=self._file.suffix == ".json")
        except (KeyRingError, ValueError) as error:
            raise KeyRingError(f"key-ring: {self._file}: {error}") from None
        self._entries = {**self._fixed, **self._read}

    def changed(self) -> bool:
        """Whether the file is another one than was read last."""
        return self._file is not None and _stamp(self._file) != self._stamp

    def entry(self, key_id: str) -> Entry | None:
        """The key of a name."""
        return self._entries.get(key_id)

    def keys(self, scheme: str, now: float) -> list[Key]:
        """The keys that may sign by a scheme at this time."""
        return [
            entry.key
            for entry in self._entries.values()
            if scheme in entry.limits.schemes and entry.active(now)
        ]

    def has_source(self, address: str) -> bool:
        """Whether some key names a network that this address is in: a platform's own."""
        return any(
            entry.limits.sources and source_allowed(entry.limits.sources, address)
            for entry in self._entries.values()
        )

    def __len__(self) -> int:
        return len(self._entries)


def source_allowed(sources: Iterable[Network], address: str) -> bool:
    """Whether an address is in one of the networks."""
    try:
        value = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(value in network for network in sources)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
