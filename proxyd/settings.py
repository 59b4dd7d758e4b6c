"""proxyd's settings: one frozen model, read once. Where values come from is `proxyd.sources`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

__all__ = ["Settings"]


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


OptionalFile = Annotated[
    Annotated[Path, AfterValidator(Path.expanduser)] | None, BeforeValidator(_none_if_empty)
]


class Settings(BaseModel):
    """Every row appears in docs/reference/settings.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_kebab, populate_by_name=True)

    bind: str = Field("127.0.0.1:4822", description="Where proxyd listens: HOST:PORT or unix:PATH.")
    server_certificate: OptionalFile = Field(
        None,
        description="PEM file with proxyd's certificate: brokers have to speak TLS. Read again on SIGHUP, as are the next two.",
    )
    server_key: OptionalFile = Field(
        None, description="PEM file with its private key; where not given, the certificate's file holds it."
    )
    client_authority: OptionalFile = Field(
        None, description="PEM file with the authority that brokers' certificates must descend from."
    )
    workers: int = Field(0, ge=0, le=256, description="Worker processes; 0 is one for each processor.")
    max_sessions: int = Field(1000, ge=1, description="Sessions in one worker; more are refused as busy.")
    max_detached: int = Field(
        250,
        ge=0,
        description="Sessions in one worker that are kept while their owner is away; beyond, those who are away "
        "longest lose theirs.",
    )
    drain_timeout: float = Field(
        5.0,
        ge=0,
        le=86400,
        description="Seconds that sessions are given to end by themselves on SIGTERM; a second one ends them at once.",
    )
    handshake_timeout: float = Field(15.0, gt=0, le=120, description="Seconds for a whole handshake.")
    connect_timeout: float = Field(10.0, gt=0, le=120, description="Seconds to open a stream to an instance.")
    gate_address: str = Field(
        "",
        pattern=r"^(\S+:[0-9]{1,5})?$",
        description="Where the instance gate listens, `HOST:PORT`, as proxyd reaches it: connectors with `offer-gate` lead "
        "instances of their networks there. It has to see them from an address that is not among `trusted-proxies`. Empty leads nobody.",
    )
    known_hosts: OptionalFile = Field(
        None, description="The operator's file of SSH host keys, in the format of OpenSSH's known_hosts."
    )
    host_key_pins: OptionalFile = Field(
        Path("~/.local/state/fanlight/host_keys"),
        validate_default=True,
        description="Where the host key of an instance is kept the first time it is met; a changed key is refused. "
        "Empty keeps none.",
    )
    strict_host_keys: bool = Field(
        False,
        description="Refuse an instance of which neither its connection nor `known-hosts` knows a host key, instead of "
        "keeping the one that it shows; what was kept before counts.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lines below are dropped."
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written.")

    @property
    def worker_count(self) -> int:
        """Worker processes to run."""
        return self.workers or os.cpu_count() or 1
