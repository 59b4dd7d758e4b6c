"""The connector's settings: one frozen model, read once. Where values come from is `proxyd.sources`."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import asyncssh
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from connector.permits import Name, parse_permit
from connector.release import public_key
from connector.updates import Window, parse_window
from proxyd.wire.targets import Target

__all__ = ["Settings"]

MAX_PATH = 1024
UTC_FILE = b"TZif" + bytes(16) + struct.pack(">6L", 0, 0, 0, 0, 1, 4) + bytes(6) + b"UTC\0"
"""What a time zone database has under UTC (RFC 8536, version 1): one type of local time, without an offset."""


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [part for part in re.split(r",\s*", value.strip()) if part]
    return value


def _permit(value: Any) -> Any:
    return parse_permit(value) if isinstance(value, str) else value


PermitList = Annotated[
    tuple[Annotated[Target | Name, BeforeValidator(_permit)], ...],
    BeforeValidator(_split),
]


def _path(value: Path) -> Path:
    if not str(value).isprintable() or len(str(value)) > MAX_PATH:
        raise ValueError("that is not the name of a file")  # a key in its place is not told to everybody
    return value.expanduser()


FilePath = Annotated[Path, AfterValidator(_path)]


def _key(value: Any) -> Any:
    return public_key(value) if isinstance(value, str) else value


def _window(value: Any) -> Any:
    return parse_window(value) if isinstance(value, str) else value


def _zone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        if not available_timezones():
            raise ValueError("this host knows no time zones: pip install tzdata") from None
        raise ValueError(f"{value[:80]!r} is not the name of a time zone such as Europe/Brussels") from None


def _utc() -> ZoneInfo:
    """The default, also on a host that knows no time zones: it shall not need them to open a stream."""
    try:
        return ZoneInfo("UTC")
    except ZoneInfoNotFoundError:
        return ZoneInfo.from_file(io.BytesIO(UTC_FILE), key="UTC")


KeyList = Annotated[tuple[Annotated[asyncssh.SSHKey, BeforeValidator(_key)], ...], BeforeValidator(_split)]


class Settings(BaseModel):
    """Every row appears in docs/reference/settings.md."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=_kebab,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )

    state_directory: FilePath = Field(
        Path("~/.local/state/fanlight/connector"),
        validate_default=True,
        description="Holds the key, the log and what the connector says of itself; the only place where it writes.",
    )
    key_file: FilePath | None = Field(
        None, description="The key of the network; by default `connector.key` in `state-directory`."
    )
    allowed_targets: PermitList = Field(
        (),
        description="What may be opened inside the network, and nothing else: "
        "`10.0.0.0/8:22+5900-5999, *.lab.example:22`. Loopback, link-local and metadata services only where they are "
        "listed by address.",
    )
    offer_gate: str = Field(
        "",
        pattern=r"^(\S+:[0-9]{1,5})?$",
        description="Where the connector listens for instances inside that have something to say at the gate, `HOST:PORT`: "
        "the ONEGATE_ENDPOINT of this network. Empty is off; it needs `gate-address` at proxyd.",
    )
    standby: bool = Field(
        False,
        description="Take sessions only while no connector of the network that is not on standby is there.",
    )
    force: bool = Field(False, description="Run although another connector of the network is on this host.")
    max_streams: int = Field(500, ge=1, le=10000, description="Streams at a time; more are refused.")
    connect_timeout: float = Field(8.0, gt=0, le=60, description="Seconds to reach a host inside.")
    certificate_authority: FilePath | None = Field(
        None,
        description="PEM file with the authority of the brokers' certificates; the system's where not given.",
    )
    installed_as: Literal["auto", "container", "system", "user"] = Field(
        "auto",
        description="How the connector runs here; a container tells of updates and leaves them to whatever made it.",
    )
    update_keys: KeyList = Field(
        (),
        description="Who signs updates: public keys, `ssh-ed25519 AAAA…`. Without any, the connector does not update itself, "
        "nor look for updates.",
    )
    update_from: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="URL of the folder with the signed release; by default the broker's, below the endpoint in use.",
    )
    update_window: Annotated[Window, BeforeValidator(_window)] = Field(
        Window(180, 240), description="When an update may interrupt sessions, such as `03:00-04:00`."
    )
    update_zone: Annotated[ZoneInfo, BeforeValidator(_zone)] = Field(
        _utc(), description="The time zone of `update-window`, such as `Europe/Brussels`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lines below are dropped."
    )
    log_size: int = Field(
        5_000_000, ge=10_000, le=1_000_000_000, description="Bytes of the log after which a new one begins."
    )
    log_files: int = Field(3, ge=1, le=100, description="Logs that are kept beside the one in use.")

    @property
    def key_path(self) -> Path:
        """Where the key is."""
        return self.key_file or self.state_directory / "connector.key"

    @property
    def log_path(self) -> Path:
        """Where the log is."""
        return self.state_directory / "connector.log"
