"""The access key of a network: one text that a connector needs to find its broker and to be believed. No I/O.

-----BEGIN FANLIGHT CONNECTOR KEY-----
base64 of the JSON object, in lines of 64
=8 hexadecimal digits, the beginning of its SHA-256
-----END FANLIGHT CONNECTOR KEY-----
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncssh

__all__ = ["NETWORK_NAME", "ConnectorKey", "Endpoint", "KeyFileError", "fingerprint", "parse_key"]

BEGIN = "-----BEGIN FANLIGHT CONNECTOR KEY-----"
END = "-----END FANLIGHT CONNECTOR KEY-----"
MAX_TEXT = 16384
MAX_ENDPOINTS = 16
MAX_BROKERS = 16
VERSION = 1
LINE = 64
NETWORK_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
"""What a private network may be called: like one label of a host name."""

_HOST = re.compile(r"[\w.-]{1,253}")


class KeyFileError(Exception):
    """The key cannot be used. The text says what is wrong with it, and holds no part of it."""


@dataclass(frozen=True)
class Endpoint:
    """Where a broker takes connectors.

    Attributes:
        scheme: `wss` (or `ws`, for tests) for a WebSocket; `tcp` for the broker's own listener.
        host, port: of the broker.
        path: of the WebSocket.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read `wss://desk.example.org/guacamole/connector` or `tcp://desk.example.org:4830`.

        Raises:
            ValueError: it is neither.
        """
        parts = urlsplit(text)
        standard = {"wss": 443, "ws": 80}.get(parts.scheme)
        port = parts.port or standard
        if parts.scheme not in {"wss", "ws", "tcp"} or not parts.hostname or port is None:
            raise ValueError(f"{text[:200]!r} is not of the form wss://HOST/PATH or tcp://HOST:PORT")
        if not _is_host(parts.hostname):
            raise ValueError(f"{parts.hostname[:200]!r} is not the name or address of a host")
        if parts.username is not None or parts.query or parts.fragment or (standard is None and parts.path):
            raise ValueError(f"the endpoint of {parts.hostname[:200]} has parts that do not belong there")
        return cls(parts.scheme, parts.hostname, port, parts.path or ("/" if standard else ""))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = {"wss": 443, "ws": 80}.get(self.scheme)
        return f"{self.scheme}://{host}{'' if self.port == standard else f':{self.port}'}{self.path}"


@dataclass(frozen=True)
class ConnectorKey:
    """What the text holds.

    Attributes:
        network: which private network it is for.
        generation: counts the keys of the network, from 1.
        endpoints: where brokers take connectors, the best first.
        brokers: public keys of the brokers, as lines of OpenSSH: nobody else may use the connector.
        private: the connector's own private key, in OpenSSH's format.
    """

    network: str
    generation: int
    endpoints: tuple[Endpoint, ...]
    brokers: tuple[str, ...]
    private: str = field(repr=False)

    def text(self) -> str:
        """The key as it is handed over."""
        payload = json.dumps(
            {
                "version": VERSION,
                "network": self.network,
                "generation": self.generation,
                "endpoints": [str(endpoint) for endpoint in self.endpoints],
                "brokers": list(self.brokers),
                "key": self.private,
            },
            separators=(",", ":"),
        ).encode()
        packed = base64.b64encode(payload).decode()
        lines = [packed[at : at + LINE] for at in range(0, len(packed), LINE)]
        return "\n".join([BEGIN, *lines, f"={_checksum(payload)}", END, ""])

    def ssh_key(self) -> asyncssh.SSHKey:
        """The private key, ready for use."""
        return asyncssh.import_private_key(self.private)

    @property
    def fingerprint(self) -> str:
        """By which the broker knows the connector."""
        return self.ssh_key().get_fingerprint()


def parse_key(text: str) -> ConnectorKey:
    """Read a key, whatever mail or a terminal did to its line ends and margins.

    Raises:
        KeyFileError: it is no key, cut off, altered, or of another version.
    """
    if len(text) > MAX_TEXT:
        raise KeyFileError("the text is too long for a connector key")
    if BEGIN not in text:
        raise KeyFileError(f"this is no connector key: the line {BEGIN} is missing")
    body = text.partition(BEGIN)[2]
    if END not in body:
        raise KeyFileError(f"the key is cut off: the line {END} is missing")
    packed, equals, checksum = "".join(body.partition(END)[0].split()).rpartition("=")
    try:
        payload = base64.b64decode(packed, validate=True)
    except ValueError:  # binascii.Error is one
        raise KeyFileError("a part of the key is missing or was altered: it is not base64") from None
    if not equals or checksum != _checksum(payload):
        raise KeyFileError("a part of the key is missing or was altered: the checksum does not fit")
    return _read(payload)


def fingerprint(public: str) -> str:
    """The fingerprint of a public key's line, `SHA256:...`."""
    return asyncssh.import_public_key(public).get_fingerprint()


def _read(payload: bytes) -> ConnectorKey:
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        raise KeyFileError("the key holds no JSON object") from None
    if not isinstance(fields, dict):
        raise KeyFileError("the key holds no JSON object")
    if fields.get("version") != VERSION:
        raise KeyFileError("the key was made for another version of the connector: update it")
    network, generation = fields.get("network"), fields.get("generation")
    if not isinstance(network, str) or not NETWORK_NAME.fullmatch(network):
        raise KeyFileError("network in the key is not the name of a network")
    if type(generation) is not int or not 1 <= generation < 2**31:
        raise KeyFileError("generation in the key is not a number from 1")
    endpoints = _texts(fields, "endpoints", MAX_ENDPOINTS)
    brokers = _texts(fields, "brokers", MAX_BROKERS)
    private = fields.get("key")
    try:
        for line in brokers:
            asyncssh.import_public_key(line)
        key = ConnectorKey(
            network, generation, tuple(map(Endpoint.parse, endpoints)), tuple(brokers), str(private)
        )
        key.ssh_key()
    except asyncssh.KeyImportError:
        raise KeyFileError("the key holds an SSH key that cannot be read") from None
    except ValueError as error:
        raise KeyFileError(f"endpoints in the key: {error}") from None
    return key


def _is_host(text: str) -> bool:
    """Whether a resolver could be asked for it."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        try:
            return bool(_HOST.fullmatch(text) and text.encode("idna"))
        except UnicodeError:
            return False
    return True


def _texts(fields: dict[str, Any], name: str, most: int) -> list[str]:
    given = fields.get(name)
    if not isinstance(given, list) or not 1 <= len(given) <= most:
        raise KeyFileError(f"{name} in the key is not a list of 1 to {most}")
    if not all(isinstance(value, str) for value in given):
        raise KeyFileError(f"{name} in the key holds something that is not text")
    return given


def _checksum(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:8]
